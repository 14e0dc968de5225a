"""The catalogue: one YAML file for each table in `defects/`, one record for each defect."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).parent / "defects"


class Defect(BaseModel):
    """A defect: the rows that it befalls, what becomes of them, and the rule that has to find it.

    `pick` is a condition for the rows, of which the first `rows` are taken (by `_row_id`); they are read in SQL as
    `picked(_row_id)`. Then one of four things happens to them: `set` gives columns another value, `copy` adds a copy of
    each with other values in these columns, `delete` removes them, `sql` is a statement of its own.
    `at` is a condition for the rows of the rule's table at which it must be found; left out, these are the rows that
    were picked or added. `whole_table` says that the rule names no rows.
    `also` are other rules that rightly find the same defect.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")
    source: str
    table: str
    title: str = Field(min_length=10)
    rule: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){2}$")
    also: list[str] = []
    known_from: str = Field(min_length=3)
    pick: str = "true"
    rows: int | Literal["all"] = 1
    set: dict[str, str] | None = None
    copy_with: dict[str, str] | None = Field(default=None, alias="copy")
    delete: bool = False
    sql: str | None = None
    at: str | None = None
    whole_table: bool = False

    @property
    def judged(self) -> str:
        """The table whose rule must find it."""
        return self.rule.split(".")[1]

    @property
    def change(self) -> str:
        """What happens to the rows, in words of SQL."""
        if self.set is not None:
            return ", ".join(f"{column} = {value}" for column, value in self.set.items())
        if self.copy_with is not None:
            values = ", ".join(f"{column} = {value}" for column, value in self.copy_with.items())
            return f"copied, with {values}" if values else ""
        return "deleted" if self.delete else " ".join(str(self.sql).split())

    @model_validator(mode="after")
    def _one_change(self) -> "Defect":
        if sum([self.set is not None, self.copy_with is not None, self.delete, self.sql is not None]) != 1:
            raise ValueError("say one of set, copy, delete and sql")
        if (self.delete or self.judged != self.table) and not (self.at or self.whole_table):
            raise ValueError("say with at where it must be found")
        return self


def catalogue() -> list[Defect]:
    """All defects, by table."""
    return [defect for path in sorted(FOLDER.glob("*.yaml")) for defect in _read(path)]


def _read(path: Path) -> list[Defect]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    source, table = content["source"], path.stem

    def whole(rule: str) -> str:
        """A rule of the same table is named by its last part, one of another table of the source by the last two."""
        return ".".join([source, table, rule] if "." not in rule else [source, rule])

    def defect(record: dict[str, Any]) -> Defect:
        also = [whole(rule) for rule in record.get("also", [])]
        names = {"id": f"{table}.{record['id']}", "rule": whole(record["rule"]), "also": also}
        return Defect.model_validate({**record, **names, "source": source, "table": table})

    return [defect(record) for record in content["defects"]]
