"""Proof that nothing was altered: the chain by its hashes, and by the hashes in it verdicts, manifests and reports."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from operator import itemgetter

from wardlake.lake import Lake
from wardlake.ledger.chain import FETCHED_AT_ONCE, NO_ENTRY, Entry, Head, Link, links
from wardlake.ledger.entries import Decision, JudgedBatch, Judgement, ReportedRun
from wardlake.ledger.heads import HEAD
from wardlake.ledger.tables import differing_tables
from wardlake.settings import Settings

VERDICT = "/_verdict.json"

_Found = tuple[int, str]
"""The number of an entry and what is wrong with it."""

Progress = Callable[[str, int, int], None]
"""Called with what is read, how many are done, and how many there are (0: unknown)."""


@dataclass(frozen=True)
class Proof:
    """What was read and compared, and every difference in the order of the entries: the first one is where to look."""

    entries: int
    head: str
    objects: int
    problems: list[str]


@dataclass(frozen=True)
class _Claim:
    """An object of which entries say what its SHA-256 is; two runs at once may each have said it of their own."""

    layer: str
    key: str
    told: str
    hashes: set[str]


def verify(settings: Settings, day: date | None = None, progress: Progress = lambda *_: None) -> Proof:
    """Compare the whole chain, and the objects of which it speaks, with what is stored.

    With a day (UTC) the chain is read as a whole all the same, and the objects of the entries of that day only.

    Raises:
        PermanentError: the store refused to be read.
        PassingError: the store did not answer.
    """
    lake = Lake(settings)
    found: list[_Found] = []
    claims: dict[tuple[str, str], _Claim] = {}
    hashes: dict[int, str] = {}
    previous = NO_ENTRY
    for link in links(settings, lake):
        problem, entry = _check(link, previous)
        found += [(link.sequence, problem)] if problem else []
        previous = link.sha256
        if link.body is not None:
            hashes[link.sequence] = previous
        if entry and (day is None or entry.at.date() == day):
            for claim in _claims(settings, entry):
                known = claims.setdefault((claim.layer, claim.key), claim)
                known.hashes.update(claim.hashes)
        progress("entries", link.sequence, 0)
    # a head names the very entry that is another one: the chain itself only shows that the next one does not follow
    problems = [told for _, told in sorted([*_check_heads(settings, lake, hashes), *found], key=itemgetter(0))]
    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        compared = pool.map(lambda claim: _compare(settings, lake, claim), claims.values())
        for number, differences in enumerate(compared, start=1):
            problems += differences
            progress("objects", number, len(claims))
    problems += _unknown(settings, lake, claims) if day is None else []
    tables = [] if problems else differing_tables(settings)
    place = settings.home / "ledger.duckdb"
    problems += [f"The table quality.{name} in {place} is not what the chain says: delete the file." for name in tables]
    return Proof(len(hashes), previous, len(claims), problems)


def _check(link: Link, previous: str) -> tuple[str | None, Entry | None]:
    place = f"Entry {link.sequence} of the ledger"
    if link.body is None:
        return f"{place} is gone.", None
    try:
        entry = link.entry
    except ValueError:
        return f"{place} is no entry any more.", None
    if entry.sequence != link.sequence:
        return f"{place} holds the entry {entry.sequence}.", None
    if entry.previous != previous:
        return f"{place} does not follow from entry {link.sequence - 1}: one of the two was altered.", entry
    return None, entry


def _check_heads(settings: Settings, lake: Lake, hashes: dict[int, str]) -> list[_Found]:
    """The first difference from the heads that were left elsewhere: they betray a chain that was written anew."""
    bucket = settings.bucket("quality")
    keys = [key for key in lake.list(bucket, "quality/") if key.endswith(HEAD)]
    found = []
    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        for key, body in zip(keys, pool.map(lambda key: lake.get(bucket, key), keys), strict=True):
            try:
                told = Head.model_validate_json(body)
            except ValueError:
                found.append((0, f"{key} is no head of the ledger any more."))
                continue
            if hashes.get(told.sequence) != told.sha256:
                state = "another one" if told.sequence in hashes else "gone"
                found.append((told.sequence, f"Entry {told.sequence} of the ledger is {state} by {key}."))
    return sorted(found)[:1]


def _claims(settings: Settings, entry: Entry) -> Iterator[_Claim]:
    content, place = entry.content, f"entry {entry.sequence}"
    if isinstance(content, Judgement):
        for batch in content.batches:
            yield from _claims_of_batch(batch, place)
    if isinstance(content, Decision) and content.rows_key and content.rows_sha256:
        told = f"The list of rows of {content.source}.{content.table}, batch {content.batch_id}, that were accepted"
        yield _Claim("quality", content.rows_key, f"{told} ({place})", {content.rows_sha256})
    if isinstance(content, ReportedRun):
        told = f"The report of run {content.run_id} ({place})"
        yield _Claim("quality", content.report_key, told, {content.report_sha256})
        yield _Claim("home", f"{content.run_id}.html", f"{told} in {settings.reports_dir}", {content.report_sha256})


def _claims_of_batch(batch: JudgedBatch, place: str) -> Iterator[_Claim]:
    name = f"{batch.source}.{batch.table}, batch {batch.batch_id} ({place})"
    if batch.manifest_sha256:
        key = f"bronze/{batch.source}/{batch.table}/batch_id={batch.batch_id}/_manifest.json"
        yield _Claim("bronze", key, f"The manifest of {name}", {batch.manifest_sha256})
    if batch.verdict_key and batch.verdict_sha256:
        yield _Claim("quality", batch.verdict_key, f"The verdict on {name}", {batch.verdict_sha256})
    if batch.rows_key and batch.rows_sha256:
        yield _Claim("quality", batch.rows_key, f"The list of rows of the verdict on {name}", {batch.rows_sha256})


def _compare(settings: Settings, lake: Lake, claim: _Claim) -> list[str]:
    if claim.layer == "home":
        path = settings.reports_dir / claim.key
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
        is_right = found is None or found in claim.hashes
        return [] if is_right else [f"{claim.told} was altered."]
    bucket = settings.bucket("bronze" if claim.layer == "bronze" else "quality")
    if not lake.exists(bucket, claim.key):
        return [f"{claim.told} is gone: {Lake.url(bucket, claim.key)}."]
    digest = hashlib.sha256()
    for block in lake.stream(bucket, claim.key):
        digest.update(block)
    return [] if digest.hexdigest() in claim.hashes else [f"{claim.told} was altered: {Lake.url(bucket, claim.key)}."]


def _unknown(settings: Settings, lake: Lake, claims: dict[tuple[str, str], _Claim]) -> list[str]:
    """Verdicts of which no entry speaks: nobody has judged so."""
    keys = [key for key in lake.list(settings.bucket("quality"), "quality/") if key.endswith(VERDICT)]
    return [f"No entry of the ledger speaks of {key}." for key in keys if ("quality", key) not in claims]
