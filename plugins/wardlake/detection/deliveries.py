"""Defects of a whole delivery, which no row shows: planted at the source, extracted and judged as every day."""

import codecs
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg

from wardlake.bronze import current_batches, extract_table
from wardlake.detection.hospital import WINDOW, reference_sources
from wardlake.detection.plant import Finding, Found, compare
from wardlake.lake import Lake
from wardlake.quality.freshness import judge_freshness
from wardlake.quality.judge import create_views, judge_source
from wardlake.quality.verdicts import RuleResult, Verdict
from wardlake.reference.load import LANDING_PREFIX
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse.connection import connect
from wardlake.window import Window

DAY = timedelta(days=1)
RESULTS = "exam_result"


@dataclass(frozen=True)
class Delivery:
    """A defect of a delivery, and how it is planted, extracted and judged."""

    id: str
    title: str
    rule: str
    known_from: str
    change: str
    plant: Callable[[Settings, str], "Judged"]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """The rows at which a rule had to be found, and what was found."""

    wanted: set[int | None]
    found: Found


def deliver(settings: Settings, pg_uri: str, delivery: Delivery) -> Finding:
    """Plant a defect into a delivery of the clean hospital that is loaded there, extract and judge it.

    The hospital is left as it was; batches stay in the lake, and those of files lie in buckets of their own.
    """
    judged = delivery.plant(settings, pg_uri)
    return compare(delivery.rule, delivery.also, judged.wanted, judged.found)


def judge_clean(settings: Settings) -> list[Verdict]:
    """Verdicts of the hospital's batches, as a run judges them."""
    return [verdict for source in reference_sources(settings) for verdict in judge_source(settings, source)]


def _of_files(at: str | None, change: Callable[[Path], None], table: str = "dispensing") -> Callable[..., Judged]:
    """The pharmacy's files, changed in a folder, come into buckets of their own."""

    def plant(settings: Settings, _: str) -> Judged:
        source = reference_sources(settings)[1]
        own = settings.model_copy(update={"bucket_prefix": f"{settings.bucket_prefix}-{uuid.uuid4().hex[:8]}"})
        lake, landed = Lake(own), settings.bucket("landing")
        lake.ensure_buckets()
        with tempfile.TemporaryDirectory(prefix="wardlake-delivery-") as name:
            folder = Path(name)
            for key in lake.list(landed, LANDING_PREFIX):
                lake.download(landed, key, folder / key.removeprefix(LANDING_PREFIX))
            change(folder)
            for path in folder.iterdir():
                lake.upload(path, own.bucket("landing"), LANDING_PREFIX + path.name)
        for name in source.tables:
            extract_table(own, source, name, WINDOW)
        return Judged(_rows(own, source, table, at), _found(own, judge_source(own, source)))

    return plant


def _of_database(statement: str, day: int) -> Callable[..., Judged]:
    """The table of results, changed in the database, is extracted on a later day."""

    def plant(settings: Settings, pg_uri: str) -> Judged:
        source, _ = reference_sources(settings)
        judge_source(settings, source)  # what is lost is measured by the batch before
        with _changed(pg_uri, statement):
            window = Window(WINDOW.start + day * DAY, WINDOW.end + day * DAY)
            batch = extract_table(settings, source, RESULTS, window, pg_uri).manifest
        verdicts = [one for one in judge_source(settings, source) if one.batch_id == batch.batch_id]
        return Judged({None}, _found(settings, verdicts))

    return plant


@contextmanager
def _changed(pg_uri: str, statement: str) -> Iterator[None]:
    with psycopg.connect(pg_uri, autocommit=True) as connection:
        connection.execute("CREATE TABLE ehr.kept AS TABLE ehr.exam_result")
        try:
            connection.execute(statement.encode())
            yield
        finally:
            connection.execute("TRUNCATE ehr.exam_result")
            connection.execute("INSERT INTO ehr.exam_result TABLE ehr.kept")
            connection.execute("DROP TABLE ehr.kept")


def _stale(settings: Settings, _: str) -> Judged:
    source = reference_sources(settings)[0]
    daily = source.model_copy(update={"fresh_hours": 24})
    old = [
        batch.model_copy(update={"extracted_at": batch.extracted_at - 2 * DAY})
        for batch in current_batches(settings, Lake(settings), source, RESULTS)
    ]
    rule = judge_freshness(daily, RESULTS, old)
    return Judged({None}, _broken([rule] if rule else []))


