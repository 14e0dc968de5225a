"""Committed and judged bronze made visible to dbt: one view per table, without copying a row in DuckDB."""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Literal

import duckdb
from pydantic import BaseModel, ConfigDict

from wardlake.bronze import Manifest, batches, counting, current_query, rows_query
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.ledger import new_run_id
from wardlake.privacy import pseudonym_pads
from wardlake.quality import REFUSED, Verdict, last_verdicts, suite_for
from wardlake.quality.quarantine import NOBODY, Acceptances, acceptances, held_rows
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse.adapter import adapter_of
from wardlake.warehouse.connection import connect, translate

Judged = tuple[Manifest, Verdict]


@dataclass(frozen=True)
class Exposed:
    """What silver will read of a table: accepted rows = bronze rows - quarantined rows.

    `quarantined_rows` are those that stay out; rows that a rule holds and somebody has accepted are `accepted_by_hand`.
    """

    source: str
    table: str
    batch_ids: tuple[str, ...]
    source_rows: int
    bronze_rows: int
    quarantined_rows: int
    accepted_by_hand: int = 0


class Build(BaseModel):
    """The state of the warehouse: what it is built from, and whether it may be published."""

    model_config = ConfigDict(frozen=True)

    build_id: str
    status: Literal["building", "passed"]
    exposed: list[Exposed]


def expose_bronze(settings: Settings, sources: list[Source]) -> Build:
    """Begin a build: point the bronze views at the newest batches that were judged and not halted.

    Raises:
        PermanentError: a table has batches, and none of them may be used; or there is no key for pseudonyms.
        PassingError: another process writes the warehouse.
    """
    pseudonym_pads(settings)
    lake, accepted = Lake(settings), acceptances(settings)
    usable = {
        (source.name, table): _usable(settings, lake, source, table, accepted)
        for source in sources
        for table in source.tables
    }
    with connect(settings, settings.warehouse_path) as engine:
        build = Build(
            build_id=new_run_id(),
            status="building",
            exposed=[
                _count(settings, engine, source, table, judged, accepted) for (source, table), judged in usable.items()
            ],
        )
        save_build(settings, build)
        try:
            for source in sources:
                engine.execute(f"CREATE SCHEMA IF NOT EXISTS bronze_{source.name}")
                for name, table in source.tables.items():
                    judged = usable[source.name, name]
                    now = current_query(settings, table, [manifest for manifest, _ in judged])
                    _show(engine, f"bronze_{source.name}.{name}", _let_in(settings, now, judged, accepted))
                    if table.history:
                        judged = past_batches(settings, lake, source, name, accepted, engine)
                        rows = rows_query(settings, table, [manifest for manifest, _ in judged])
                        _show(
                            engine, f"bronze_{source.name}.{name}__history", _let_in(settings, rows, judged, accepted)
                        )
            if adapter := adapter_of(settings):
                adapter.show_bronze(settings, engine, [f"bronze_{source.name}" for source in sources])
        except duckdb.Error as error:
            raise translate(error, "The bronze views of the warehouse") from None  # its text may hold values
    return build


def save_build(settings: Settings, build: Build) -> None:
    """Replace the record of the build that the warehouse holds."""
    path = settings.warehouse_path.with_name("build.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{build.build_id}")
    temporary.write_text(build.model_dump_json(indent=1))
    temporary.replace(path)


def current_build(settings: Settings, build_id: str | None = None) -> Build:
    """The build that the warehouse holds; with an id, only if it is that one.

    Raises:
        PermanentError: nothing was built yet.
        PassingError: another build has begun since.
    """
    path = settings.warehouse_path.with_name("build.json")
    if not path.exists():
        raise PermanentError("The warehouse holds no build yet.", remedy="Run 'wardlake run' or the DAG build_gold.")
    build = Build.model_validate(json.loads(path.read_text()))
    if build_id not in (None, build.build_id):
        raise PassingError("Another build of the warehouse has begun since.", remedy="Let it end, then build again.")
    return build


def judged_batches(settings: Settings, lake: Lake, source: Source, table: str, accepted: Acceptances) -> list[Judged]:
    """The batches of a table that a build reads now: those that count among the ones that were let through.

    Of snapshots that repeat each other the earliest is read, whichever of them counts.
    """
    suite = suite_for(settings, source, table)
    verdicts = last_verdicts(lake, settings, source.name, table, suite.version)
    judged = {
        manifest.batch_id: (manifest, verdict)
        for manifest in batches(settings, lake, source.name, table)
        if manifest.retirement is None
        if (verdict := verdicts.get(manifest.batch_id)) and verdict.status not in REFUSED
    }
    usable = counting(source.tables[table], [manifest for manifest, _ in judged.values()])
    return [_earlier_alike(settings, judged, judged[manifest.batch_id], accepted) for manifest in usable]


