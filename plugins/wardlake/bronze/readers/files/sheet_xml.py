"""What the XML of an .xlsx says of a sheet, read beside calamine: how many rows are filled, and what calamine hides.

Calamine gives an empty text for an error such as #REF!, and for a formula whose result was never stored.
"""

import posixpath
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree
from openpyxl.utils import coordinate_to_tuple, get_column_letter

from wardlake.bronze.readers.files.formats import BrokenFileError

SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


@dataclass
class SheetFacts:
    """`rows` have more than white space; `errors` are values such as #REF! by row and column, counted from 1."""

    rows: int = 0
    errors: defaultdict[int, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))


def look_through(path: Path, sheet: str, first: int, last: int | None) -> SheetFacts:
    """Look at the rows of a sheet from `first` to `last`, counted from 1.

    Raises:
        BrokenFileError: the parts of the workbook do not fit together; a formula has no stored result.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            workbook = next(target for type_, target in _related(archive, "").values() if type_ == "officeDocument")
            related = _related(archive, workbook)
            strings = next((target for type_, target in related.values() if type_ == "sharedStrings"), None)
            empty = _empty_strings(archive, strings) if strings else set[str]()
            return _look_through(_elements(archive, _part_of(archive, workbook, sheet), "row"), empty, first, last)
    except BrokenFileError:
        raise
    except (KeyError, StopIteration, ValueError, zipfile.BadZipFile, etree.XMLSyntaxError):
        raise BrokenFileError("the parts of the workbook do not fit together") from None


def _related(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Type and name of the parts that a part refers to, by their ids."""
    folder, name = posixpath.split(part)
    return {
        relation.attrib["Id"]: (
            relation.attrib["Type"].rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, relation.attrib["Target"])).lstrip("/"),
        )
        for relation in _elements(archive, posixpath.join(folder, "_rels", f"{name}.rels"), "Relationship")
    }


def _part_of(archive: zipfile.ZipFile, workbook: str, sheet: str) -> str:
    found = next(each for each in _elements(archive, workbook, "sheet") if each.get("name") == sheet)
    relation = next(value for name, value in found.attrib.items() if name.endswith("}id"))
    return _related(archive, workbook)[relation][1]


def _elements(archive: zipfile.ZipFile, part: str, name: str) -> Iterator[Any]:
    """Elements of a part, one after the other; each is dropped when the next one is asked for."""
    # some programs write names with backslashes, or SharedStrings.xml where they refer to sharedStrings.xml
    names = {entry.replace("\\", "/").lower(): entry for entry in archive.namelist()}
    with archive.open(names[part.lower()]) as stream:
        for _, element in etree.iterparse(stream, tag=f"{{*}}{name}", **SAFE):
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _empty_strings(archive: zipfile.ZipFile, part: str) -> set[str]:
    """Numbers of the shared strings that hold nothing but white space."""
    return {str(number) for number, string in enumerate(_elements(archive, part, "si")) if not _has_text(string)}


def _has_text(element: Any) -> bool:
    return any(text.text and text.text.strip() for text in element.iter("{*}t"))


def _look_through(rows: Iterator[Any], empty: set[str], first: int, last: int | None) -> SheetFacts:
    facts = SheetFacts()
    number = 0
    for row in rows:
        number = int(row.get("r", number + 1))
        if number < first or (last and number > last):
            continue
        is_filled = False
        for place, cell in enumerate(row, start=1):
            parts = {part.tag.rpartition("}")[2]: part for part in cell}
            value, kind = parts["v"].text if "v" in parts else None, cell.get("t")
            if kind == "e" or "f" in parts:
                at = cell.get("r") or f"{get_column_letter(place)}{number}"
                if value is None and kind != "str":
                    raise BrokenFileError(f"the formula in cell {at} has no stored result: save the workbook in Excel")
                if kind == "e" and value:
                    facts.errors[number][coordinate_to_tuple(at)[1]] = value
            if "is" in parts:
                is_filled |= _has_text(parts["is"])
            elif value and value.strip():
                is_filled |= kind != "s" or value not in empty
        facts.rows += is_filled
    return facts
