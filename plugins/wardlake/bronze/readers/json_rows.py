"""Rows of JSON documents as text, verbatim: numbers keep their digits, objects their spelling.

DuckDB's JSON functions turn 1.10 into 1.1, so that values are cut out of the document's own bytes instead.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Raw

from wardlake.errors import PermanentError
from wardlake.sources import Table
from wardlake.sources.json_path import Every, Step, steps_of

LONGEST_LINE = 16 * 1024**2  # what DuckDB's reader takes anyway
PLACE = "wardlake place"


class RowsFile:
    """Rows on disk, one line each, with the text of every column; DuckDB reads them back.

    `columns` gives the steps to each column below a row. A value that is an object or a list is its JSON text, a
    missing one and null are NULL. `who` names table and server in errors.
    """

    def __init__(self, path: Path, columns: Mapping[str, Sequence[Step]], who: str) -> None:
        self.path = path
        self.rows = 0
        self._columns = columns
        self._who = who
        self._longest = LONGEST_LINE
        path.write_bytes(b"")

    def append(self, rows: Sequence[Raw]) -> None:
        """Add rows, all or none.

        Raises:
            PermanentError: a row holds none of the columns.
        """
        lines = []
        for number, row in enumerate(rows, start=self.rows + 1):
            texts = list(_texts(row, self._columns.values()))
            if all(text is None for text in texts):
                raise PermanentError(
                    f"{self._who} sent row {number}, which holds none of the columns.",
                    remedy="Correct 'rows' and the paths of the columns; an error may have been sent as a row, too.",
                )
            values = {f"c{column}": text for column, text in enumerate(texts)}
            lines.append(msgspec.json.encode({"place": number, **values}) + b"\n")
        with self.path.open("ab") as file:
            file.writelines(lines)
        self.rows += len(lines)
        self._longest = max([self._longest, *map(len, lines)])

    def query(self) -> str:
        """A DuckDB query for the rows: the columns, all VARCHAR, and `PLACE BIGINT`, counted from 1."""
        types = {"place": "BIGINT"} | {f"c{number}": "VARCHAR" for number in range(len(self._columns))}
        listed = ", ".join(f"c{number} AS {_double(name)}" for number, name in enumerate(self._columns))
        return (
            f"SELECT {listed}, place AS {_double(PLACE)} FROM read_json('{self.path}', format = 'newline_delimited', "
            f"columns = {types}, maximum_object_size = {self._longest + 1})"
        )


def steps_to(table: Table, names: Sequence[str]) -> dict[str, tuple[Step, ...]]:
    """The steps to each of these columns; a column without a path is the member of its name."""
    paths = {name: table.columns[name].path for name in names}
    return {name: (name,) if path is None else steps_of(path) for name, path in paths.items()}


def find(document: Raw, steps: Sequence[Step]) -> Iterator[Raw]:
    """Every value that the steps lead to, cut out of the document's bytes. The document is correct JSON."""
    if not steps:
        yield document
        return
    step, rest = steps[0], steps[1:]
    kind = bytes(memoryview(document)[:1])
    if isinstance(step, str) and kind == b"{":
        member = msgspec.json.decode(document, type=dict[str, Raw]).get(step)
        if member is not None:
            yield from find(member, rest)
    elif not isinstance(step, str) and kind == b"[":
        items = msgspec.json.decode(document, type=list[Raw])
        if isinstance(step, int):
            items = items[step:][:1] if step >= 0 or -step <= len(items) else []
        for item in items:
            yield from find(item, rest)


def text_of(value: Raw) -> str | None:
    """A value as text; None for null."""
    content = bytes(value)
    if content.startswith(b'"'):
        return msgspec.json.decode(content, type=str)
    return None if content == b"null" else content.decode("utf-8")


def duckdb_path(steps: Sequence[Step]) -> str:
    """The same path as DuckDB writes it."""
    return "$" + "".join(
        f'."{step}"'
        if isinstance(step, str)
        else f"[{step.value}]"
        if isinstance(step, Every)
        else f"[{'' if step >= 0 else '#'}{step}]"
        for step in steps
    )


def _texts(row: Raw, columns: Collection[Sequence[Step]]) -> Iterator[str | None]:
    is_object = bytes(memoryview(row)[:1]) == b"{"
    members = msgspec.json.decode(row, type=dict[str, Raw]) if is_object else {}
    for steps in columns:
        if steps and isinstance(steps[0], str):
            member = members.get(steps[0])
            found = [] if member is None else list(find(member, steps[1:]))
        else:
            found = list(find(row, steps))
        if Every.ELEMENT in steps:
            yield "[" + ",".join(bytes(value).decode("utf-8") for value in found) + "]" if found else None
        else:
            yield text_of(found[0]) if found else None


def _double(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