def past_batches(
    settings: Settings,
    lake: Lake,
    source: Source,
    table: str,
    accepted: Acceptances,
    engine: duckdb.DuckDBPyConnection,
) -> list[Judged]:
    """All batches of a table that were let through in their day and are still there, but for repeated snapshots."""
    verdicts = last_verdicts(lake, settings, source.name, table)
    committed = batches(settings, lake, source.name, table)
    superseded = {batch_id for manifest in committed for batch_id in manifest.supersedes}
    through = {
        manifest.batch_id: (manifest, verdict)
        for manifest in committed
        if manifest.retirement is None and manifest.batch_id not in superseded
        if (verdict := verdicts.get(manifest.batch_id)) and verdict.status not in REFUSED
    }
    return [one for one in through.values() if _earlier_alike(settings, through, one, accepted, engine) is one]


def _earlier_alike(
    settings: Settings,
    judged: Mapping[str, Judged],
    found: Judged,
    accepted: Acceptances,
    engine: duckdb.DuckDBPyConnection | None = None,
) -> Judged:
    """The earliest snapshot with the same rows, of which the same stay out; without one, `found` itself."""
    first = found[0].same_as
    alike = [one for one in judged.values() if first and first in (one[0].batch_id, one[0].same_as)]
    return next(
        (one for one in alike if one is found or _quarantine_alike(settings, one[1], found[1], accepted, engine)),
        found,
    )


def _quarantine_alike(
    settings: Settings,
    one: Verdict,
    other: Verdict,
    accepted: Acceptances,
    engine: duckdb.DuckDBPyConnection | None,
) -> bool:
    by_hand = accepted.keys() & {one.batch_id, other.batch_id}
    if not by_hand and (one.quarantined_rows != other.quarantined_rows or not one.quarantined_rows):
        return one.quarantined_rows == other.quarantined_rows
    queries = [held_rows(settings, [verdict], accepted) for verdict in (one, other)]
    rows, same = (f"SELECT _row_id FROM ({query or NOBODY})" for query in queries)
    differ = f"SELECT EXISTS ({rows} EXCEPT {same}) OR EXISTS ({same} EXCEPT {rows})"
    try:
        with nullcontext(engine) if engine else connect(settings) as reader:
            return not reader.execute(differ).fetchall()[0][0]
    except duckdb.Error as error:
        raise translate(error, f"The verdicts on {one.source}.{one.table}") from None  # its text may hold values


def _usable(settings: Settings, lake: Lake, source: Source, table: str, accepted: Acceptances) -> list[Judged]:
    judged = judged_batches(settings, lake, source, table, accepted)
    if not judged and (committed := batches(settings, lake, source.name, table)):
        raise PermanentError(
            f"{source.name}.{table}: none of its {len(committed)} batches was judged and let through.",
            remedy="Read the quality report, mend the source or the suite, then extract and validate again.",
        )
    return judged


def _count(
    settings: Settings,
    engine: duckdb.DuckDBPyConnection,
    source: str,
    table: str,
    judged: list[Judged],
    accepted: Acceptances,
) -> Exposed:
    found = staying_out = sum(verdict.quarantined_rows for _, verdict in judged)
    if accepted.keys() & {manifest.batch_id for manifest, _ in judged}:
        held = held_rows(settings, [verdict for _, verdict in judged], accepted) or NOBODY
        try:
            ((staying_out,),) = engine.execute(f"SELECT count(DISTINCT (batch_id, _row_id)) FROM ({held})").fetchall()
        except duckdb.Error as error:
            raise translate(error, f"The verdicts on {source}.{table}") from None  # its text may hold values
    return Exposed(
        source=source,
        table=table,
        batch_ids=tuple(manifest.batch_id for manifest, _ in judged),
        source_rows=sum(manifest.source_rows for manifest, _ in judged),
        bronze_rows=sum(manifest.lake_rows for manifest, _ in judged),
        quarantined_rows=staying_out,
        accepted_by_hand=found - staying_out,
    )


def _show(engine: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    engine.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")


def _let_in(settings: Settings, rows: str, judged: list[Judged], accepted: Acceptances) -> str:
    """Of these rows, those that are not in quarantine."""
    held = held_rows(settings, [verdict for _, verdict in judged], accepted)
    if held is None:
        return rows
    return f"""
        SELECT * FROM ({rows}) AS batch
        WHERE (batch._batch_id, batch._row_id) NOT IN (SELECT (batch_id, _row_id) FROM ({held}))
    """


def as_facts(exposed: list[Exposed]) -> list[dict[str, object]]:
    """Counts as plain values, for task results and publications."""
    return [asdict(one) for one in exposed]
