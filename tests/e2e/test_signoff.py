"""The page 'Data quality' in a real browser on a real Airflow: who may open it, who may sign, what is signed."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from airflow_server import PASSWORD, AirflowServer, airflow_server
from playwright.sync_api import Browser, Page, expect
from tests.conftest import free_port

from wardlake.lake import Lake
from wardlake.ledger import Decision, append, new_run_id, open_ledger, verify
from wardlake.quality import RuleResult, Verdict, report_run
from wardlake.quality.keeping import report_key
from wardlake.settings import Settings
from wardlake.warehouse.expose import Exposed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

USERS = {
    "vera": "Wardlake viewer",
    "anna": "Wardlake analyst",
    "otto": "Wardlake auditor",
    "dana": "Wardlake data team",
    "nobody": "Nobody",
}
RUN = "20260102T031500000000Z-0123abcd"
EXTRACT_RUN = "extract_clinic/manual__1"
ROUTES = (
    "/wardlake/quality",
    f"/wardlake/quality/runs/{RUN}",
    "/wardlake/quality/dag-run?dag_id=extract_clinic&run_id=manual__1",
    f"/wardlake/reports/{RUN}.html",
    "/wardlake/reports/index.html",
)
DAG = """
from airflow.sdk import DAG, task
from wardlake.settings import load_settings
from wardlake_airflow.faults import told_to_airflow
from wardlake_airflow.links import BUILD_DAG, ReportLink, page_of_run
from wardlake_airflow.signing import ask_auditor, enter_answer

with DAG(BUILD_DAG, schedule=None, is_paused_upon_creation=False):
    @task
    def report(dag_run):
        return dict(dag_run.conf, headline="Fit for use.", page=page_of_run(dag_run.conf["run_id"]))

    @task
    def sign(reported, answer):
        with told_to_airflow():
            return enter_answer(load_settings(), reported, answer).decision

    reported, asked = report(), ask_auditor("report")
    reported.operator.operator_extra_links = (ReportLink(),)
    reported >> asked
    sign(reported, asked.output)
"""


def new_run(settings: Settings, run_id: str | None = None, dag_run: str | None = None, batch: str = "b1") -> str:
    """Report a run with one table, and return its id."""
    rules = [
        RuleResult(
            rule_id=f"clinic.stay.{name}",
            dimension="conformance",
            severity="warning",
            action=action,
            why="Every stay has a ward.",
            owner="data team",
            status="failed" if found else "passed",
            evaluated=100,
            unexpected=found,
        )
        for name, action, found in (("ward_known", "quarantine", 7), ("dates_in_order", "warn", 0))
    ]
    judged = Verdict(
        source="clinic",
        table="stay",
        batch_id=batch,
        suite_version="abcdef012345",
        status="quarantined",
        rows=100,
        quarantined_rows=7,
        rules=rules,
        verdict_key=None,
        judged_at=datetime.now(UTC),
        code_version="test",
    )
    run_id = run_id or new_run_id()
    exposed = [Exposed("clinic", "stay", (batch,), 100, 100, 7)]
    report_run(settings, run_id=run_id, exposed=exposed, verdicts=[judged], dag_run=dag_run)
    return run_id


def sha256_of_stored(settings: Settings, run_id: str) -> str:
    return hashlib.sha256(Lake(settings).get(settings.bucket("quality"), report_key(run_id))).hexdigest()


def signoffs(settings: Settings, run_id: str) -> list[tuple[str, ...]]:
    """Decision, name, remark and hash of each sign-off of a run."""
    with open_ledger(settings) as ledger:
        return ledger.execute(
            "SELECT decision, signed_by, remark, report_sha256 FROM quality.signoffs WHERE run_id = ? ORDER BY ALL",
            [run_id],
        ).fetchall()


@pytest.fixture(scope="module")
def settings(module_settings: Settings) -> Settings:
    """A lake with one reported run."""
    new_run(module_settings, RUN, EXTRACT_RUN)
    return module_settings


@pytest.fixture(scope="module")
def server(
    settings: Settings, module_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirflowServer]:
    folder = tmp_path_factory.mktemp("airflow")
    with airflow_server(settings, module_database, folder, free_port(), USERS, {"build_gold.py": DAG}) as server:
        yield server


@dataclass
class Visit:
    """A page in a browser, with all that it asked for and complained about."""

    page: Page
    requests: list[str]
    complaints: list[str]


@pytest.fixture(scope="module")
def log_in(server: AirflowServer, browser: Browser) -> Callable[[str], Any]:
    """The state of a browser in which a user has logged in through Airflow's own form; that is done once for a user."""

    @cache
    def log_in_as(user: str) -> Any:
        with browser.new_context(base_url=server.address) as context:
            page = context.new_page()
            page.goto("/auth/login/")
            page.fill("input[name=username]", user)
            page.fill("input[name=password]", PASSWORD)
            page.locator("input[type=submit], button[type=submit]").click()
            page.wait_for_url(lambda url: "/auth/login" not in url)
            return context.storage_state()

    return log_in_as


