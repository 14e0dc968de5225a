"""The quality reports on Airflow's web server, for those who may see plugins there."""

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, HTTPException, Path, status
from fastapi.responses import FileResponse

from wardlake.settings import load_settings

# Airflow itself does not ask who calls an app of a plugin, nor who reads its documentation.
app = FastAPI(title="Wardlake", openapi_url=None, dependencies=[Depends(requires_access_view(AccessView.PLUGINS))])


@app.get("/reports/{publication_id}")
def report(publication_id: Annotated[str, Path(pattern=r"^[\w-]+$")]) -> FileResponse:
    """The quality report of a publication, or of the newest one for `newest`."""
    folder = load_settings().reports_dir
    found = sorted(folder.glob("*.html" if publication_id == "newest" else f"{publication_id}.html"))
    if not found:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such report. The DAG build_gold writes one.")
    return FileResponse(found[-1], media_type="text/html", headers={"Content-Security-Policy": "sandbox"})
