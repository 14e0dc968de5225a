"""The metrics and the data dictionary as pages of Markdown, which `wardlake docs` writes."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from wardlake.definitions.read import Column, Table, read_tables

METRICS = """\
# Metrics

Every number of gold that a formula of the field defines: what it means, how it is computed, and who says so. The
definitions stand once, in the YAML of the gold model; this page is made from them by `wardlake docs`, and a test says
when it is out of date. A formula never changes under its name.

A rate over several days, wards or months is the sum of its numerators over the sum of its denominators, never the mean
of the rates. Empty means unknown; it is not 0.
"""

DICTIONARY = """\
# Data dictionary

Every table of silver and gold with its columns. Made from the models' YAMLs by `wardlake docs`; a test says when it is
out of date. The formulas of gold are in [metrics.md](metrics.md).
"""

SUBJECTS = {"patients": "Patients and beds", "staff": "Staff workload", "drugs": "Drug costs"}


def write_pages(dbt_dir: Path, docs_dir: Path) -> list[Path]:
    """Write `metrics.md` and `data-dictionary.md`; returns their paths."""
    tables = read_tables(dbt_dir)
    pages = {"metrics.md": metrics_page(tables), "data-dictionary.md": dictionary_page(tables)}
    for name, text in pages.items():
        (docs_dir / name).write_text(text, encoding="utf-8")
    return [docs_dir / name for name in pages]


def metrics_page(tables: list[Table]) -> str:
    """Every metric of gold, by subject and table."""
    return "\n".join([METRICS, *_metrics([table for table in tables if table.layer == "gold"])])


def dictionary_page(tables: list[Table]) -> str:
    """Every table with the names, types and meanings of its columns."""
    return "\n".join([DICTIONARY, *_dictionary(tables)])


def _metrics(tables: list[Table]) -> Iterator[str]:
    for subject, of_subject in groupby(tables, key=lambda table: table.subject):
        yield f"## {SUBJECTS.get(subject, subject.capitalize())}\n"
        for table in of_subject:
            metrics = [column for column in table.columns if column.is_metric]
            if metrics:
                yield f"### gold.{table.name}\n\n{table.description}\n"
                yield from (_metric(column) for column in metrics)


def _metric(column: Column) -> str:
    meta = column.meta
    lines = [f"**`{column.name}`** ({meta.get('unit', '')}): {column.description}\n", f"- formula: {meta['formula']}"]
    if "numerator" in meta:
        lines.append(f"- numerator: {meta['numerator']}; denominator: {meta.get('denominator', '')}")
    authority = f"[{meta['authority']}]({meta['address']})" if meta.get("address") else meta["authority"]
    lines.append(f"- authority: {authority}, reviewed on {meta.get('reviewed_on', '')}; owner: {meta.get('owner', '')}")
    return "\n".join(lines) + "\n"


def _dictionary(tables: list[Table]) -> Iterator[str]:
    for table in tables:
        yield f"## {table.layer}.{table.name}\n\n{table.description}\n"
        if table.grain:
            yield f"One row for each: {', '.join(f'`{name}`' for name in table.grain)}.\n"
        rows = [f"| `{column.name}` | {column.data_type} | {_cell(column.description)} |" for column in table.columns]
        yield "\n".join(["| column | type | meaning |", "|---|---|---|", *rows]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