@pytest.fixture
def visit(server: AirflowServer, browser: Browser, log_in: Callable[[str], Any]) -> Iterator[Callable[..., Visit]]:
    """Open a browser of its own, in which a user is logged in, or nobody."""
    contexts = []

    def open_as(user: str | None = None, width: int = 1280) -> Visit:
        context = browser.new_context(
            base_url=server.address,
            viewport={"width": width, "height": 844},
            storage_state=log_in(user) if user else None,
        )
        contexts.append(context)
        visited = Visit(context.new_page(), [], [])
        context.on("request", lambda request: visited.requests.append(request.url))
        context.on("console", lambda message: visited.complaints.append(message.text))
        context.on("weberror", lambda error: visited.complaints.append(str(error.error)))
        return visited

    yield open_as
    for context in contexts:
        context.close()


def post(page: Page, address: str, run_id: str, sha256: str, **changed: str) -> int:
    """Status of a signature that is sent with the cookies of the page's browser, past the page's own form."""
    answer = page.context.request.post(
        f"/wardlake/quality/runs/{run_id}/signature",
        form={"decision": "approved", "report_sha256": sha256, "remark": "seen"},
        headers={"Origin": address, **changed},
        max_redirects=0,
    )
    return answer.status


def test_nothing_is_shown_without_login(settings: Settings, server: AirflowServer, visit: Callable[..., Visit]) -> None:
    page = visit().page
    for route in ROUTES:
        answer = page.goto(route)
        assert answer
        assert answer.status == 401, route
        assert "stay" not in page.content()
    assert post(page, server.address, RUN, sha256_of_stored(settings, RUN)) == 401


@pytest.mark.parametrize("secret", ["another-secret-" * 8, None])
def test_a_forged_cookie_opens_nothing(
    settings: Settings, server: AirflowServer, visit: Callable[..., Visit], secret: str | None
) -> None:
    with server.api("otto") as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")
    facts = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode(facts, secret, algorithm="HS512" if secret else "none")
    page = visit().page
    cookie = [{"name": "_token", "value": forged, "url": server.address}]
    for route in ROUTES:
        page.context.add_cookies(cookie)  # Airflow takes a bad one away
        assert page.context.request.get(route).status in (401, 403), route
    page.context.add_cookies(cookie)
    assert post(page, server.address, RUN, sha256_of_stored(settings, RUN)) in (401, 403)
    assert signoffs(settings, RUN) == []


def test_nothing_is_shown_to_a_user_without_a_role_of_wardlake(
    settings: Settings, server: AirflowServer, visit: Callable[..., Visit]
) -> None:
    page = visit("nobody").page
    for route in ROUTES:
        assert page.context.request.get(route).status == 403, route
    assert post(page, server.address, RUN, sha256_of_stored(settings, RUN)) == 403


