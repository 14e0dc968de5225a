"""The text of a source YAML, with the reason of each guess beside it."""

from collections.abc import Iterator, Mapping, Sequence

import yaml

from wardlake.onboard.found import Found
from wardlake.onboard.keys import SuggestedKeys
from wardlake.onboard.suites import Judged
from wardlake.plural import counted

INTRODUCTION = """\
# A first draft by 'wardlake source add', from the system's catalogue or files and a sample of their rows.
# Read it before the first run: what stands here is the contract that every batch must keep.
# - pii: guessed; the reason stands behind each column. 'none' only where something speaks for it.
# - keys: the columns that name a row; where they were guessed, or none was found, a comment says so.
# - type: as the reader delivers it. Another type, order or set of columns fails the batch (contract: halt).
# - provides: none yet, so the tables land in bronze only. Name the entities when their staging models are written, and
#   let triggers_build be true from then on.
# docs/onboarding.md goes on from here; docs/sources/fields.md lists every field.
"""

PROVIDES = """\
provides: []
triggers_build: false # gold does not wait for what it is not fed by; true when 'provides' names an entity
"""


def source_yaml(header: Mapping[str, object], found: Found, judged: Sequence[Judged]) -> str:
    """The YAML of a source: `header` are its fields above `connection`."""
    parts = [INTRODUCTION, _block(header), f"connection: {_flow(found.connection)}\n", PROVIDES, "\ntables:\n"]
    parts += ["\n".join(_table(one)) + "\n" for one in judged]
    return "".join(parts)


def _table(judged: Judged) -> Iterator[str]:
    table = judged.table
    yield f"  {table.name}:"
    yield from (f"    # look at: {_comment(note)}" for note in table.notes)
    yield f"    {_block({'description': table.description}).strip()}"
    for field, value in table.reads.items():
        yield f"    {field}: {_flow(value)}"
    if "files" in table.reads:
        yield "    mode: append # each file is taken once, by its content; snapshot: each file is the whole table"
    elif not _rows(judged):
        yield "    least_rows_pct: 0 # it was empty; with rows, 60: a snapshot without them is halted then"
    yield f"    keys: {_flow(list(judged.keys.columns))}{_remark(judged.keys, judged)}"
    yield "    columns:"
    for column in table.columns:
        suggestion = judged.classes[column.name]
        spec: dict[str, object] = {"type": column.type, "pii": suggestion.pii}
        if column.path:
            spec["path"] = column.path
        if column.description:
            spec["description"] = column.description
        entry = _dump({column.name: spec}, default_flow_style=None).strip().replace("\n", "\n      ")
        yield f"      {entry} # {suggestion.reason}"
    yield ""


def _remark(keys: SuggestedKeys, judged: Judged) -> str:
    if keys.is_declared:
        return " # the system's own key"
    rows = _rows(judged)
    if not rows:
        return " # NO KEY WAS FOUND: there were no rows to look at"
    sampled = counted(rows, "sampled row")
    if not keys.is_key:
        return f" # NO KEY WAS FOUND; nearest: {keys.surplus_rows:,} of {sampled} repeat another's or have gaps"
    warning = "; WARNING: perhaps by accident, ask the system's owner" if keys.is_accident else ""
    return f" # guessed: unique and never empty in {sampled}{warning}"


def _rows(judged: Judged) -> int:
    """Rows of the sample."""
    return max((profile.rows for profile in judged.profiles.values()), default=0)


def _block(value: Mapping[str, object]) -> str:
    return _dump(value, default_flow_style=False)


def _flow(value: object) -> str:
    return _dump(value, default_flow_style=True).removesuffix("...\n").strip()


def _dump(value: object, *, default_flow_style: bool | None) -> str:
    return yaml.safe_dump(
        value, default_flow_style=default_flow_style, sort_keys=False, allow_unicode=True, width=float("inf")
    )


def _comment(text: str) -> str:
    return " ".join(text.split())
