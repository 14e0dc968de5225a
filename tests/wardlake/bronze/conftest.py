"""A pharmacy of the test's own, a store whose clock a test can put forward, and engines that open quickly."""

from datetime import timedelta

import duckdb
import pytest
from clinic import price_source
from pharmacy import Pharmacy, PutForward

from wardlake.lake import Lake
from wardlake.settings import Settings


@pytest.fixture
def pharmacy(settings: Settings, lake: Lake) -> Pharmacy:
    """A pharmacy that has delivered nothing yet."""
    return Pharmacy(settings, lake, price_source())


@pytest.fixture
def put_forward(monkeypatch: pytest.MonkeyPatch) -> PutForward:
    """Put the store's clock forward; times of objects stay as they are."""
    now = Lake.now

    def put(by: timedelta) -> None:
        monkeypatch.setattr(Lake, "now", lambda self, bucket: now(self, bucket) + by)

    return put


@pytest.fixture
def _quick_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that take the extensions as they are: to check their signatures is most of a small extraction's time."""
    open_ = duckdb.connect

    def connect_quickly(database: str, *, read_only: bool, config: dict[str, str]) -> duckdb.DuckDBPyConnection:
        return open_(database, read_only=read_only, config={**config, "allow_unsigned_extensions": "true"})

    monkeypatch.setattr(duckdb, "connect", connect_quickly)
