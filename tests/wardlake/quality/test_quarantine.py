"""Rows in quarantine: listed, released by corrections, judged again, accepted by hand, shown with a right only."""

from typing import Any

import pytest
from bronze.stays import Clinic, at, stay_source
from clinic import price_source
from pharmacy import FIRST_DAY

from wardlake.bronze import Manifest, extract_table
from wardlake.errors import PermanentError
from wardlake.ledger import open_ledger, verify
from wardlake.quality import judge_source
from wardlake.quality.quarantine import accept, open_quarantine, replay, show
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect
from wardlake.warehouse.expose import Exposed, expose_bronze
from wardlake.window import Window

BY = {"name": "A. Nurse", "reason": "Checked with the ward."}
ODD = "clinic.stay.odd"
STAYS = {"id": "BIGINT", "ward": "VARCHAR"}
MARK = "Zq9Secret"


def built(settings: Settings, source: Source, table: str = "stay", columns: str = "id") -> list[Any]:
    """What silver would read of a table now."""
    expose_bronze(settings, [source])
    with connect(settings, settings.warehouse_path) as engine:
        rows = engine.execute(f"SELECT {columns} FROM bronze_{source.name}.{table} ORDER BY ALL").fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]


def counts(settings: Settings, source: Source) -> tuple[int, int, int]:
    """Rows in bronze, rows that stay out, and rows that were accepted by hand."""
    one: Exposed = expose_bronze(settings, [source]).exposed[0]
    return one.bronze_rows, one.quarantined_rows, one.accepted_by_hand


def decisions(settings: Settings) -> list[tuple[Any, ...]]:
    with open_ledger(settings) as ledger:
        return ledger.execute(
            "SELECT action, table_name, rule_id, rows, decided_by, reason FROM quality.decisions ORDER BY sequence"
        ).fetchall()


def listed(settings: Settings, source: Source, table: str = "stay") -> dict[str, int]:
    return {held.rule_id: held.rows for held in open_quarantine(settings, source, [table])}


@pytest.fixture
def clinic(quality: Any, make: Any) -> tuple[Any, Source, Manifest]:
    """Ten stays: the rule `odd` holds 9 and 10, `unplaced` holds 10."""
    quality.suite(
        "stay",
        make.query("odd", "SELECT _row_id FROM {batch} WHERE id > 8", "quarantine"),
        make.query("unplaced", "SELECT _row_id FROM {batch} WHERE id = 10", "quarantine"),
        make.query("large", "SELECT _row_id FROM {batch} WHERE id > 5"),
    )
    manifest = quality.batch("stay", f"SELECT i AS id, '{MARK}' AS ward FROM range(1, 11) AS t(i)")
    source = make.clinic(stay=STAYS)
    judge_source(quality.settings, source)
    return quality, source, manifest


def test_ls_says_what_is_held_since_when_why_and_who_looks_after_it(clinic: tuple[Any, Source, Manifest]) -> None:
    quality, source, manifest = clinic
    odd, unplaced = open_quarantine(quality.settings, source, ["stay"])
    assert (odd.rule_id, odd.rows, unplaced.rows) == (ODD, 2, 1)
    assert (odd.batch_id, odd.since) == (manifest.batch_id, manifest.extracted_at)
    assert odd.owner == "data team"
    assert odd.why


def test_accepted_rows_enter_silver_unless_another_rule_holds_them(clinic: tuple[Any, Source, Manifest]) -> None:
    quality, source, manifest = clinic
    assert built(quality.settings, source) == list(range(1, 9))
    assert counts(quality.settings, source) == (10, 2, 0)
    assert accept(quality.settings, source, "stay", manifest.batch_id, ODD, **BY) == 2
    assert built(quality.settings, source) == list(range(1, 10))
    assert counts(quality.settings, source) == (10, 1, 1)
    assert listed(quality.settings, source) == {"clinic.stay.unplaced": 1}
    accept(quality.settings, source, "stay", manifest.batch_id[:12], "clinic.stay.unplaced", **BY)
    assert built(quality.settings, source) == list(range(1, 11))
    assert counts(quality.settings, source) == (10, 0, 2)
    assert listed(quality.settings, source) == {}
    assert decisions(quality.settings) == [
        ("accept", "stay", ODD, 2, *BY.values()),
        ("accept", "stay", "clinic.stay.unplaced", 1, *BY.values()),
    ]
    assert accept(quality.settings, source, "stay", manifest.batch_id, ODD, **BY) == 0
    assert len(decisions(quality.settings)) == 2


