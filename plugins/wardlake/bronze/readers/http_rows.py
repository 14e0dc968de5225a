"""Rows that a server sends, as rows of text on disk."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from msgspec import Raw

from wardlake.bronze.readers.files.formats import BrokenFileError
from wardlake.bronze.readers.files.text_rows import TextRow, write_text_rows
from wardlake.bronze.readers.json_text import texts
from wardlake.errors import PermanentError
from wardlake.sources.json_path import Step

REMEDY = "Correct 'rows' and the paths of the columns, or report it to the maker of the server."


def write_pages(work: Path, columns: Mapping[str, Sequence[Step]], pages: Iterable[Sequence[Raw]], who: str) -> str:
    """Write the columns of all rows into a file in `work`; returns a DuckDB query for them.

    The columns are VARCHAR; the last is `_line BIGINT`, the row's number, counted from 1 over all pages.

    Raises:
        PermanentError: a row or page is not what it should be, or a row holds none of the columns.
    """
    rows = enumerate(chain.from_iterable(pages), start=1)
    try:
        return write_text_rows(work, list(columns), _filled(texts(rows, columns.values(), "row")))
    except BrokenFileError as error:
        raise PermanentError(f"{who} sent what cannot be kept: {error}.", remedy=REMEDY) from None


def _filled(rows: Iterable[TextRow]) -> Iterator[TextRow]:
    for number, values in rows:
        if all(value is None for value in values):
            # an error may have been sent as a row
            raise BrokenFileError(f"row {number} holds none of the columns")
        yield number, values
