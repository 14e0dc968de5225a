"""Rows in quarantine: which are there, looked at, judged again, accepted by hand. Who did so stands in the ledger.

A row stays out of silver while a rule of the newest verdict on its batch holds it there. Accepting writes the row ids
to an object of its own, `quality/_accepted/<source>/<table>/batch_id=<id>/<random>.parquet`, and enters its key into
the ledger: that entry makes it count. It holds for these rows, this rule and this batch, whatever suite judges later.
"""

import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from wardlake.bronze import Manifest, batches, current_batches, current_query, rows_query
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.ledger import Decision, append, open_ledger, sha256_of
from wardlake.quality.judge import judge_source
from wardlake.quality.suites import suite_for
from wardlake.quality.verdicts import RuleResult, Verdict, last_verdicts
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sql import as_name, as_text
from wardlake.warehouse.connection import connect, translate

ACCEPTED = "quality/_accepted/"
NOBODY = "SELECT '' AS batch_id, 0 AS _row_id, '' AS rule_id WHERE false"
"""A query for held rows that finds none."""

Acceptances = Mapping[str, Sequence[str]]
"""By batch, the addresses of the files of rows that were accepted by hand."""


@dataclass(frozen=True)
class Held:
    """Rows of a batch that a rule keeps out of silver, and when the batch came."""

    source: str
    table: str
    batch_id: str
    rule_id: str
    rows: int
    since: datetime
    why: str
    owner: str


