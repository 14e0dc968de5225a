"""Batches and suites made in a test, without a hospital."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from wardlake.bronze import Manifest
from wardlake.bronze.manifest import BronzeColumn, BronzeFile, TakenFile, batch_id_of, batch_prefix, commit
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.window import Window

DAY = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
NEXT_DAY = Window(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))


def rule(
    name: str,
    type_: str,
    action: str = "warn",
    table: str = "stay",
    *,
    threshold_pct: float = 0,
    halt_above_pct: float | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """An expectation as it stands in a suite."""
    meta: dict[str, Any] = {
        "rule_id": f"clinic.{table}.{name}",
        "dimension": "conformance",
        "severity": "warning",
        "action": action,
        "why": "Because the test says so.",
        "owner": "data team",
        "threshold_pct": threshold_pct,
        "threshold_why": "Because the test says so.",
    }
    if halt_above_pct is not None:
        meta["halt_above_pct"] = halt_above_pct
    return {"type": type_, "kwargs": kwargs, "meta": meta}


def query(name: str, sql: str, action: str = "warn", table: str = "stay") -> dict[str, Any]:
    """A rule that is a query for the rows that break it."""
    return rule(name, "unexpected_rows_expectation", action, table, unexpected_rows_query=sql)


def clinic(**tables: dict[str, str]) -> Source:
    """A source `clinic` with these tables: name -> column -> DuckDB type."""
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "A small clinic.",
            "owner": "data team",
            "facility": {"id": "clinic", "name": "Clinic", "timezone": "Europe/Berlin", "currency": "EUR"},
            "connection": {"kind": "postgres", "conn_id": "clinic_db"},
            "provides": ["wards"],
            "tables": {
                name: {
                    "description": name,
                    "relation": f"adt.{name}",
                    "keys": [next(iter(columns))],
                    "columns": {column: {"type": type_, "pii": "none"} for column, type_ in columns.items()},
                }
                for name, columns in tables.items()
            },
        }
    )


@dataclass(frozen=True)
class Quality:
    """A lake of this test's own, and settings whose suites are this test's own."""

    settings: Settings
    lake: Lake

    def suite(self, table: str, *rules: dict[str, Any], source: str = "clinic", **meta: Any) -> None:
        """Write the suite of a table, with this meta of its own."""
        path = self.settings.suites_dir / source / f"{table}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"name": f"{source}.{table}", "expectations": list(rules), "meta": meta}))

    def batch(
        self,
        table: str,
        rows: str,
        *,
        source: str = "clinic",
        window: Window = DAY,
        taken: tuple[TakenFile, ...] | None = None,
        same_as: str | None = None,
    ) -> Manifest:
        """Commit a batch that holds the rows of a query, in its order, numbered from 1."""
        batch_id = batch_id_of(source, table, window)
        key = batch_prefix(source, table, batch_id) + "part-0-00000.parquet"
        path = self.settings.home / f"{batch_id}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            described = connection.execute(f"DESCRIBE {rows}").fetchall()
            connection.execute(
                f"""
                COPY (
                    SELECT row_number() OVER () AS _row_id, *, '{batch_id}' AS _batch_id, '{source}' AS _source,
                        now() AS _extracted_at
                    FROM ({rows})
                ) TO '{path}' (FORMAT parquet)
                """
            )
            count = connection.execute(f"SELECT count(*) FROM '{path}'").fetchall()[0][0]
        bucket = self.settings.bucket("bronze")
        self.lake.upload(path, bucket, key)
        manifest = Manifest(
            source=source,
            table=table,
            mode="snapshot" if taken is None else "append",
            batch_id=batch_id,
            window_start=window.start,
            window_end=window.end,
            source_rows=count,
            lake_rows=count,
            columns=[BronzeColumn(name=name, type=type_) for name, type_, *_ in described],
            files=[BronzeFile(key=key, sha256="0" * 64, bytes=path.stat().st_size, rows=count)],
            taken=list(taken or ()),
            same_as=same_as,
            extracted_at=datetime.now(UTC),
            code_version="test",
        )
        assert commit(self.lake, bucket, manifest)
        return manifest

    def flagged(self, verdict_key: str | None) -> list[tuple[int, str, str]]:
        """The rows of a verdict, in order: row id, the rule's own name, action."""
        if verdict_key is None:
            return []
        path = self.settings.home / "verdicts.parquet"
        self.lake.download(self.settings.bucket("quality"), verdict_key, path)
        with duckdb.connect() as connection:
            return connection.execute(
                f"SELECT _row_id, split_part(rule_id, '.', 3), action FROM '{path}' ORDER BY ALL"
            ).fetchall()


@pytest.fixture
def quality(settings: Settings, tmp_path: Path) -> Quality:
    """A lake and suites of this test's own."""
    own = settings.model_copy(update={"project_root": tmp_path / "project"})
    return Quality(own, Lake(own))


@pytest.fixture
def hospital(settings: Settings) -> Quality:
    """A lake of this test's own with the repository's suites."""
    return Quality(settings, Lake(settings))


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Makers of rules, sources and windows."""
    return SimpleNamespace(rule=rule, query=query, clinic=clinic, next_day=NEXT_DAY)
