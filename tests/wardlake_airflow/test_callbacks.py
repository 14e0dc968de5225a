"""The line that a failed task leaves for alerts."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from wardlake_airflow.callbacks import alert


@pytest.mark.parametrize(
    ("table", "place"),
    [("ward", "extract_clinic.extract[ward]"), (None, "extract_clinic.extract")],
    ids=["mapped task", "task"],
)
def test_one_line_says_where_and_why(caplog: pytest.LogCaptureFixture, table: str | None, place: str) -> None:
    instance = SimpleNamespace(dag_id="extract_clinic", task_id="extract", run_id="run 1", rendered_map_index=table)
    alert({"ti": instance, "exception": AirflowFailException("clinic.ward, batch 20260101: gone. Grant it.")})
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == f"WARDLAKE FAILED {place}, run run 1: clinic.ward, batch 20260101: gone. Grant it."
