"""The few calls of Airflow's REST API that the demo and the start of the stack need."""

from typing import Any

import httpx

from wardlake.errors import PassingError, PermanentError

TIMEOUT_S = 30
PAGE_ROWS = 100


class Airflow:
    """A logged-in client of one Airflow."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self.address = address
        self.user = user
        self.password = password
        self._client = httpx.Client(base_url=address, timeout=TIMEOUT_S, trust_env=False)

    def unhealthy(self) -> list[str]:
        """Names of the components that do not report as healthy."""
        try:
            answer = self._client.get("/api/v2/monitor/health", timeout=5)
        except httpx.TransportError:
            return ["api-server"]
        if answer.is_error:
            return ["api-server"]
        parts = answer.json().items()
        return [name.replace("_", "-") for name, part in parts if not part or part["status"] != "healthy"]

    def log_in(self) -> None:
        """Get a token for the calls that follow."""
        token = self._call("POST", "/auth/token", json={"username": self.user, "password": self.password})
        self._client.headers["Authorization"] = f"Bearer {token['access_token']}"

    def get(self, path: str, **parameters: object) -> dict[str, Any]:
        """Answer of a GET below /api/v2."""
        return self._call("GET", f"/api/v2{path}", params=parameters)

    def find(self, path: str) -> dict[str, Any] | None:
        """Answer of a GET below /api/v2, or None if there is no such thing."""
        try:
            return self.get(path)
        except NotFoundError:
            return None

    def create(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """Answer of a POST below /api/v2."""
        return self._call("POST", f"/api/v2{path}", json=body)

    def change(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """Answer of a PATCH below /api/v2."""
        return self._call("PATCH", f"/api/v2{path}", json=body)

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise PassingError(
                f"Airflow at {self.address} did not answer ({type(error).__name__}).",
                remedy="See api-server.log in WARDLAKE_HOME/logs.",
            ) from None
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFoundError(f"Airflow has no {path}.", remedy="Check that the DAG was parsed: Airflow UI, Dags.")
        if answer.is_error:
            raise PermanentError(
                f"Airflow refused {method} {path}: {answer.status_code} {answer.text[:500]}",
                remedy="See api-server.log in WARDLAKE_HOME/logs.",
            )
        return dict(answer.json())


class NotFoundError(PermanentError):
    """Airflow knows no such thing."""
