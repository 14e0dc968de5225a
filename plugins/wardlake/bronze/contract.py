"""The contract of a table against what the source has now: what is taken, what is refused, what is recorded.

| difference | halt | freeze | evolve |
|---|---|---|---|
| a column is new | refused | left out | taken if `new_columns` classes it, else refused |
| a column is missing | refused | refused | NULL in every row |
| another type | refused | refused | cast to the contract's type, if no value changes by it |
| another order | refused | taken | taken |

Every difference that is not refused is recorded in the manifest. Bronze always has the contract's types.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wardlake.bronze.manifest import BronzeColumn
from wardlake.errors import PermanentError
from wardlake.sources import Source, Table

LINEAGE_OF_FILES = ("_file", "_line")
UNLIKE = "WARDLAKE-UNLIKE:"


@dataclass(frozen=True)
class Agreement:
    """What is taken: SQL expressions over the source's columns, the columns in bronze, and what has changed.

    An expression that casts raises DuckDB's `error()` with a text that begins with `UNLIKE` where a value would change.
    """

    expressions: tuple[str, ...]
    columns: tuple[BronzeColumn, ...]
    changes: tuple[str, ...]


def agree(source: Source, table: str, found: Sequence[BronzeColumn], place: str) -> Agreement:
    """Apply the table's contract to the columns that the source has.

    Raises:
        PermanentError: names every difference that the contract refuses.
    """
    agreement, refused = compare(source.tables[table], found)
    if refused:
        raise PermanentError(
            f"{place}: the source breaks its contract: {'; '.join(refused)}.",
            remedy=f"Agree on the change with the owner of the system, then correct dags/sources/{source.name}.yaml.",
        )
    return agreement


def compare(spec: Table, found: Sequence[BronzeColumn]) -> tuple[Agreement, list[str]]:
    """What is taken of the columns that the source has, and every difference that the contract refuses."""
    expected = {name: column.type.upper() for name, column in spec.columns.items()}
    present = {column.name: column.type for column in found if column.name not in LINEAGE_OF_FILES}
    lineage = [column for column in found if column.name in LINEAGE_OF_FILES]
    refused: list[str] = []
    changes: list[str] = []
    expressions: list[str] = []
    columns: list[BronzeColumn] = []
    for name, type_ in expected.items():
        quoted = _double(name)
        if name not in present:
            told = f"column '{name}' is missing"
            (changes if spec.contract == "evolve" else refused).append(told)
            expressions.append(f"CAST(NULL AS {type_}) AS {quoted}")
        elif present[name] != type_:
            told = f"column '{name}' is {present[name]}, the contract says {type_}"
            (changes if spec.contract == "evolve" else refused).append(told)
            expressions.append(f"{_cast(name, present[name], type_)} AS {quoted}")
        else:
            expressions.append(quoted)
        columns.append(BronzeColumn(name=name, type=type_))
    for name, type_ in present.items():
        if name in expected:
            continue
        if spec.contract == "freeze":
            changes.append(f"column '{name}' is new and was left out")
        elif spec.contract == "evolve" and spec.new_columns:
            changes.append(f"column '{name}' is new, of type {type_}, and was taken as {spec.new_columns}")
            expressions.append(_double(name))
            columns.append(BronzeColumn(name=name, type=type_))
        else:
            refused.append(f"column '{name}' is new and has no PII class")
    common = [name for name in present if name in expected]
    if common != [name for name in expected if name in present]:
        (refused if spec.contract == "halt" else changes).append("the columns are in another order")
    expressions += [_double(column.name) for column in lineage]
    return Agreement(tuple(expressions), (*columns, *lineage), tuple(changes)), refused


def _cast(name: str, found: str, type_: str) -> str:
    quoted, told = _double(name), f"{UNLIKE} column '{name}' holds values that are no {type_}".replace("'", "''")
    return (
        f"CASE WHEN TRY_CAST(TRY_CAST({quoted} AS {type_}) AS {found}) IS NOT DISTINCT FROM {quoted} "
        f"THEN TRY_CAST({quoted} AS {type_}) ELSE error('{told}') END"
    )


def _double(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
