"""The page 'Data quality' without a server: what it serves and what it does not; tests/e2e has browsers and roles."""

from collections.abc import Iterator

import pytest
from airflow.api_fastapi.app import create_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi.testclient import TestClient

from wardlake.quality import report_run
from wardlake.quality.runs import LATEST
from wardlake.settings import Settings
from wardlake_airflow.pages import app, may_sign

RUN = "20260102T000000000000Z-bbbb"


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The app over a lake of this test's own, without a login."""
    for variable, value in settings.environment().items():
        monkeypatch.setenv(variable, value)
    return TestClient(app)


@pytest.fixture
def reader(client: TestClient) -> Iterator[TestClient]:
    """The same, for somebody who may read."""
    app.dependency_overrides[app.router.dependencies[0].dependency] = lambda: None
    yield client
    app.dependency_overrides.clear()


@pytest.mark.parametrize("path", ["/quality", f"/quality/runs/{RUN}", f"/reports/{RUN}.html", "/docs", "/openapi.json"])
def test_nothing_is_shown_without_login(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (401, 403, 404)


def test_a_stored_report_comes_before_the_file_of_its_name(settings: Settings, reader: TestClient) -> None:
    path = report_run(settings, run_id=RUN, exposed=[], verdicts=[])
    stored = path.read_bytes()
    path.write_text("not what was stored")
    answer = reader.get(f"/reports/{RUN}.html")
    assert answer.content == stored
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_pages_of_sources_are_served_and_nothing_else_is(settings: Settings, reader: TestClient) -> None:
    settings.reports_dir.mkdir(parents=True)
    (settings.reports_dir / "source-clinic.html").write_text("the clinic's page")
    (settings.home / "env").write_text("WARDLAKE_THREADS=1")
    assert "/reports/source-clinic.html" in reader.get("/quality").text
    assert reader.get("/reports/source-clinic.html").text == "the clinic's page"
    for path in ("nothing.html", "..%2Fenv", "%2e%2e/env", "*.html", "env"):
        assert reader.get(f"/reports/{path}").status_code in (404, 422), path


def test_the_list_of_runs_does_not_grow_with_the_years(settings: Settings, reader: TestClient) -> None:
    ids = [f"20260101T0000{number:02d}000000Z-aaaa" for number in range(LATEST + 1)]
    for run_id in ids:
        report_run(settings, run_id=run_id, exposed=[], verdicts=[])
    newest = reader.get("/quality").text
    assert ids[-1] in newest
    assert ids[0] not in newest
    assert f"/quality?before={ids[1]}" in newest
    earlier = reader.get(f"/quality?before={ids[1]}").text
    assert ids[0] in earlier
    assert "Earlier runs</a>" not in earlier


def test_on_a_laptop_those_sign_who_may_answer_the_build() -> None:
    create_auth_manager()
    users = [SimpleAuthManagerUser(username="a", role=role) for role in ("viewer", "user", "op", "admin")]
    assert [user.role for user in users if may_sign(user)] == ["user", "op", "admin"]