def test_what_was_accepted_survives_a_new_suite_and_covers_no_other_row(
    clinic: tuple[Any, Source, Manifest], make: Any
) -> None:
    quality, source, manifest = clinic
    accept(quality.settings, source, "stay", manifest.batch_id, ODD, **BY)
    quality.suite("stay", make.query("odd", "SELECT _row_id FROM {batch} WHERE id > 6", "quarantine"))
    judge_source(quality.settings, source)
    assert built(quality.settings, source) == [1, 2, 3, 4, 5, 6, 9, 10]
    assert counts(quality.settings, source) == (10, 2, 2)
    quality.batch("stay", f"SELECT i AS id, '{MARK}' AS ward FROM range(1, 11) AS t(i)", window=make.next_day)
    judge_source(quality.settings, source)
    assert built(quality.settings, source) == [1, 2, 3, 4, 5, 6]
    assert counts(quality.settings, source) == (10, 4, 0)


def test_the_next_build_sees_what_was_accepted(clinic: tuple[Any, Source, Manifest]) -> None:
    quality, source, manifest = clinic

    def view() -> str:
        expose_bronze(quality.settings, [source])
        with connect(quality.settings, quality.settings.warehouse_path) as engine:
            ((text,),) = engine.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'stay'").fetchall()
        return str(text)

    before = view()
    assert view() == before
    accept(quality.settings, source, "stay", manifest.batch_id, ODD, **BY)
    assert view() != before


def test_a_snapshot_that_repeats_another_is_read_if_its_rows_were_accepted(
    clinic: tuple[Any, Source, Manifest], make: Any
) -> None:
    quality, source, first = clinic
    rows = f"SELECT i AS id, '{MARK}' AS ward FROM range(1, 11) AS t(i)"
    second = quality.batch("stay", rows, window=make.next_day, same_as=first.batch_id)
    judge_source(quality.settings, source)

    def read() -> tuple[str, ...]:
        return expose_bronze(quality.settings, [source]).exposed[0].batch_ids

    assert read() == (first.batch_id,)
    accept(quality.settings, source, "stay", second.batch_id, ODD, **BY)
    assert read() == (second.batch_id,)
    assert built(quality.settings, source) == list(range(1, 10))
    accept(quality.settings, source, "stay", first.batch_id, ODD, **BY)
    assert read() == (first.batch_id,)


def test_a_snapshot_that_was_accepted_does_not_stand_for_the_next_one(
    clinic: tuple[Any, Source, Manifest], make: Any
) -> None:
    quality, source, first = clinic
    accept(quality.settings, source, "stay", first.batch_id, ODD, **BY)
    rows = f"SELECT i AS id, '{MARK}' AS ward FROM range(1, 11) AS t(i)"
    second = quality.batch("stay", rows, window=make.next_day, same_as=first.batch_id)
    judge_source(quality.settings, source)
    assert expose_bronze(quality.settings, [source]).exposed[0].batch_ids == (second.batch_id,)
    assert built(quality.settings, source) == list(range(1, 9))


