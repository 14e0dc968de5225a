"""The page 'Data quality' on Airflow's web server: the runs, their reports as they are stored, and the sign-off.

Airflow itself does not ask who calls an app of a plugin: here every route asks for a login and a right.

- To read: the right to see plugins.
- To sign: the right to answer what the DAG `build_gold` asks of people, so that one right is enough for both ways.
"""

from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
from airflow.configuration import conf
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from fastapi import Depends, FastAPI, Form, HTTPException, Path, Request, status
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from sqlalchemy import select
from sqlalchemy.orm import Session

from wardlake.errors import PassingError, PermanentError, WardlakeError
from wardlake.quality.keeping import stored_report
from wardlake.quality.runs import LATEST, Run, latest_runs, run_of, run_told_by, sources_of, sources_to_sign
from wardlake.quality.signing import sign
from wardlake.settings import load_settings
from wardlake_airflow.links import ASK_TASK, BUILD_DAG

LONGEST_REMARK = 2000
RunId = Annotated[str, Path(pattern=r"^[\w-]+$")]

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
PAGE_POLICY = f"{REPORT_POLICY}; frame-src 'self'; form-action 'self'; base-uri 'none'"
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}

templates = Environment(
    loader=ChoiceLoader([PackageLoader("wardlake_airflow"), PackageLoader("wardlake.quality")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters["count"] = lambda number: f"{number:,}"
templates.filters["words"] = lambda name: name.replace("_", " ")
templates.filters["moment"] = lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC"

app = FastAPI(title="Wardlake", openapi_url=None, dependencies=[Depends(requires_access_view(AccessView.PLUGINS))])


@app.exception_handler(WardlakeError)
def tell(request: Request, error: WardlakeError) -> HTMLResponse:
    """An error of the library as a page that says what to do."""
    if isinstance(error, PassingError):
        code = status.HTTP_503_SERVICE_UNAVAILABLE
    else:
        code = status.HTTP_404_NOT_FOUND if request.method == "GET" else status.HTTP_409_CONFLICT
    return _page(request, "error.html.j2", code, error=error)


@app.get("/quality")
def index(request: Request, before: str | None = None) -> HTMLResponse:
    """The latest runs, or those before a run."""
    settings = load_settings()
    runs = latest_runs(settings, before)
    reports = sorted(path.stem.removeprefix("source-") for path in settings.reports_dir.glob("source-*.html"))
    return _page(
        request,
        "runs.html.j2",
        runs=runs,
        sources=[] if before else reports,
        is_first=before is None,
        is_full=len(runs) == LATEST,
    )


@app.get("/quality/dag-run")
def of_dag_run(request: Request, dag_id: str, run_id: str) -> Response:
    """Leads to the report of what a DAG run has judged."""
    found = run_told_by(load_settings(), f"{dag_id}/{run_id}")
    if found is None:
        raise PermanentError(
            f"No report tells yet what {dag_id} has judged in its run {run_id}.",
            remedy=f"The next run of {BUILD_DAG} writes one, of all batches that it reads.",
        )
    return RedirectResponse(f"{_root(request)}/quality/runs/{quote(found)}", status.HTTP_303_SEE_OTHER)


@app.get("/quality/runs/{run_id}")
def run_page(request: Request, run_id: RunId, user: GetUserDep, session: SessionDep) -> HTMLResponse:
    """One run: its report as it is stored, and who signed it."""
    settings = load_settings()
    run = run_of(settings, run_id)
    return _page(
        request,
        "run.html.j2",
        run=run,
        required_by=sources_to_sign(settings, sources_of(settings, run_id)),
        question=_open_question(session, run),
        may_sign=may_sign(user),
        user=user.get_name(),
        longest_remark=LONGEST_REMARK,
    )


@app.post("/quality/runs/{run_id}/signature")
def signature(
    request: Request,
    run_id: RunId,
    user: GetUserDep,
    session: SessionDep,
    decision: Annotated[Literal["approved", "rejected"], Form()],
    report_sha256: Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")],
    remark: Annotated[str, Form(max_length=LONGEST_REMARK)] = "",
) -> Response:
    """Sign a run in the name of whoever is logged in."""
    _refuse_other_sites(request)
    if not may_sign(user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "To sign is the right of auditors.")
    settings = load_settings()
    if _open_question(session, run_of(settings, run_id)):
        raise PermanentError(
            f"{BUILD_DAG} waits for the decision on run {run_id}.",
            remedy="Answer it in Airflow, under 'Required actions': the answer is the signature.",
        )
    sign(settings, run_id, report_sha256, decision, user.get_name(), remark)
    return RedirectResponse(f"{_root(request)}/quality/runs/{quote(run_id)}", status.HTTP_303_SEE_OTHER)


@app.get("/reports/{name}.html")
def report(name: RunId) -> Response:
    """The stored report of a run, byte by byte; else a page of the folder of reports: the index, or one of a source."""
    settings = load_settings()
    content = stored_report(settings, name)
    if content is None:
        path = settings.reports_dir / f"{name}.html"
        if not path.is_file():
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"There is no such report. {BUILD_DAG} writes one.")
        content = path.read_bytes()
    return HTMLResponse(content, headers={**HEADERS, "Content-Security-Policy": REPORT_POLICY})


def may_sign(user: BaseUser) -> bool:
    """Whether a user may answer what `build_gold` asks of people, and so sign."""
    return get_auth_manager().is_authorized_dag(
        method="PUT", access_entity=DagAccessEntity.HITL_DETAIL, details=DagDetails(id=BUILD_DAG), user=user
    )


def _open_question(session: Session, run: Run) -> str | None:
    """Path of the page on which the run's DAG run waits for the decision; None if it does not."""
    dag_id, _, dag_run_id = (run.dag_run or "").partition("/")
    waiting = session.scalar(
        select(TaskInstance.id)
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(
            TaskInstance.dag_id == dag_id,
            TaskInstance.run_id == dag_run_id,
            TaskInstance.task_id == ASK_TASK,
            TaskInstance.state == TaskInstanceState.AWAITING_INPUT,
            HITLDetail.responded_at.is_(None),
        )
    )
    path = f"/dags/{quote(dag_id)}/runs/{quote(dag_run_id)}/tasks/{ASK_TASK}/required_actions"
    return path if waiting else None


def _refuse_other_sites(request: Request) -> None:
    """A page of another site cannot sign in the name of whoever is logged in; a bearer token is not sent by itself."""
    own = {request.headers.get("host"), urlsplit(conf.get("api", "base_url", fallback="")).netloc}
    if "authorization" not in request.headers and urlsplit(request.headers.get("origin", "")).netloc not in own - {""}:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "A signature is taken from this page only.")


def _root(request: Request) -> str:
    return str(request.scope["root_path"])


def _page(request: Request, template: str, code: int = status.HTTP_200_OK, **values: object) -> HTMLResponse:
    root = _root(request)
    content = templates.get_template(template).render(root=root, airflow=root.removesuffix("/wardlake"), **values)
    return HTMLResponse(content, code, headers={**HEADERS, "Content-Security-Policy": PAGE_POLICY})
