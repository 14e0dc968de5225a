"""Resources of a FHIR R4 server by REST search: each resource once, reconciled with the server's own count."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

import httpx
import msgspec
from msgspec import Meta, Raw, Struct

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.fhir_resources import R4_RESOURCES
from wardlake.bronze.readers.http import (
    Answer,
    Server,
    TryAgainError,
    agreed_total,
    begun_anew,
    decode,
    linked,
    name_of,
    server,
)
from wardlake.bronze.readers.http_address import address_of
from wardlake.bronze.readers.http_parameters import filled_in, instant
from wardlake.bronze.readers.http_rows import write_pages
from wardlake.bronze.readers.json_text import parsed, places_of
from wardlake.bronze.relation import Opening, Relation, Request, SourceFacts
from wardlake.errors import PermanentError
from wardlake.sources.connections import FhirConnection
from wardlake.sources.json_path import Step
from wardlake.sources.requests import Search
from wardlake.sql import as_name

ID, VERSION, UPDATED = "wardlake id", "wardlake version", "wardlake updated"
IDENTITY: dict[str, tuple[Step, ...]] = {
    ID: ("id",),
    VERSION: ("meta", "versionId"),
    UPDATED: ("meta", "lastUpdated"),
}
"""Columns that tell copies of a resource apart, beside those of the table."""

COUNT_COPIES = f'''
    SELECT
        count(*) - count(DISTINCT ("{ID}", "{VERSION}")) FILTER ("{ID}" IS NOT NULL) - count(*) FILTER ("{ID}" IS NULL),
        count(DISTINCT ("{ID}", "{VERSION}")) FILTER ("{ID}" IS NOT NULL) - count(DISTINCT "{ID}")
'''
NEWEST_ONLY = f'''
    QUALIFY "{ID}" IS NULL OR row_number() OVER (
        PARTITION BY "{ID}" ORDER BY TRY_CAST("{UPDATED}" AS TIMESTAMPTZ) DESC NULLS LAST, "_line" DESC
    ) = 1
'''
COUNTED = ("entry", "resource", "resourceType", "search", "mode")
"""Keys that another parser needs to count the matches of a page."""
PASSING_ISSUES = {"transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled"}
SEVERE = {"fatal", "error"}


@contextmanager
def session(opening: Opening) -> Iterator["FhirSession"]:
    """A FHIR server.

    Raises:
        PermanentError: the address is not understood.
    """
    connection = opening.source.connection
    assert isinstance(connection, FhirConnection)  # noqa: S101  the caller chose by kind
    uri = opening.uri or opening.settings.connection_uri(connection.conn_id)
    address = address_of(uri, connection.conn_id)
    headers = {
        b"Accept": b"application/fhir+json",
        b"Prefer": b"handling=strict",  # or a misspelt parameter is ignored and everything is read
        **address.authorization(),
    }
    with server(connection, opening.source.name, headers, explain=_issues_of) as asked:
        yield FhirSession(opening, asked, address.base, connection)


@dataclass
class FhirSession:
    """A FHIR server, asked for one page at a time."""

    opening: Opening
    server: Server
    base: str
    connection: FhirConnection
    snapshot: str | None = None
    moment: datetime | None = None

    def read(self, request: Request) -> Relation:
        """The resources that a search finds, each once, and their number as the server counts them."""
        source, engine = self.opening.source, self.opening.engine
        table = source.tables[request.table]
        who = name_of(source, request)
        wanted = request.columns or tuple(table.columns)
        first = self._first(request)
        query, found = begun_anew(lambda: self._read_all(first, request, places_of(table, wanted), who))
        ((copies, older),) = engine.execute(f"{COUNT_COPIES} FROM ({query})").fetchall()
        if copies or older:
            query += NEWEST_ONLY
            found.left_out.update({"copies": copies, "older versions": older})
        distinct = found.rows - copies - older
        told = found.totals or self._count(first, request, who)
        rows = agreed_total(told, distinct, who) if told else found.counted - copies - older
        listed = ", ".join(as_name(name) for name in wanted)
        return Relation(
            chunks=(f"SELECT {listed} FROM ({query})",),
            columns=tuple(BronzeColumn(name=name, type="VARCHAR") for name in wanted),
            facts=lambda: SourceFacts(rows),
            order_by=tuple(as_name(key) for key in table.keys),
            left_out=+found.left_out,
        )

    def _search(self, request: Request) -> Search:
        search = self.opening.source.tables[request.table].search
        assert search is not None  # noqa: S101  the model guarantees it
        return search

    def _first(self, request: Request) -> httpx.URL:
        search, table, reading = self._search(request), self.opening.source.tables[request.table], request.reading
        asked = filled_in(search.parameters, table, request, "milliseconds")
        # a time with seconds alone would stand for a whole second
        bounds = {"ge": reading.start, "lt": reading.end}
        asked += [
            ("_lastUpdated", f"{prefix}{instant(moment, 'milliseconds')}")
            for prefix, moment in bounds.items()
            if moment is not None
        ]
        if "_count" not in search.parameters:
            asked.append(("_count", str(self.connection.page_size)))
        return httpx.URL(f"{self.base}/{search.resource}").copy_merge_params(tuple(asked))

    def _read_all(
        self, first: httpx.URL, request: Request, columns: dict[str, tuple[Step, ...]], who: str
    ) -> tuple[str, "_Found"]:
        found = _Found()
        body = request.work / "page.json"

        def parse(answer: Answer) -> "_Page":
            return self._parse(answer, self._search(request).resource, who)

        def matches() -> Iterator[list[Raw]]:
            for page in self.server.pages(first, body, who, parse, lambda page: page.following):
                found.rows += len(page.matches)
                found.counted += page.counted
                found.left_out += page.left_out
                if page.total is not None:
                    found.totals.append(page.total)
                yield page.matches

        query = write_pages(request.work, {**columns, **IDENTITY}, matches(), who)
        body.unlink()
        return query, found

    def _count(self, first: httpx.URL, request: Request, who: str) -> list[int]:
        """The number of matches that the server counts when it is asked for nothing else; empty if it does not."""
        url = first.copy_remove_param("_count").copy_set_param("_summary", "count")

        def parse(answer: Answer) -> int | None:
            return decode(answer.read(), _Bundle, "FHIR Bundle", who).total

        try:
            total = self.server.get(url, request.work / "count.json", who, parse)
        except PermanentError:
            return []
        return [] if total is None else [total]

    def _parse(self, answer: Answer, resource: str, who: str) -> "_Page":
        body = answer.read()
        kind = decode(body, _Resource, "FHIR Bundle", who).type_
        if kind == "OperationOutcome":
            self._raise_if_severe(decode(body, _Outcome, "OperationOutcome", who), who)
        if kind != "Bundle":
            # other words than the standard's may be a patient's
            shown = f"a {kind}" if kind in R4_RESOURCES else "another resource"
            raise PermanentError(
                f"{who} sent {shown} instead of a Bundle.",
                remedy="Correct the address of the connection: it ends where the names of the resources begin.",
            )
        bundle = decode(body, _Bundle, "FHIR Bundle", who)
        page = _Page(bundle.total)
        for entry in bundle.entry:
            type_ = decode(entry.resource, _Resource, "FHIR resource", who).type_
            if type_ == "OperationOutcome":
                self._raise_if_severe(decode(entry.resource, _Outcome, "OperationOutcome", who), who)
                page.left_out["messages"] += 1
            elif type_ == resource and (entry.search is None or entry.search.mode in (None, "match")):
                page.matches.append(entry.resource)
            else:
                page.left_out["included resources"] += 1
        page.counted = _count_matches(body, resource)
        page.following = next((linked(answer, link.url, who) for link in bundle.link if link.relation == "next"), None)
        return page

    def _raise_if_severe(self, outcome: "_Outcome", who: str) -> None:
        yaml = f"dags/sources/{self.opening.source.name}.yaml"
        severe = [issue for issue in outcome.issue if issue.severity in SEVERE]
        if any(issue.code in PASSING_ISSUES for issue in severe):
            raise TryAgainError(f"reports a passing fault{_codes(severe)}")
        if severe:
            raise PermanentError(
                f"{who} reports an error{_codes(severe)}.",
                remedy=f"Correct the search in {yaml}, or ask the server's owner.",
            )


@dataclass
class _Found:
    """What all pages hold together. `counted` are the matches as another parser counts them."""

    rows: int = 0
    totals: list[int] = field(default_factory=list)
    counted: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass
class _Page:
    total: int | None
    matches: list[Raw] = field(default_factory=list)
    counted: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    following: httpx.URL | None = None


class _Resource(Struct):
    type_: str = msgspec.field(name="resourceType")


class _Mode(Struct):
    mode: str | None = None


class _Entry(Struct):
    resource: Raw
    search: _Mode | None = None


class _Link(Struct):
    relation: str
    url: str


class _Bundle(Struct):
    type_: Literal["Bundle"] = msgspec.field(name="resourceType")
    total: Annotated[int, Meta(ge=0)] | None = None
    link: list[_Link] = []
    entry: list[_Entry] = []


class _Issue(Struct):
    severity: str
    code: str


class _Outcome(Struct):
    issue: list[_Issue]


def _count_matches(body: bytes, resource: str) -> int:
    entries = parsed(body, "a page", COUNTED).get("entry") or []
    return sum(
        entry["resource"]["resourceType"] == resource and (entry.get("search") or {}).get("mode") in (None, "match")
        for entry in entries
    )


def _codes(issues: list[_Issue]) -> str:
    """What issues say in the words of FHIR's own lists; their free text may hold a patient's value."""
    codes = {f"{issue.severity}/{issue.code}" for issue in issues}
    shown = sorted(code for code in codes if re.fullmatch(r"[a-z]{1,20}/[a-z-]{1,40}", code))
    return f" ({', '.join(shown)})" if shown else ""


def _issues_of(body: bytes) -> str:
    try:
        return _codes(msgspec.json.decode(body, type=_Outcome).issue)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
