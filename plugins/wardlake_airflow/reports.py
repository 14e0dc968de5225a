"""The quality reports on Airflow's web server, for those who may see plugins there."""

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, HTTPException, Path, status
from fastapi.responses import FileResponse

from wardlake.settings import load_settings

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

# Airflow itself does not ask who calls an app of a plugin, nor who reads its documentation.
app = FastAPI(title="Wardlake", openapi_url=None, dependencies=[Depends(requires_access_view(AccessView.PLUGINS))])


@app.get("/reports/{run_id}")
def report(run_id: Annotated[str, Path(pattern=r"^[\w-]+(\.html)?$")]) -> FileResponse:
    """The report of a run, the newest one for `newest`, or the list of reports for `index.html`."""
    folder = load_settings().reports_dir
    found = sorted(folder.glob("[0-9]*.html" if run_id == "newest" else f"{run_id.removesuffix('.html')}.html"))
    if not found:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such report. The DAG build_gold writes one.")
    return FileResponse(found[-1], media_type="text/html", headers={"Content-Security-Policy": POLICY})
