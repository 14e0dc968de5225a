"""What the extracting tasks tell Airflow: counts, ids and names of columns, never a value of the data."""

from collections.abc import Mapping

from airflow.sdk import Context

from wardlake.bronze import Extraction, Manifest

UNITS = ("B", "kB", "MB", "GB", "TB")


def told(extraction: Extraction) -> dict[str, object]:
    """The result of a task that extracted a table, as it stands in its XCom."""
    manifest = extraction.manifest
    return {
        "table": manifest.table,
        "batch_id": manifest.batch_id,
        "rows": manifest.lake_rows,
        "bytes": manifest.bytes,
        "is_new": extraction.is_new,
        "arrived": manifest.arrived,
        "schema_changes": manifest.schema_changes,
        "refused_files": len(manifest.refused),
        "reconciled": _reconciled(manifest),
        **({"comparison": manifest.comparison.model_dump()} if manifest.comparison else {}),
    }


def show(context: Context, table: str, result: Mapping[str, object]) -> None:
    """Give the mapped task its label in the UI: table, rows, size, and what deserves a look."""
    manifest_rows, size = int(str(result["rows"])), int(str(result["bytes"]))
    parts = [f"{table}: {manifest_rows:,} rows", _size(size)]
    if not result["arrived"]:
        parts.append("nothing arrived")
    if changes := result["schema_changes"]:
        parts.append(f"{len(changes)} schema changes")  # type: ignore[arg-type]
    if result["refused_files"]:
        parts.append(f"{result['refused_files']} files set aside")
    context["label"] = ", ".join(parts)  # type: ignore[typeddict-unknown-key]


def _reconciled(manifest: Manifest) -> str:
    if manifest.checksum:
        return "row count and checksum agree with the source"
    return "row count agrees with the source"


def _size(size: float) -> str:
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit ends the loop")
