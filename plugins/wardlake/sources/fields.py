"""Every field of a source YAML as a page of Markdown: `python -m wardlake.sources.fields > docs/sources/fields.md`."""

import types
import unicodedata
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from wardlake.sources.model import Source

INTRODUCTION = """\
# Fields of a source YAML

One file for each system in `dags/sources/`, named after its source. An unknown field is refused. This page is made from
the models in `plugins/wardlake/sources/` (`python -m wardlake.sources.fields`); a test says when it is out of date.
"""

MEANINGS = {
    "api_key": "How the server is given its key; none: it needs none.",
    "attempts": "How often a request is tried.",
    "by": "What a page is asked by.",
    "column": "Name of the column.",
    "columns": "Every column by its name, in the order of the source.",
    "comment": "Lines that begin with it are left out.",
    "conn_id": "Name of the connection that holds the address and the secrets: in Airflow, or `WARDLAKE_CONN_<ID>`.",
    "connection": "How the system is reached.",
    "contract": "What becomes of changes at the source: refused (halt), new columns left out (freeze), taken (evolve).",
    "currency": "ISO 4217 code of the facility's amounts.",
    "cursor": "How changed rows are found; for mode: incremental.",
    "decimal": "Decimal separator of the columns in `numbers`.",
    "delimiter": "What stands between values.",
    "description": "What it is, for people.",
    "encoding": "Python's name of the encoding.",
    "end": "End, not included; may be on the next day.",
    "facility": "The hospital that the system belongs to.",
    "files": "Which files are read, and how; for connections to files.",
    "format": "The format of the files.",
    "id": "Id of the facility in silver and gold.",
    "keys": "Columns that name a row.",
    "kind": "The kind of connection.",
    "longest_wait_s": "Seconds that are waited at most.",
    "mode": "Each batch is the whole table (snapshot), what changed (incremental), or new files (append).",
    "name": "Its name.",
    "owner": "Who answers for the system.",
    "page_size": "Rows that are asked for at once.",
    "pages": "How the pages of the answer are asked for.",
    "path": "Path of the request, below the connection's address.",
    "pii": "The class of personal data: `none` only for what tells nothing of a person, `health` for what a patient "
    "has or is treated for. See docs/onboarding.md.",
    "place": "Where the key stands.",
    "prefix": "Prefix of the keys in the landing bucket.",
    "quote": "What stands around values that hold a delimiter; none: nothing does.",
    "relation": "`schema.table` or `table`; for connections to databases.",
    "request": "Which request is sent; for connections of kind rest.",
    "resource": "The FHIR resource type.",
    "retry": "What is done when the server does not answer.",
    "schedule": "When Airflow extracts, as cron or @daily; null: by hand.",
    "search": "Which search is sent; for connections of kind fhir.",
    "size": "Rows of a page.",
    "size_parameter": "Query parameter of the page's size; none: the server chooses.",
    "start": "Begin, included.",
    "tables": "The tables, by a name of small letters, digits and `_`.",
    "thousands": "Thousands separator of the columns in `numbers`.",
    "timezone": "IANA time zone of the facility's clocks; a census midnight is local.",
    "triggers_build": "Whether a build of gold waits for this source; false: it takes what is there.",
    "type": "DuckDB's type of the column in bronze, as the reader delivers it; of text files always VARCHAR.",
}
"""Meaning of fields that have no description of their own: their names say it to those who read the models."""

PLAIN = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    timedelta: "duration, such as PT1H",
    time: "time of day, such as 20:00",
}
SELECTORS = ("kind", "format")


def fields_page() -> str:
    """The page: a section for each part of the YAML, a row for each field."""
    parts = list(_parts(Source, "", set()))
    return INTRODUCTION + "".join(f"\n## {_title(model, place)}\n{_section(model)}" for model, place in parts)


def _parts(model: type[BaseModel], place: str, seen: set[type[BaseModel]]) -> Iterator[tuple[type[BaseModel], str]]:
    """A model and those inside it, each once, with their place in the YAML."""
    if model in seen:
        return
    seen.add(model)
    yield model, place
    for name, field in model.model_fields.items():
        below = f"{place}.{name}" if place else name
        for inner, is_named in _models_in(field.annotation):
            yield from _parts(inner, f"{below}.<name>" if is_named else below, seen)


def _models_in(annotation: Any, *, is_named: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, is_named
    for argument in get_args(annotation):
        yield from _models_in(argument, is_named=is_named or get_origin(annotation) is dict)


def _title(model: type[BaseModel], place: str) -> str:
    chosen = [
        f"{name}: {' or '.join(get_args(model.model_fields[name].annotation))}"
        for name in SELECTORS
        if name in model.model_fields
    ]
    return " with ".join([f"`{place}`" if place else "The file", *chosen])


def _section(model: type[BaseModel]) -> str:
    rows = [
        f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {_meaning(name, field)} |"
        for name, field in model.model_fields.items()
    ]
    said = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    return "\n".join([said, "", "| field | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in PLAIN:
        return PLAIN[annotation]
    if origin is Literal:
        return ", ".join(_shown(value) for value in arguments)
    if origin in (Annotated, Union, types.UnionType):
        inner = arguments[:1] if origin is Annotated else arguments
        return " or ".join(dict.fromkeys(_type(one) for one in inner if one is not type(None)))
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"by name: {_type(arguments[1])}"
    return "see below"


def _shown(value: str) -> str:
    """A value that may be chosen; blanks by their name."""
    if not value:
        return "nothing"
    return f"`{_escaped(value)}`" if value.strip() else unicodedata.name(value).lower()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value in (None, [], {}, ""):
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, timedelta):
        return f"`{TypeAdapter(timedelta).dump_python(value, mode='json')}`"
    return f"`{_escaped(str(value).lower() if isinstance(value, bool) else str(value))}`"


def _meaning(name: str, field: FieldInfo) -> str:
    return _escaped(field.description or MEANINGS[name])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(fields_page(), end="")
