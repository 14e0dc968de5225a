"""Cleaning and the warehouse: a snapshot that a build still reads stays."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from clinic import DAY, NEXT_DAY, create_wards, ward_source

from wardlake.bronze import batches, extract_table
from wardlake.lake import Lake
from wardlake.maintain import clean_source
from wardlake.quality import judge_source
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse.expose import expose_bronze

KEPT_NO_LONGER = "files of batches that are kept no longer"


@pytest.fixture
def clinic(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, Source]:
    """A clinic whose wards must have beds, and whose snapshots are kept for 30 days; the store is 31 days ahead."""
    suite = tmp_path / "project" / "expectations" / "clinic" / "ward.json"
    suite.parent.mkdir(parents=True)
    meta = {
        "rule_id": "clinic.ward.rows",
        "dimension": "completeness",
        "severity": "critical",
        "action": "halt",
        "why": "A hospital has wards.",
        "threshold_pct": 0,
        "threshold_why": "There are wards or there are none.",
        "owner": "data team",
    }
    rule = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}, "meta": meta}
    suite.write_text(json.dumps({"name": "clinic.ward", "expectations": [rule], "meta": {}}))
    described = ward_source().model_dump(mode="json")
    described["tables"]["ward"]["keep_days"] = 30
    monkeypatch.setattr(Lake, "now", lambda *_: datetime.now(UTC) + timedelta(days=31))
    return settings.model_copy(update={"project_root": tmp_path / "project"}), Source.model_validate(described)


def retired(settings: Settings) -> list[bool]:
    return [manifest.retirement is not None for manifest in batches(settings, Lake(settings), "clinic", "ward")]


def test_the_snapshot_before_a_halted_one_stays(clinic: tuple[Settings, Source], database: str) -> None:
    settings, source = clinic
    create_wards(database)
    first = extract_table(settings, source, "ward", DAY, database).manifest
    judge_source(settings, source)
    with psycopg.connect(database) as connection:
        connection.execute("delete from adt.ward")
    extract_table(settings, source, "ward", NEXT_DAY, database)
    assert clean_source(settings, source) == []
    assert [verdict.status for verdict in judge_source(settings, source)] == ["halted"]
    assert clean_source(settings, source) == []
    assert retired(settings) == [False, False]
    assert expose_bronze(settings, [source]).exposed[0].batch_ids == (first.batch_id,)


def test_the_snapshot_before_a_good_one_goes(clinic: tuple[Settings, Source], database: str) -> None:
    settings, source = clinic
    create_wards(database)
    extract_table(settings, source, "ward", DAY, database)
    judge_source(settings, source)
    with psycopg.connect(database) as connection:
        connection.execute("update adt.ward set beds = 21 where ward_cd = 'W2'")
    second = extract_table(settings, source, "ward", NEXT_DAY, database).manifest
    assert clean_source(settings, source) == []
    judge_source(settings, source)
    assert [(one.reason, one.objects) for one in clean_source(settings, source, dry_run=True)] == [(KEPT_NO_LONGER, 1)]
    assert [one.reason for one in clean_source(settings, source, ["ward"])] == [KEPT_NO_LONGER]
    assert retired(settings) == [True, False]
    assert expose_bronze(settings, [source]).exposed[0].batch_ids == (second.batch_id,)


def test_before_anything_was_judged_nothing_goes(clinic: tuple[Settings, Source], database: str) -> None:
    settings, source = clinic
    create_wards(database)
    extract_table(settings, source, "ward", DAY, database)
    extract_table(settings, source, "ward", NEXT_DAY, database)
    assert clean_source(settings, source) == []


def test_a_snapshot_that_was_only_repeated_stays_as_long_as_it_is_read(
    clinic: tuple[Settings, Source], database: str
) -> None:
    settings, source = clinic
    create_wards(database)
    first = extract_table(settings, source, "ward", DAY, database).manifest
    judge_source(settings, source)
    extract_table(settings, source, "ward", NEXT_DAY, database)
    judge_source(settings, source)
    assert clean_source(settings, source) == []
    assert expose_bronze(settings, [source]).exposed[0].batch_ids == (first.batch_id,)
