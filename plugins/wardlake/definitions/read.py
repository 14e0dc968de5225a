"""The models' YAMLs as tables and columns."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

LAYERS = ("silver", "gold")
DESIGN = "Wardlake design"
"""The authority of plain attributes."""


@dataclass(frozen=True)
class Column:
    """A column, `is_required` if its contract allows no NULL.

    `meta` holds what gold says of it: formula, numerator, denominator, unit, authority and more.
    """

    name: str
    data_type: str
    description: str
    is_required: bool = False
    meta: dict[str, str] = field(default_factory=dict)

    @property
    def is_metric(self) -> bool:
        """Whether it is a number by a formula of the field, not a key, a code or a date that is carried along."""
        return self.meta.get("authority") != DESIGN and self.meta.get("unit", "none") not in ("none", "date")


@dataclass(frozen=True)
class Table:
    """A table of silver or gold, named as readers see it. `subject` is its folder below the layer, if it has one."""

    layer: str
    subject: str
    name: str
    description: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]


def read_tables(dbt_dir: Path) -> list[Table]:
    """All tables of silver and gold, by layer, subject and name."""
    tables: list[Table] = []
    for layer in LAYERS:
        folder = dbt_dir / "models" / layer
        for path in sorted(folder.rglob("*.yml")):
            subject = path.parent.name if path.parent != folder else ""
            for model in yaml.safe_load(path.read_text()).get("models") or []:
                tables.append(_table(layer, subject, model))
    return sorted(tables, key=lambda table: (LAYERS.index(table.layer), table.subject, table.name))


def _table(layer: str, subject: str, model: dict[str, object]) -> Table:
    columns = model.get("columns") or []
    assert isinstance(columns, list)  # noqa: S101  dbt's schema of a model
    config = model.get("config") or {}
    assert isinstance(config, dict)  # noqa: S101  dbt's schema of a model
    return Table(
        layer=layer,
        subject=subject,
        name=str(config.get("alias", model["name"])),
        description=_line(model.get("description")),
        grain=_grain(model, columns),
        columns=tuple(_column(column) for column in columns),
    )


def _column(column: dict[str, object]) -> Column:
    config, constraints = column.get("config") or {}, column.get("constraints") or []
    assert isinstance(config, dict)  # noqa: S101  dbt's schema of a column
    assert isinstance(constraints, list)  # noqa: S101  dbt's schema of a column
    return Column(
        name=str(column["name"]),
        data_type=str(column.get("data_type", "")),
        description=_line(column.get("description")),
        is_required={"type": "not_null"} in constraints,
        meta={name: _line(value) for name, value in (config.get("meta") or {}).items()},
    )


def _grain(model: dict[str, object], columns: list[dict[str, object]]) -> tuple[str, ...]:
    """The columns that a uniqueness test of the model names."""
    tests = model.get("data_tests") or []
    assert isinstance(tests, list)  # noqa: S101  dbt's schema of a model
    for test in tests:
        if isinstance(test, dict) and "unique_combination" in test:
            return tuple(test["unique_combination"]["arguments"]["columns"])
    return next(((str(column["name"]),) for column in columns if "unique" in _names(column.get("data_tests"))), ())


def _names(tests: object) -> list[str]:
    assert isinstance(tests, list | None)  # noqa: S101  dbt's schema of a column
    return [test if isinstance(test, str) else next(iter(test)) for test in tests or []]


def _line(text: object) -> str:
    return " ".join(str(text or "").split())