@pytest.mark.parametrize("user", ["vera", "anna", "dana"])
def test_who_is_no_auditor_reads_and_cannot_sign(
    settings: Settings, server: AirflowServer, visit: Callable[..., Visit], user: str
) -> None:
    page = visit(user).page
    for route in ROUTES:
        assert page.context.request.get(route).status == 200, route
    page.goto(f"/wardlake/quality/runs/{RUN}")
    assert page.get_by_text("not signed").is_visible()
    assert page.get_by_role("button").count() == 0
    assert post(page, server.address, RUN, sha256_of_stored(settings, RUN)) == 403
    assert signoffs(settings, RUN) == []


def test_only_the_data_team_starts_dags(server: AirflowServer) -> None:
    asked = {"logical_date": None, "conf": {"run_id": RUN, "sha256": "0" * 64}}
    for user in ("nobody", "vera", "anna", "otto"):
        with server.api(user) as client:
            assert client.post("/api/v2/dags/build_gold/dagRuns", json=asked).status_code == 403, user


@pytest.mark.parametrize("width", [390, 1280])
def test_an_auditor_reads_the_report_and_signs_it(
    settings: Settings, server: AirflowServer, visit: Callable[..., Visit], width: int, tmp_path: Path
) -> None:
    run_id = new_run(settings)
    visited = visit("otto", width)
    page = visited.page
    page.goto("/wardlake/quality")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.screenshot(path=tmp_path / f"index-{width}.png", full_page=True)
    page.get_by_role("link", name=run_id).click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    report = page.frame_locator("iframe")
    assert not report.get_by_text("dates in order").is_visible()
    report.locator("summary", has_text="stay").click()
    expect(report.get_by_text("dates in order")).to_be_visible()
    page.screenshot(path=tmp_path / f"run-{width}.png", full_page=True)
    sha256 = sha256_of_stored(settings, run_id)
    assert hashlib.sha256(page.context.request.get(f"/wardlake/reports/{run_id}.html").body()).hexdigest() == sha256
    assert page.get_by_text(sha256).is_visible()
    page.get_by_label("Remark of otto").fill("Beds were counted <twice> & agree.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("approved by otto")).to_be_visible()
    expect(page.get_by_text("Beds were counted <twice> & agree.")).to_be_visible()
    assert not page.get_by_role("button", name="Reject").is_visible()
    report.locator("summary", has_text="stay").wait_for()
    page.screenshot(path=tmp_path / f"signed-{width}.png", full_page=True)
    assert signoffs(settings, run_id) == [("approved", "otto", "Beds were counted <twice> & agree.", sha256)]
    assert verify(settings).problems == []
    page.locator("main").get_by_role("link", name="Data quality").click()
    expect(page.get_by_role("row", name=run_id).get_by_text("approved")).to_be_visible()
    assert {url for url in visited.requests if not url.startswith((server.address, "data:"))} == set()
    assert visited.complaints == []


def test_a_signature_that_is_refused_says_why(settings: Settings, visit: Callable[..., Visit]) -> None:
    run_id = new_run(settings)
    page = visit("otto").page
    page.goto(f"/wardlake/quality/runs/{run_id}")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("heading", name="a rejection needs a remark")).to_be_visible()
    assert signoffs(settings, run_id) == []


def test_a_signature_for_another_report_or_from_another_site_is_refused(
    settings: Settings, server: AirflowServer, visit: Callable[..., Visit]
) -> None:
    run_id = new_run(settings)
    page, sha256 = visit("otto").page, sha256_of_stored(settings, run_id)
    assert post(page, server.address, run_id, "0" * 64) == 409
    for origin in ("http://hospital.example", "null", ""):
        assert post(page, origin, run_id, sha256) == 403
    assert post(page, server.address, "20260101T000000000000Z-ffffffff", sha256) == 409
    assert signoffs(settings, run_id) == []
    assert post(page, server.address, run_id, sha256) == 303
    assert signoffs(settings, run_id) == [("approved", "otto", "seen", sha256)]