def test_an_orphan_is_released_by_a_replay_when_its_patient_has_come(quality: Any, make: Any) -> None:
    settings = quality.settings
    quality.suite("stay", make.query("orphan", "SELECT _row_id FROM {batch} ANTI JOIN ward USING (ward)", "quarantine"))
    quality.suite("ward", make.rule("known", "expect_column_values_to_not_be_null", table="ward", column="ward"))
    stay = quality.batch("stay", "FROM (VALUES (1, 'W1'), (2, 'W2')) AS t(id, ward)")
    quality.batch("ward", "SELECT 'W1' AS ward")
    source = make.clinic(stay={"id": "INTEGER", "ward": "VARCHAR"}, ward={"ward": "VARCHAR"})
    judge_source(settings, source)
    quality.batch("ward", "SELECT unnest(['W1', 'W2']) AS ward", window=make.next_day)
    judge_source(settings, source)
    assert built(settings, source) == [1]
    before, after = replay(settings, source, "stay", stay.batch_id, **BY)
    assert (before.quarantined_rows, after.quarantined_rows, after.replay) == (1, 0, 1)
    assert built(settings, source) == [1, 2]
    assert decisions(settings) == [("replay", "stay", None, 1, *BY.values())]
    assert replay(settings, source, "stay", stay.batch_id, **BY)[1].replay == 2
    with open_ledger(settings) as ledger:
        judged = ledger.execute(
            "SELECT replay, quarantined_rows FROM quality.verdict_counts WHERE table_name = 'stay' ORDER BY sequence"
        ).fetchall()
    assert judged == [(0, 1), (1, 0), (2, 0)]
    assert verify(settings).problems == []


def test_a_replay_that_cannot_be_judged_leaves_the_former_verdict(
    clinic: tuple[Any, Source, Manifest], make: Any
) -> None:
    quality, source, manifest = clinic
    quality.suite("stay", make.query("odd", "SELECT _row_id FROM {batch} WHERE error(ward)", "quarantine"))
    with pytest.raises(
        PermanentError, match=rf"clinic\.stay, batch {manifest.batch_id} could not be judged: {ODD}"
    ) as at_:
        replay(quality.settings, source, "stay", manifest.batch_id, **BY)
    assert MARK not in str(at_.value)


def test_a_batch_that_does_not_count_any_more_is_not_replayed(clinic: tuple[Any, Source, Manifest], make: Any) -> None:
    quality, source, manifest = clinic
    quality.batch("stay", "SELECT 1::BIGINT AS id, 'W' AS ward", window=make.next_day)
    with pytest.raises(PermanentError, match="does not count any more"):
        replay(quality.settings, source, "stay", manifest.batch_id, **BY)
    assert decisions(quality.settings) == []


def test_an_altered_list_of_accepted_rows_is_found(clinic: tuple[Any, Source, Manifest]) -> None:
    quality, source, manifest = clinic
    accept(quality.settings, source, "stay", manifest.batch_id, ODD, **BY)
    assert verify(quality.settings).problems == []
    bucket = quality.settings.bucket("quality")
    (key,) = quality.lake.list(bucket, "quality/_accepted/")
    quality.lake.put(bucket, key, b"other rows")
    (problem,) = verify(quality.settings).problems
    assert "that were accepted" in problem
    assert manifest.batch_id in problem


@pytest.mark.parametrize("missing", ["name", "reason"])
def test_nobody_decides_without_a_name_and_a_reason(clinic: tuple[Any, Source, Manifest], missing: str) -> None:
    quality, source, manifest = clinic
    who = BY | {missing: " "}
    settings = quality.settings.model_copy(update={"may_show_rows": ("A. Nurse", "")})
    with pytest.raises(PermanentError, match="needs a name and a reason"):
        accept(settings, source, "stay", manifest.batch_id, ODD, **who)
    with pytest.raises(PermanentError, match="needs a name and a reason"):
        replay(settings, source, "stay", manifest.batch_id, **who)
    with pytest.raises(PermanentError, match="needs a name and a reason"):
        show(settings, source, "stay", manifest.batch_id, limit=5, **who)
    assert decisions(settings) == []


def test_what_holds_no_row_is_not_accepted(clinic: tuple[Any, Source, Manifest]) -> None:
    quality, source, manifest = clinic
    for rule_id, told in (
        ("clinic.stay.large", "its action is warn"),
        ("clinic.stay.lrage", "was not judged by a rule 'clinic.stay.lrage'"),
    ):
        with pytest.raises(PermanentError, match=told):
            accept(quality.settings, source, "stay", manifest.batch_id, rule_id, **BY)
    with pytest.raises(PermanentError, match="no batches whose id begins with '1999'"):
        accept(quality.settings, source, "stay", "1999", ODD, **BY)


