"""Files, sorted into one table for each pattern of names, each described by its format."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from wardlake.errors import PermanentError
from wardlake.onboard import columnar, delimited, documents, sheets
from wardlake.onboard.content import File, look_at
from wardlake.onboard.delimited import Described
from wardlake.onboard.found import Found, FoundTable, UnreadableError
from wardlake.onboard.naming import identifier
from wardlake.onboard.patterns import NUMBERS, group

DESCRIBE = {
    "csv": delimited.describe,
    "xlsx": sheets.describe,
    "json": documents.describe,
    "jsonl": documents.describe,
    "xml": documents.describe,
    "parquet": columnar.describe,
}
BY_HAND = {
    "hl7": "HL7 messages are described by hand: see docs/sources/hl7.md",
    "sqlite": "it is a SQLite database, which is a source of its own: name it alone",
}


def describe(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path], connection: dict[str, object]) -> Found:
    """Describe files and the files below folders, and fill a sample of each pattern in `engine`.

    Raises:
        PermanentError: a path does not exist, or none of the files can be described.
    """
    left_out: list[str] = []
    looked: dict[str, File] = {}
    for name, path in by_name(paths).items():
        try:
            looked[name] = look_at(path, name)
            if looked[name].format not in DESCRIBE:
                raise UnreadableError(BY_HAND[looked.pop(name).format])
        except UnreadableError as error:
            left_out.append(f"{name} was left out: {error}.")
    tables: list[FoundTable] = []
    names: set[str] = set()
    for pattern, members in group(looked).items():
        try:
            tables.append(_table(engine, pattern, [looked[name] for name in members], names))
        except UnreadableError as error:
            left_out.append(f"{', '.join(members)} was left out: {error}.")
    if not tables:
        raise PermanentError(
            f"There is no file that could be described. {' '.join(left_out)}".strip(),
            remedy="Name files of CSV, Excel, JSON, XML or Parquet, or a folder of them.",
        )
    return Found(connection, tuple(tables), tuple(left_out))


def by_name(paths: Sequence[Path]) -> dict[str, Path]:
    """Files, and the files below folders, by the name that they have below the folder or prefix.

    Raises:
        PermanentError: a path does not exist.
    """
    named: dict[str, Path] = {}
    for path in paths:
        if path.is_dir():
            below = sorted(one for one in path.rglob("*") if one.is_file())
            named |= {
                name: one for one in below if not (name := one.relative_to(path).as_posix()).startswith((".", "_"))
            }
        elif path.is_file():
            named[path.name] = path
        else:
            raise PermanentError(
                f"{path} does not exist.",
                remedy="Name a file, a folder, or a database as kind://user:password@host/name.",
            )
    return named


def _table(engine: duckdb.DuckDBPyConnection, pattern: str, files: Sequence[File], names: set[str]) -> FoundTable:
    first = files[0]
    others = [file.name for file in files if (file.format, file.compression) != (first.format, first.compression)]
    alike = [file for file in files if file.name not in others]
    stem = NUMBERS.sub("", first.name.removesuffix(".gz").removesuffix(".zip").rpartition(".")[0] or first.name)
    name = identifier(stem.replace("/", "_"), names)
    described: Described = DESCRIBE[first.format](engine, alike, name)
    packed: dict[str, object] = {"compression": first.compression} if first.compression != "none" else {}
    if first.member != "*":
        packed["member"] = first.member
    notes = [f"{other} matches the pattern too, but is of another format" for other in others]
    return FoundTable(
        name=name,
        description=f"Files {pattern}.",
        reads={"files": {"pattern": pattern, **described.spec, **packed}},
        columns=described.columns,
        sample=name,
        notes=(*notes, *described.notes),
    )
