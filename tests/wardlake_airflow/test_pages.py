"""The quality reports in Airflow's UI: the newest by name, the list, and nothing without login."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from wardlake_airflow.reports import app

REPORTS = ("20260101T000000000000Z-aaaa", "20260102T000000000000Z-bbbb", "index")


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The app over a folder with two reports and their list."""
    monkeypatch.setenv("WARDLAKE_HOME", str(tmp_path))
    (tmp_path / "reports").mkdir()
    for name in REPORTS:
        (tmp_path / "reports" / f"{name}.html").write_text(name)
    (tmp_path / "env").write_text("WARDLAKE_THREADS=1")
    return TestClient(app)


@pytest.mark.parametrize("path", ["/reports/newest", f"/reports/{REPORTS[0]}", "/reports/index.html", "/docs"])
def test_nothing_is_shown_without_login(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (401, 403, 404)


def test_reports_are_found_by_name_and_nothing_else_is(client: TestClient) -> None:
    dependency = app.router.dependencies[0].dependency
    app.dependency_overrides[dependency] = lambda: None
    try:
        assert client.get("/reports/newest").text == REPORTS[1]
        assert client.get(f"/reports/{REPORTS[0]}").text == REPORTS[0]
        assert client.get(f"/reports/{REPORTS[0]}.html").text == REPORTS[0]
        assert client.get("/reports/index.html").text == "index"
        for path in ("/reports/nothing", "/reports/..%2Fenv", "/reports/%2e%2e/env", "/reports/*"):
            assert client.get(path).status_code in (404, 422), path
    finally:
        app.dependency_overrides.clear()
