"""How the files of a table are found and read. Every value is kept as text, but for Parquet, which has types."""

import codecs
import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from wardlake.sources.json_path import JsonPath
from wardlake.sources.strict import Strict

Character = Annotated[str, Field(min_length=1, max_length=1)]


class _Files(Strict):
    """What all formats share."""

    pattern: str = Field(description="Shell pattern of the names below the connection's folder or prefix.")
    compression: Literal["none", "gzip", "zip"] = Field("none", description="A zip archive holds one member or more.")
    member: str = Field("*", description="Shell pattern of the members of a zip archive that are read.")
    settle_s: int = Field(
        30, ge=0, description="A file of a folder or SFTP server that changed less long ago is still being written."
    )
    versions: Literal["replace", "keep"] = Field(
        "replace", description="New content under a known name: replaces the rows of the old version, or adds to them."
    )


class _Text(_Files):
    encoding: str = Field("utf-8", description="Python's name of the encoding; a byte order mark is left out.")
    totals: dict[str, str] = Field(
        default_factory=dict,
        description="A row whose columns match all these shell patterns is a totals row: left out, and counted.",
    )
    decimal: Character = "."
    thousands: Literal[",", ".", " ", "'", "\u00a0", "\u202f", ""] = ""
    numbers: list[str] = Field(
        default_factory=list, description="Columns whose separators are put into the form 1234.5, still as text."
    )

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"'{value}' is no encoding that Python knows, such as utf-8 or cp1252") from None
        return value


class CsvFiles(_Text):
    """Delimited text: CSV, TSV and their relatives."""

    format: Literal["csv"]
    delimiter: Character = ","
    quote: Character | None = '"'
    escape: Character | None = Field(None, description="Stands before a quote inside quotes; none: quotes are doubled.")
    comment: Character | None = None
    header_row: int | None = Field(1, ge=1, description="Row of the header, counted from 1; null: no header.")
    null_text: list[str] = Field(default_factory=list, description="Values that stand for no value, as nothing does.")

    @model_validator(mode="after")
    def _is_a_dialect(self) -> "CsvFiles":
        marks = [mark for mark in (self.delimiter, self.quote, self.escape, self.comment) if mark]
        if len(set(marks)) < len(marks) or set(marks) & {"\r", "\n", "\0"}:
            raise ValueError("delimiter, quote, escape and comment are different characters, and no line ends")
        if self.escape and not self.quote:
            raise ValueError("'escape' stands before a quote inside quotes, so it needs 'quote'")
        if len((self.quote or "").encode()) > 1 or len((self.escape or "").encode()) > 1:
            raise ValueError("quote and escape are ASCII characters")
        return self


class ExcelFiles(_Text):
    """Excel workbooks (.xlsx, .xls, .xlsb, .ods)."""

    format: Literal["xlsx"]
    sheet: str | None = Field(None, description="Name or shell pattern of the sheet; none: the first.")
    header_row: int = Field(1, ge=1, description="Row of the header, counted from 1.")
    header_rows: int = Field(1, ge=1, description="Rows of the header: merged titles above are joined with ' / '.")
    last_row: int | None = Field(None, description="Last row that is read, counted from 1; notes below are left out.")


class JsonFiles(_Files):
    """JSON documents (`json`) or one document a line (`jsonl`); columns name their place with `path`."""

    format: Literal["json", "jsonl"]
    encoding: str = "utf-8"
    rows: JsonPath = Field("$", description="JSONPath of the rows inside a document: a list, or one object.")


class XmlFiles(_Files):
    """XML documents; `rows` names the elements that are rows, columns name their place with an XPath below them."""

    format: Literal["xml"]
    rows: str = Field(description="XPath of the rows, for example //Shift.")
    namespaces: dict[str, str] = Field(default_factory=dict, description="Prefixes that the XPaths use.")


class ParquetFiles(_Files):
    """Parquet files; columns keep their types."""

    format: Literal["parquet"]


HL7_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9]\d*)(?:\(([1-9]\d*)\))?(?:\.([1-9]\d*)(?:\.([1-9]\d*))?)?")
"""Segment, field, repetition, component and subcomponent of a path such as `PID-3(2).1`."""
HL7_NUMBERS = ("message.number", "segment.number")
HL7_OF_MESSAGES = ("message", "parse.error")


class Hl7Files(_Files):
    """HL7 v2: files of one message or more, batch files, MLLP captures. One row for each segment named by `segment`.

    Columns name their place with `path`: `PV1-3.1` is the first component of field 3, `PID-3(2).1` that of the second
    repetition, `OBX-5` a field verbatim. Fields of another segment come from the nearest one above in the same message.
    `message.number` and `segment.number` say where a row stands; in a table of `segment: MSH`, `message` is the raw
    message and `parse.error` says why a malformed one could not be read. See docs/sources/hl7.md.
    """

    format: Literal["hl7"]
    segment: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2}$")] = Field(
        "MSH", description="Each of these segments is a row; MSH: one row a message."
    )
    messages: list[str] = Field(
        default_factory=list, description="Shell patterns of message types, for example ADT^A*; none: all."
    )
    encoding: str = Field("utf-8", description="Used where MSH-18 names none.")

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError(f"'{value}' is not an encoding that Python knows") from None
        return value

    def check_paths(self, paths: Iterable[str]) -> None:
        """Refuse paths of columns that name no place in a message.

        Raises:
            ValueError: names them.
        """
        known = HL7_NUMBERS + (HL7_OF_MESSAGES if self.segment == "MSH" else ())
        if wrong := [path for path in paths if path not in known and not HL7_PLACE.fullmatch(path)]:
            raise ValueError(f"{wrong} name no place in segment {self.segment}: write PV1-3.1, or {', '.join(known)}")


FileSpec = Annotated[
    CsvFiles | ExcelFiles | JsonFiles | XmlFiles | ParquetFiles | Hl7Files, Field(discriminator="format")
]