@dataclass(frozen=True)
class Shown:
    """Rows as they stand in bronze, each after the ids of the rules that hold it: for the terminal only."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    held: int


def acceptances(settings: Settings) -> Acceptances:
    """What was accepted by hand, of all tables.

    Raises:
        PassingError: the store did not answer.
    """
    with open_ledger(settings) as ledger:
        found = ledger.execute(
            "SELECT batch_id, rows_key FROM quality.decisions WHERE rows_key IS NOT NULL ORDER BY ALL"
        ).fetchall()
    accepted: dict[str, list[str]] = {}
    for batch_id, key in found:
        accepted.setdefault(batch_id, []).append(Lake.url(settings.bucket("quality"), key))
    return accepted


def held_rows(settings: Settings, verdicts: Iterable[Verdict], accepted: Acceptances) -> str | None:
    """A DuckDB query for `batch_id, _row_id, rule_id` of what verdicts hold and nobody has accepted.

    A row that two rules hold is there twice. None if they hold nothing.
    """
    holding = [verdict for verdict in verdicts if verdict.quarantined_rows and verdict.verdict_key]
    if not holding:
        return None
    urls = [Lake.url(settings.bucket("quality"), str(verdict.verdict_key)) for verdict in holding]
    rows = f"SELECT batch_id, _row_id, rule_id FROM {_parquet(urls)} WHERE action = 'quarantine'"
    if let_in := [url for verdict in holding for url in accepted.get(verdict.batch_id, ())]:
        rows = f"FROM ({rows}) ANTI JOIN {_parquet(let_in)} USING (batch_id, _row_id, rule_id)"
    return rows


def open_quarantine(settings: Settings, source: Source, tables: Sequence[str]) -> list[Held]:
    """What stays out of silver now, of the batches that count; a row that has come anew since is not waited for.

    Raises:
        PermanentError: memory or disk do not suffice.
        PassingError: the store did not answer.
    """
    lake, accepted = Lake(settings), acceptances(settings)
    found = []
    for table in tables:
        manifests = {one.batch_id: one for one in current_batches(settings, lake, source, table)}
        verdicts = _newest(settings, lake, source, table, since=min(manifests, default=""))
        judged = [verdicts[batch_id] for batch_id in manifests if batch_id in verdicts]
        if (held := held_rows(settings, judged, accepted)) is None:
            continue
        query = f"SELECT batch_id, rule_id, count(*) FROM ({_awaited(settings, source, table, manifests, held)}) "
        with connect(settings) as engine:
            counted = _run(engine, f"{query} GROUP BY ALL ORDER BY ALL", f"The quarantine of {source.name}.{table}")
        for batch_id, rule_id, rows in counted:
            rule = _rule(verdicts[batch_id], rule_id)
            since = manifests[batch_id].extracted_at
            found.append(Held(source.name, table, batch_id, rule_id, rows, since, rule.why, rule.owner))
    return found


def show(
    settings: Settings,
    source: Source,
    table: str,
    batch: str,
    rule_id: str | None = None,
    *,
    name: str,
    reason: str,
    limit: int,
) -> Shown:
    """The rows themselves, at most `limit`; who looks at them, and why, is entered into the ledger before.

    Raises:
        PermanentError: no name or reason, no right, no such batch or rule, nothing in quarantine, or the store refuses
            to let bronze be read.
        PassingError: the store did not answer.
    """
    _refuse_nameless("To show rows", name, reason)
    if name.strip() not in settings.may_show_rows:
        raise PermanentError(
            f"{name} may not see rows of {source.name}.{table}.",
            remedy="Rows hold patients' data: whoever is responsible for it adds the name to WARDLAKE_MAY_SHOW_ROWS.",
        )
    lake = Lake(settings)
    manifest, verdict = _judged(settings, lake, source, table, batch)
    held = _held(settings, verdict, rule_id)
    rules = f"SELECT _row_id, string_agg(rule_id, ', ' ORDER BY rule_id) AS rules FROM ({held}) GROUP BY _row_id"
    bronze = rows_query(settings, source.tables[table], [manifest])
    place = f"{source.name}.{table}, batch {manifest.batch_id}"
    with connect(settings) as engine:
        ((rows,),) = _run(engine, f"SELECT count(*) FROM ({rules})", place)
        _enter(settings, lake, "show", verdict, rule_id, min(rows, limit), name, reason)
        query = f"SELECT held.rules, bronze.* FROM ({bronze}) AS bronze JOIN ({rules}) AS held USING (_row_id)"
        shown = _run(engine, f"{query} ORDER BY _row_id LIMIT {limit}", place)
        columns = [column for column, *_ in _run(engine, f"DESCRIBE {query}", place)]
    return Shown(columns, shown, rows)


def replay(
    settings: Settings,
    source: Source,
    table: str,
    batch: str,
    *,
    name: str,
    reason: str,
    dag_run: str | None = None,
) -> tuple[Verdict, Verdict]:
    """Judge a batch again by its rows, with the suite and the other tables as they are now.

    Returns the verdict before and the one after. The former stays stored; the new one counts.

    Raises:
        PermanentError: no name or reason, no such batch, one that does not count any more, or rules that could not be
            evaluated; then the former verdict goes on to count.
        PassingError: the store did not answer.
    """
    _refuse_nameless("A replay", name, reason)
    lake = Lake(settings)
    manifest, before = _judged(settings, lake, source, table, batch)
    place = f"{source.name}.{table}, batch {manifest.batch_id}"
    if manifest.batch_id not in {one.batch_id for one in current_batches(settings, lake, source, table)}:
        raise PermanentError(
            f"{place} does not count any more: a newer one stands in its place.",
            remedy=f"Take a batch that 'wardlake bronze ls {source.name}.{table}' shows as current.",
        )
    _enter(settings, lake, "replay", before, None, before.quarantined_rows, name, reason)
    verdicts = judge_source(settings, source, dag_run=dag_run, again=[manifest.batch_id])
    after = next(verdict for verdict in verdicts if verdict.batch_id == manifest.batch_id)
    if after.status == "error":
        broken = ", ".join(rule.told for rule in after.rules if rule.status == "error")
        raise PermanentError(
            f"{place} could not be judged: {broken}.",
            remedy=f"Correct expectations/{source.name}/{table}.json; until then the former verdict counts.",
        )
    return before, after


def accept(settings: Settings, source: Source, table: str, batch: str, rule_id: str, *, name: str, reason: str) -> int:
    """Let the rows of a batch that a rule holds into silver at the next build; returns how many.

    It holds for these rows of this batch. If another rule holds a row as well, the row stays out. Nothing happens, and
    0 is returned, if all of them were accepted before.

    Raises:
        PermanentError: no name or reason, no such batch or rule, or the rule holds no row of it.
        PassingError: the store did not answer.
    """
    _refuse_nameless("To accept rows", name, reason)
    lake = Lake(settings)
    manifest, verdict = _judged(settings, lake, source, table, batch)
    held = _held(settings, verdict, rule_id)
    place = f"{source.name}.{table}, batch {manifest.batch_id}"
    bucket = settings.bucket("quality")
    key = f"{ACCEPTED}{source.name}/{table}/batch_id={manifest.batch_id}/{uuid.uuid4().hex}.parquet"
    with tempfile.TemporaryDirectory(dir=_temp_dir(settings), prefix="accepted-") as folder:
        path = Path(folder) / "accepted.parquet"
        with connect(settings) as engine:
            ((rows,),) = _run(
                engine,
                f"COPY (SELECT _row_id, rule_id FROM ({held}) ORDER BY _row_id) TO '{path}' (FORMAT parquet)",
                place,
            )
        if rows:
            lake.upload(path, bucket, key)
            _enter(settings, lake, "accept", verdict, rule_id, rows, name, reason, (key, sha256_of(path.read_bytes())))
    return int(rows)


def _parquet(urls: Sequence[str]) -> str:
    return f"read_parquet({list(urls)}, hive_partitioning = true, hive_types_autocast = false)"


def _newest(settings: Settings, lake: Lake, source: Source, table: str, *, since: str) -> dict[str, Verdict]:
    """By batch, the newest verdict of the suite as it is now; of batches that it has not judged yet, the last one."""
    suites = ("", suite_for(settings, source, table).version)
    by_any, by_this = (last_verdicts(lake, settings, source.name, table, suite, since=since) for suite in suites)
    return by_any | by_this


def _awaited(settings: Settings, source: Source, table: str, manifests: Mapping[str, Manifest], held: str) -> str:
    """Of rows that are held, those that the source still has so: their key has not come again in a later batch."""
    spec = source.tables[table]
    if spec.mode == "snapshot" and spec.files is None:
        return held
    now = current_query(settings, spec, list(manifests.values()))
    keys = [as_name(key) for key in spec.keys]
    rows = (
        f"SELECT held.*, {', '.join(f'now.{key}' for key in keys)}, now._extracted_at FROM ({held}) AS held "
        f"JOIN ({now}) AS now ON now._batch_id = held.batch_id AND now._row_id = held._row_id"
    )
    if spec.mode != "append":
        return rows
    same = " AND ".join(f"later.{key} = mine.{key}" for key in keys)
    return f"FROM ({rows}) AS mine ANTI JOIN ({now}) AS later ON {same} AND later._extracted_at > mine._extracted_at"


def _judged(settings: Settings, lake: Lake, source: Source, table: str, batch: str) -> tuple[Manifest, Verdict]:
    """The batch whose id begins so, and its newest verdict."""
    place = f"{source.name}.{table}"
    found = [
        manifest
        for manifest in batches(settings, lake, source.name, table)
        if manifest.batch_id.startswith(batch) and manifest.retirement is None
    ]
    manifest = next((one for one in found if one.batch_id == batch), found[0] if len(found) == 1 else None)
    if manifest is None:
        raise PermanentError(
            f"{place} has {len(found) or 'no'} batches whose id begins with '{batch}'.",
            remedy=f"Take an id that 'wardlake quarantine ls {place}' shows, or more of it.",
        )
    verdict = _newest(settings, lake, source, table, since=manifest.batch_id).get(manifest.batch_id)
    if verdict is None:
        raise PermanentError(
            f"{place}, batch {manifest.batch_id} was not judged yet.",
            remedy=f"Let the DAG extract_{source.name} or 'wardlake run {source.name}' judge it first.",
        )
    return manifest, verdict


def _held(settings: Settings, verdict: Verdict, rule_id: str | None) -> str:
    """Query for the rows that a rule, or any, holds and nobody has accepted."""
    if rule_id is not None and (rule := _rule(verdict, rule_id)).action != "quarantine":
        raise PermanentError(
            f"The rule {rule_id} keeps no row out of silver: its action is {rule.action}.",
            remedy=f"Take a rule that 'wardlake quarantine ls {verdict.source}.{verdict.table}' shows.",
        )
    held = held_rows(settings, [verdict], acceptances(settings))
    if held is None or (rule_id is not None and not _rule(verdict, rule_id).unexpected):
        raise PermanentError(
            f"{verdict.source}.{verdict.table}, batch {verdict.batch_id}: "
            f"{f'the rule {rule_id} holds' if rule_id else 'there is'} no row in quarantine.",
            remedy=f"'wardlake quarantine ls {verdict.source}.{verdict.table}' shows what is.",
        )
    return f"SELECT * FROM ({held})" + (f" WHERE rule_id = {as_text(rule_id)}" if rule_id else "")


def _rule(verdict: Verdict, rule_id: str) -> RuleResult:
    for rule in verdict.rules:
        if rule.rule_id == rule_id:
            return rule
    raise PermanentError(
        f"{verdict.source}.{verdict.table}, batch {verdict.batch_id} was not judged by a rule '{rule_id}'.",
        remedy=f"Take a rule that 'wardlake quarantine ls {verdict.source}.{verdict.table}' shows.",
    )


def _refuse_nameless(what: str, name: str, reason: str) -> None:
    if not (name.strip() and reason.strip()):
        raise PermanentError(
            f"{what} needs a name and a reason: both are kept for auditors.",
            remedy="Say who decides, and why; name no patient in it.",
        )


def _enter(
    settings: Settings,
    lake: Lake,
    action: str,
    verdict: Verdict,
    rule_id: str | None,
    rows: int,
    name: str,
    reason: str,
    stored: tuple[str, str] | tuple[None, None] = (None, None),
) -> None:
    decision = Decision.model_validate(
        {
            "action": action,
            "source": verdict.source,
            "table": verdict.table,
            "batch_id": verdict.batch_id,
            "rule_id": rule_id,
            "rows": rows,
            "decided_by": name.strip(),
            "reason": reason.strip(),
            "rows_key": stored[0],
            "rows_sha256": stored[1],
        }
    )
    append(settings, lake, decision)


def _run(engine: duckdb.DuckDBPyConnection, query: str, place: str) -> list[tuple[Any, ...]]:
    try:
        return engine.execute(query).fetchall()
    except duckdb.Error as error:
        raise translate(error, place) from None  # its text may hold values


def _temp_dir(settings: Settings) -> Path:
    settings.temp_dir.mkdir(parents=True, exist_ok=True)
    return settings.temp_dir