def test_nobody_signs_what_they_have_accepted_themselves(settings: Settings, visit: Callable[..., Visit]) -> None:
    run_id = new_run(settings, batch="accepted")
    accepted = Decision(
        action="accept",
        source="clinic",
        table="stay",
        batch_id="accepted",
        rule_id=None,
        rows=7,
        decided_by="otto",
        reason="a ward that was closed",
    )
    append(settings, Lake(settings), accepted)
    page = visit("otto").page
    page.goto(f"/wardlake/quality/runs/{run_id}")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="otto has decided on quarantined rows of clinic.stay")).to_be_visible()
    assert signoffs(settings, run_id) == []


def test_the_menu_of_airflow_leads_to_the_page(visit: Callable[..., Visit]) -> None:
    page = visit("vera").page
    page.goto("/plugin/data-quality")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Data quality")).to_be_visible()
    expect(frame.get_by_role("link", name=RUN)).to_be_visible()


def test_the_link_of_a_task_leads_to_the_report_of_its_batches(visit: Callable[..., Visit]) -> None:
    page = visit("anna").page
    page.goto("/wardlake/quality/dag-run?dag_id=extract_clinic&run_id=manual__1")
    assert page.url.endswith(f"/wardlake/quality/runs/{RUN}")
    page.goto("/wardlake/quality/dag-run?dag_id=extract_clinic&run_id=manual__2")
    expect(page.get_by_role("heading", name="No report tells yet what extract_clinic has judged")).to_be_visible()


def test_a_build_waits_for_the_auditor_and_the_answer_is_the_signature(
    settings: Settings, server: AirflowServer, visit: Callable[..., Visit], tmp_path: Path
) -> None:
    dag_run = f"manual__{uuid.uuid4().hex}"
    run_id = new_run(settings, dag_run=f"build_gold/{dag_run}")
    sha256 = sha256_of_stored(settings, run_id)
    asked = {"dag_run_id": dag_run, "logical_date": None, "conf": {"run_id": run_id, "sha256": sha256}}
    path = f"/api/v2/dags/build_gold/dagRuns/{dag_run}"
    detail = f"{path}/taskInstances/ask_auditor/-1/hitlDetails"
    answer = {"chosen_options": ["Reject"], "params_input": {"remark": "Two wards are missing."}}
    with server.api("dana") as data_team, server.api("otto") as auditor:
        data_team.post("/api/v2/dags/build_gold/dagRuns", json=asked).raise_for_status()
        wait_for_state(data_team, f"{path}/taskInstances/ask_auditor", "awaiting_input")
        shown = auditor.get(detail).raise_for_status().json()
        assert run_id in shown["subject"]
        assert sha256 in shown["body"]
        assert f"{server.address}/wardlake/quality/runs/{run_id}" in shown["body"]
        page = visit("otto").page
        page.goto(f"/wardlake/quality/runs/{run_id}")
        assert page.get_by_role("button").count() == 0
        assert post(page, server.address, run_id, sha256) == 409
        page.get_by_role("link", name="Answer it in Airflow").click()
        expect(page.get_by_text(f"Sign off run {run_id}").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=tmp_path / "question.png")
        assert data_team.patch(detail, json=answer).status_code == 403
        auditor.patch(detail, json=answer).raise_for_status()
        wait_for_state(data_team, f"{path}/taskInstances/sign", "success")
        (link,) = auditor.get(f"{path}/taskInstances/report/links").json()["extra_links"].items()
    assert signoffs(settings, run_id) == [("rejected", "otto", "Two wards are missing.", sha256)]
    assert link[0] == "Quality report"
    page.goto(link[1])
    expect(page.get_by_text("rejected by otto")).to_be_visible()


def wait_for_state(client: httpx.Client, path: str, state: str) -> None:
    """Wait until a task instance is in a state."""
    deadline = time.monotonic() + 120
    while (found := client.get(path).raise_for_status().json()["state"]) != state:
        assert found not in ("failed", "upstream_failed", "success", "skipped"), found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