def test_rows_are_shown_to_those_who_may_and_it_is_entered_before(
    clinic: tuple[Any, Source, Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    quality, source, manifest = clinic
    with pytest.raises(PermanentError, match=r"A\. Nurse may not see rows"):
        show(quality.settings, source, "stay", manifest.batch_id, limit=5, **BY)
    assert decisions(quality.settings) == []
    settings = quality.settings.model_copy(update={"may_show_rows": ("A. Nurse",)})
    shown = show(settings, source, "stay", manifest.batch_id, limit=1, **BY)
    assert shown.held == 2
    assert shown.columns[:3] == ["rules", "id", "ward"]
    assert [row[:3] for row in shown.rows] == [(ODD, 9, MARK)]
    assert decisions(settings) == [("show", "stay", None, 1, *BY.values())]
    with monkeypatch.context() as patch:
        patch.setattr("wardlake.quality.quarantine.append", refuse)
        with pytest.raises(PermanentError, match="the ledger"):
            show(settings, source, "stay", manifest.batch_id, limit=1, **BY)


def refuse(*_: object) -> None:
    raise PermanentError("the ledger cannot be written.", remedy="Mend it.")


def test_a_corrected_snapshot_releases_its_rows(clinic: tuple[Any, Source, Manifest], make: Any) -> None:
    quality, source, _ = clinic
    quality.batch("stay", "SELECT i::BIGINT AS id, 'W' AS ward FROM range(1, 8) AS t(i)", window=make.next_day)
    judge_source(quality.settings, source)
    assert listed(quality.settings, source) == {}
    assert built(quality.settings, source) == list(range(1, 8))


def test_a_corrected_row_of_an_incremental_table_is_released_by_the_batch_that_brings_it(
    quality: Any, make: Any, database: str
) -> None:
    clinic = Clinic(quality.settings, database, stay_source())
    quality.suite("stay", make.query("unplaced", "SELECT _row_id FROM {batch} WHERE ward = '?'", "quarantine"))
    clinic.put(1, "A", at(1, 1))
    clinic.put(2, "?", at(1, 2))
    clinic.put(3, "?", at(1, 3))
    clinic.extract(1)
    judge_source(quality.settings, clinic.source)
    assert built(quality.settings, clinic.source, columns="id, ward") == [(1, "A")]
    assert listed(quality.settings, clinic.source) == {"clinic.stay.unplaced": 2}
    clinic.put(2, "B", at(2, 8))
    clinic.extract(2)
    judge_source(quality.settings, clinic.source)
    assert built(quality.settings, clinic.source, columns="id, ward") == [(1, "A"), (2, "B")]
    assert listed(quality.settings, clinic.source) == {"clinic.stay.unplaced": 1}


@pytest.mark.parametrize("name", ["price_0001.csv", "price_0000.csv"], ids=["another file", "the same file anew"])
def test_a_corrected_row_of_files_is_released_by_the_file_that_brings_it(quality: Any, make: Any, name: str) -> None:
    settings, source = quality.settings, price_source()
    wrong = make.query("no_price", "SELECT _row_id FROM {batch} WHERE Price = '?'", "quarantine", table="price")
    wrong["meta"]["rule_id"] = "pharmacy.price.no_price"
    quality.suite("price", wrong, source="pharmacy")

    def deliver(file: str, number: int, *lines: str) -> None:
        body = "\n".join(["note", "Drug;Price", *lines, ""]).encode()
        quality.lake.put(settings.bucket("landing"), f"pharmacy/{file}", body)
        extract_table(settings, source, "price", Window.of_day(FIRST_DAY.replace(day=number)))
        judge_source(settings, source)

    deliver("price_0000.csv", 1, "D1;10", "D2;?", "D3;?")
    assert listed(settings, source, "price") == {"pharmacy.price.no_price": 2}
    deliver(name, 2, "D2;20", *(["D1;10", "D3;?"] if name == "price_0000.csv" else []))
    assert built(settings, source, "price", "Drug, Price") == [("D1", "10"), ("D2", "20")]
    assert listed(settings, source, "price") == {"pharmacy.price.no_price": 1}
