"""A table of a hospital system: what is read, how much of it each time, and the contract that it must keep."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from wardlake.sources.files import FileSpec, Hl7Files, JsonFiles
from wardlake.sources.json_path import steps_of
from wardlake.sources.requests import RestRequest, Search, has_since
from wardlake.sources.strict import Identifier, Strict

LINEAGE_COLUMNS = ("_row_id", "_batch_id", "_source", "_extracted_at", "_file", "_line")

PiiClass = Literal["none", "identifier", "name", "contact", "address", "birth_date", "free_text", "health", "quasi"]
Mode = Literal["snapshot", "incremental", "append"]
Contract = Literal["evolve", "freeze", "halt"]


class Column(Strict):
    """A column as it stands in bronze. `type` is a DuckDB type; `pii` is never left out."""

    type: str
    pii: PiiClass
    description: str = ""
    path: str | None = Field(None, description="Its place in a JSON, XML or HL7 row; none: the column's own name.")


class Cursor(Strict):
    """The column by which changed rows are found.

    Each batch reads `[end of the batch before - look_back, end of the window)`, and every row without a cursor. A row
    that commits later than `look_back` after its cursor is not found: choose it longer than the longest transaction.
    """

    column: str
    look_back: timedelta = Field(timedelta(hours=1), ge=timedelta(), description="For a cursor that is a time.")
    look_back_by: int = Field(0, ge=0, description="For a cursor that is a number.")
    timezone: Literal["facility", "UTC"] = Field(
        "facility", description="What a time without zone means; local time is looked back an hour more at least (DST)."
    )


class Table(Strict):
    """A table of the system, with the contract that its batches must keep."""

    description: str
    relation: Annotated[str, Field(pattern=r"^([A-Za-z_][\w$]*\.)?[A-Za-z_][\w$]*$")] | None = None
    files: FileSpec | None = None
    search: Search | None = None
    request: RestRequest | None = None
    mode: Mode = "snapshot"
    cursor: Cursor | None = None
    deletes: Literal["ignore", "compare_keys"] = Field(
        "ignore", description="compare_keys: each batch of an incremental table reads all keys to find deleted rows."
    )
    contract: Contract = "halt"
    new_columns: PiiClass | None = Field(
        None,
        description="Class of columns that the YAML does not list, under contract: evolve; none: refused.",
    )
    reconcile: Literal["count", "checksum"] = Field(
        "checksum", description="What source and lake are compared by before a batch of a database is committed."
    )
    least_rows_pct: int = Field(
        60,
        ge=0,
        le=100,
        description="A snapshot with a smaller share of the rows of the last one that was let through is halted, as "
        "the source has sent a part of its rows, and so is one without a row; 0: none is.",
    )
    fresh_hours: int | None = Field(None, ge=1, description="As that of the source, for this table.")
    history: bool = Field(
        False, description="Show silver all batches as well, as <table>__history: what rows were like before."
    )
    keep_days: int | None = Field(
        None, ge=1, description="Days after which batches that no reader needs are deleted; none: never."
    )
    keys: list[str] = Field(min_length=1)
    columns: dict[str, Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_consistent(self) -> "Table":
        if unknown := [key for key in self.keys if key not in self.columns]:
            raise ValueError(f"keys {unknown} are not among the columns")
        if reserved := [name for name in self.columns if name in LINEAGE_COLUMNS]:
            raise ValueError(f"columns {reserved} have names that Wardlake keeps for lineage")
        if [self.relation, self.files, self.search, self.request].count(None) != 3:
            raise ValueError("give one of 'relation' (schema.table), 'files', 'search' and 'request'")
        if self.new_columns and self.contract != "evolve":
            raise ValueError("'new_columns' has a meaning with contract: evolve only")
        if isinstance(self.files, Hl7Files):
            self.files.check_paths(column.path or name for name, column in self.columns.items())
        if self.search or self.request or isinstance(self.files, JsonFiles):
            for column in self.columns.values():
                steps_of(column.path or "$")
        self._check_mode()
        if asked := self.search or self.request:
            self._check_http(asked)
        return self

    def _check_mode(self) -> None:
        if self.files and self.mode == "incremental":
            raise ValueError("a table of files has mode: append, or snapshot if each file is the whole table")
        typed = [name for name, column in self.columns.items() if column.type.upper() != "VARCHAR"]
        if self.files and self.files.format == "csv" and typed:
            raise ValueError(f"columns {typed} of CSV files have the type VARCHAR; staging models cast them")
        if self.relation and self.mode == "append":
            raise ValueError("a table of a database has mode: snapshot or incremental")
        if (self.mode == "incremental") != (self.cursor is not None):
            raise ValueError("'cursor' belongs to mode: incremental, and mode: incremental needs it")
        if self.cursor and self.cursor.column not in self.columns:
            raise ValueError(f"the cursor '{self.cursor.column}' is not among the columns")
        if self.cursor and self.columns[self.cursor.column].pii not in ("none", "quasi"):
            raise ValueError(f"the cursor '{self.cursor.column}' is classed; take a column that is not")
        if self.deletes == "compare_keys" and self.mode != "incremental":
            raise ValueError("'deletes' belongs to mode: incremental; a snapshot shows deleted rows by itself")

    def _check_http(self, asked: Search | RestRequest) -> None:
        for name, column in self.columns.items():
            if column.type.upper() != "VARCHAR":
                raise ValueError(f"column '{name}': values of a JSON answer are kept as text, type VARCHAR")
        is_asked = has_since(asked.parameters)
        if self.mode == "snapshot" and is_asked:
            raise ValueError("a parameter with {since} needs mode: incremental or append")
        if self.mode == "append" and not is_asked:
            raise ValueError("mode: append needs a parameter with {since}, or each batch adds all rows again")
        if self.mode == "incremental" and isinstance(asked, RestRequest) and not is_asked:
            raise ValueError("mode: incremental needs a parameter with {since}")
        is_search = isinstance(asked, Search)
        if self.cursor and is_search and self.columns[self.cursor.column].path != "$.meta.lastUpdated":
            raise ValueError("the cursor of a FHIR search is the column with path: $.meta.lastUpdated")


Tables = Annotated[dict[Identifier, Table], Field(min_length=1)]
