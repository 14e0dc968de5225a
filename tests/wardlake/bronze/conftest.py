"""A pharmacy of the test's own, and a store whose clock a test can put forward."""

from datetime import timedelta

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