def _found(settings: Settings, verdicts: Sequence[Verdict]) -> Found:
    found: Found = set()
    with connect(settings) as connection:
        for verdict in verdicts:
            named: Found = set()
            if verdict.verdict_key:
                url = Lake.url(settings.bucket("quality"), verdict.verdict_key)
                named = set(connection.execute(f"SELECT rule_id, _row_id FROM read_parquet('{url}')").fetchall())
            broken, rules = _broken(verdict.rules), {rule for rule, _ in named}
            found |= {one for one in named if (one[0], None) in broken} | {one for one in broken if one[0] not in rules}
    return found


def _broken(rules: Sequence[RuleResult]) -> Found:
    return {(rule.rule_id, None) for rule in rules if rule.status in ("failed", "error")}


def _rows(settings: Settings, source: Source, table: str, at: str | None) -> set[int | None]:
    current = {name: current_batches(settings, Lake(settings), source, name) for name in source.tables}
    with connect(settings) as connection:
        create_views(settings, connection, source, current)
        return {row for (row,) in connection.execute(f"SELECT _row_id FROM {table} WHERE {at}").fetchall()}


def _mark_byte_order(folder: Path) -> None:
    path = folder / "dispensing_202503.csv"
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())


def _add_totals(folder: Path) -> None:
    with (folder / "dispensing_202506.csv").open("a", encoding="utf-8") as stream:
        stream.write("Total;;;;4711;;;\n")


def _send_again(folder: Path) -> None:
    """The file comes again under another name, without its last line: equal contents would be taken once only."""
    lines = (folder / "dispensing_202505.csv").read_bytes().splitlines(keepends=True)
    (folder / "dispensing_202505_new.csv").write_bytes(b"".join(lines[:-1]))


DELIVERIES = (
    Delivery(
        "delivery.byte_order_mark",
        "A file that begins with a byte-order mark",
        "reference_pharmacy.dispensing.byte_order_mark",
        "CSV files written by Excel",
        "the file of March begins with it",
        _of_files("_file LIKE '%dispensing_202503.csv' AND _line = 2", _mark_byte_order),
    ),
    Delivery(
        "delivery.totals",
        "A file that ends with a line of totals",
        "reference_pharmacy.dispensing.totals_row",
        "NHS and CMS workbooks, totals among the data",
        "the file of June ends with it",
        _of_files("\"Line No\" = 'Total'", _add_totals),
    ),
    Delivery(
        "delivery.file_twice",
        "A file that came twice, under another name and one line shorter",
        "reference_pharmacy.dispensing.line_no_not_unique",
        "files that are sent again",
        "the file of May comes twice",
        _of_files(
            '"Line No" IN (SELECT "Line No" FROM dispensing GROUP BY "Line No" HAVING count(*) = 2)', _send_again
        ),
    ),
    Delivery(
        "delivery.list_missing",
        "A price list that never came",
        "reference_pharmacy.price_list.price_period_missing",
        "a missing submission is not a zero",
        "the list of July is left out",
        _of_files(
            "\"Effective From\" = '2025-10-01'",
            lambda folder: (folder / "price_list_202507.xlsx").unlink(),
            table="price_list",
        ),
        also=("reference_pharmacy.dispensing.price_contradicts_list",),
    ),
    Delivery(
        "delivery.month_missing",
        "A month of which no file came",
        "reference_pharmacy.dispensing.week_missing",
        "a missing submission is not a zero",
        "the file of May is left out",
        _of_files(
            '_row_id = (SELECT min(_row_id) FROM dispensing WHERE "Date" = '
            '(SELECT min("Date") FROM dispensing WHERE "Date" >= \'2025-06-01\'))',
            lambda folder: (folder / "dispensing_202505.csv").unlink(),
        ),
        also=(
            "reference_pharmacy.dispensing.returned_before_dispensed",
            "reference_pharmacy.dispensing.more_returned_than_dispensed",
        ),
    ),
    Delivery(
        "delivery.half_missing",
        "A table of which half of the rows came",
        "reference.exam_result.rows_were_lost",
        "copies that are cut off",
        "every second result is deleted",
        _of_database("DELETE FROM ehr.exam_result WHERE res_id % 2 = 0", day=1),
    ),
    Delivery(
        "delivery.empty",
        "A table that came without a row",
        "reference.exam_result.no_rows",
        "tables truncated before they are filled",
        "all results are deleted",
        _of_database("TRUNCATE ehr.exam_result", day=2),
        also=("reference.exam_result.rows_were_lost",),
    ),
    Delivery(
        "delivery.stale",
        "A table of which nothing came for two days",
        "reference.exam_result.nothing_came_of_late",
        "Kahn et al. 2016, temporal completeness",
        "the newest batch is two days old, and the source promises one a day",
        _stale,
    ),
)
