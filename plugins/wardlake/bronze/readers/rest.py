"""Rows of a REST server that answers with JSON: page after page, with the key of the connection."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import httpx
from msgspec import Raw

from wardlake.bronze.manifest import BronzeColumn
from wardlake.bronze.readers.http import Answer, Server, agreed_total, begun_anew, decode, linked, name_of, server
from wardlake.bronze.readers.http_address import Address, address_of
from wardlake.bronze.readers.http_parameters import filled_in
from wardlake.bronze.readers.http_rows import write_pages
from wardlake.bronze.readers.json_text import find, parsed, places_of, rows_at, text_of
from wardlake.bronze.relation import Opening, Relation, Request, SourceFacts
from wardlake.errors import PermanentError
from wardlake.sources.connections import RestConnection
from wardlake.sources.json_path import Step, steps_of
from wardlake.sources.requests import Pages, RestRequest

NO_CONTENT = 204
COUNTED = ("page", "offset")


@contextmanager
def session(opening: Opening) -> Iterator["RestSession"]:
    """A REST server.

    Raises:
        PermanentError: the address is not understood, or the connection has no key where one is needed.
    """
    connection = opening.source.connection
    assert isinstance(connection, RestConnection)  # noqa: S101  the caller chose by kind
    address = address_of(opening.uri or opening.settings.connection_uri(connection.conn_id), connection.conn_id)
    headers = {b"Accept": b"application/json, application/x-ndjson"}
    query_key = None
    if connection.api_key is None:
        headers |= address.authorization()
    elif connection.api_key.place == "header":
        headers |= {connection.api_key.name.encode(): _key(connection, address).encode()}
    else:
        query_key = (connection.api_key.name, _key(connection, address))
    with server(connection, opening.source.name, headers, query_key) as asked:
        yield RestSession(opening, asked, address.base)


def _key(connection: RestConnection, address: Address) -> str:
    assert connection.api_key is not None  # noqa: S101  the caller looked
    if not address.password:
        raise PermanentError(
            f"The connection '{connection.conn_id}' has no password, which is the key of its server.",
            remedy="Write https://:key@host/base, or give the Airflow connection a password.",
        )
    return connection.api_key.prefix + address.password


@dataclass
class RestSession:
    """A REST server, asked for one page at a time."""

    opening: Opening
    server: Server
    base: str
    snapshot: str | None = None
    moment: datetime | None = None

    def read(self, request: Request) -> Relation:
        """All rows of a request, and their number as the server tells it, or as another parser counts them."""
        table = self.opening.source.tables[request.table]
        wanted = request.columns or tuple(table.columns)
        query, counted = begun_anew(lambda: self._read_all(request, places_of(table, wanted)))
        listed = ", ".join(_double(name) for name in wanted)
        return Relation(
            chunks=(f"SELECT {listed} FROM ({query})",),
            columns=tuple(BronzeColumn(name=name, type="VARCHAR") for name in wanted),
            facts=lambda: SourceFacts(counted),
            order_by=tuple(_double(key) for key in table.keys),
        )

    def _read_all(self, request: Request, columns: dict[str, tuple[Step, ...]]) -> tuple[str, int]:
        """A query for the rows, and their number as the server or another parser counts them."""
        table = self.opening.source.tables[request.table]
        asked = table.request
        assert asked is not None  # noqa: S101  the model guarantees it
        who = name_of(self.opening.source, request)
        parameters = filled_in(asked.parameters, table, request)
        url = httpx.URL(f"{self.base}/{asked.path.lstrip('/')}").copy_merge_params(tuple(parameters))
        body = request.work / "page.json"
        walk = _Walk(asked.pages, who)
        parse = partial(_parse, asked=asked, who=who)
        rows = counted = 0
        totals: list[int] = []

        def pages() -> Iterator[list[Raw]]:
            nonlocal rows, counted
            for page in self.server.pages(walk.first(url), body, who, parse, walk.following):
                rows += len(page.rows)
                counted += page.counted
                if page.total is not None:
                    totals.append(page.total)
                yield page.rows

        query = write_pages(request.work, columns, pages(), who)
        if asked.total:
            if not totals:
                raise PermanentError(
                    f"{who} sent nothing at '{asked.total}'.", remedy="Correct 'total' of the request."
                )
            counted = agreed_total(totals, rows, who)
        body.unlink()
        return query, counted


@dataclass
class _Page:
    """`following` is the next cursor or link; `counted` are the rows as another parser counts them."""

    answer: Answer
    rows: list[Raw] = field(default_factory=list)
    counted: int = 0
    total: int | None = None
    following: str | None = None


class _Walk:
    """The way from page to page."""

    def __init__(self, pages: Pages, who: str) -> None:
        self._pages = pages
        self._who = who
        self._start = httpx.URL()
        self._number = pages.first
        self._rows = 0
        self._seen = b""

    def first(self, url: httpx.URL) -> httpx.URL:
        """The address of the first page."""
        pages = self._pages
        self._start = url.copy_set_param(pages.size_parameter, pages.size) if pages.size_parameter else url
        return self._at(pages.first if pages.by == "page" else 0) if pages.by in COUNTED else self._start

    def following(self, page: _Page) -> httpx.URL | None:
        """The address of the page after this one; None after the last."""
        pages = self._pages
        if pages.by in COUNTED:
            return self._counted_on(page)
        if pages.by == "link":
            return linked(page.answer, page.following, self._who) if page.following else None
        if pages.by == "cursor":
            return self._at(page.following) if page.following else None
        if page.answer.next_link:
            raise PermanentError(
                f"{self._who} links to a next page, which nobody asked for.",
                remedy="Say 'pages: {by: link}' in the request, or how else the pages are asked for.",
            )
        return None

    def _counted_on(self, page: _Page) -> httpx.URL | None:
        pages = self._pages
        self._rows += len(page.rows)
        is_short = pages.short_is_last and len(page.rows) < pages.size
        if not page.rows or is_short or (page.total is not None and self._rows >= page.total):
            return None
        seen = hashlib.sha256(b"\n".join(page.rows)).digest()
        if seen == self._seen:
            raise PermanentError(
                f"{self._who} sends the same page again and again: it does not know the parameter '{pages.parameter}'.",
                remedy="Correct 'pages' of the request.",
            )
        self._seen = seen
        self._number += 1
        return self._at(self._number if pages.by == "page" else self._rows)

    def _at(self, place: int | str) -> httpx.URL:
        assert self._pages.parameter is not None  # noqa: S101  the model guarantees it
        return self._start.copy_set_param(self._pages.parameter, place)


def _parse(answer: Answer, asked: RestRequest, who: str) -> _Page:
    if answer.status == NO_CONTENT:
        return _Page(answer)
    is_lines = any(kind in answer.content_type for kind in ("ndjson", "jsonl", "json-lines"))
    return _lines_of(answer, asked, who) if is_lines else _rows_of(answer, asked, who)


def _rows_of(answer: Answer, asked: RestRequest, who: str) -> _Page:
    body = answer.read()
    document = decode(body, Raw, "JSON", who)
    counted = len(rows_at(parsed(body, "an answer", steps_of(asked.rows)), asked.rows, null_is_none=True))
    page = _Page(answer, rows_at(document, asked.rows, null_is_none=True), counted)
    if asked.total:
        page.total = _number(_text_at(document, asked.total), asked.total, who)
    page.following = _text_at(document, asked.pages.next) if asked.pages.next else answer.next_link
    return page


def _lines_of(answer: Answer, asked: RestRequest, who: str) -> _Page:
    if asked.rows != "$":
        raise PermanentError(f"{who} sent NDJSON, whose lines are the rows.", remedy="Leave out 'rows' of the request.")
    body = answer.read()
    rows = [decode(line, Raw, "JSON", who) for line in body.splitlines() if line.strip()]
    counted = 0
    for line in filter(bytes.strip, body.split(b"\n")):
        parsed(line, "a line")
        counted += 1
    return _Page(answer, rows, counted, following=answer.next_link)


def _text_at(document: Raw, path: str) -> str | None:
    value = next(find(document, steps_of(path)), None)
    return None if value is None else text_of(value)


def _number(text: str | None, path: str, who: str) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise PermanentError(f"{who} sent no number at '{path}'.", remedy="Correct 'total' of the request.")
    return int(text)


def _double(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
