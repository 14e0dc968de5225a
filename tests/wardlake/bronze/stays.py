"""An incremental table of a small clinic: stays, found by when they were changed."""

from datetime import UTC, date, datetime, timedelta

import psycopg
from clinic import FACILITY

from wardlake.bronze import current_batches, current_query, extract_table
from wardlake.lake import Lake
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.warehouse import connect
from wardlake.window import Window

COLUMNS = {"id": "BIGINT", "ward": "VARCHAR", "changed": "TIMESTAMP WITH TIME ZONE"}


def day(number: int) -> Window:
    """A day of January 2026."""
    return Window.of_day(date(2026, 1, number))


def at(day_of_month: int, hour: int = 0) -> datetime:
    """A moment of January 2026."""
    return datetime(2026, 1, day_of_month, hour, tzinfo=UTC)


def stay_source(**table: object) -> Source:
    """A PostgreSQL source with one table `stay`, incremental unless `table` says otherwise."""
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "Stays of a small clinic.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "postgres", "conn_id": "clinic_db"},
            "provides": ["ward_stays"],
            "tables": {
                "stay": {
                    "description": "Stays.",
                    "relation": "adt.stay",
                    "mode": "incremental",
                    "cursor": {"column": "changed", "look_back": timedelta(hours=2)},
                    "keys": ["id"],
                    "columns": {name: {"type": type_, "pii": "none"} for name, type_ in COLUMNS.items()},
                    **table,
                }
            },
        }
    )


class Clinic:
    """The clinic's database and what the lake makes of it."""

    def __init__(self, settings: Settings, database: str, source: Source) -> None:
        self.settings, self.database, self.source = settings, database, source
        with psycopg.connect(database) as connection:
            connection.execute("create schema adt")
            connection.execute("create table adt.stay (id bigint, ward text, changed timestamptz)")

    def change(self, sql: str, *values: object) -> None:
        """Run a statement at the source."""
        with psycopg.connect(self.database) as connection:
            connection.execute(sql, values)  # type: ignore[arg-type]

    def put(self, id_: int | None, ward: str, changed: datetime | None) -> None:
        """Replace a stay."""
        self.change("delete from adt.stay where id = %s", id_)
        self.change("insert into adt.stay values (%s, %s, %s)", id_, ward, changed)

    def extract(self, number: int) -> int:
        """Extract a day; returns how many rows its batch has."""
        return extract_table(self.settings, self.source, "stay", day(number), self.database).manifest.lake_rows

    def lake_rows(self) -> list[tuple[object, ...]]:
        """The stays that the lake has now."""
        manifests = current_batches(self.settings, Lake(self.settings), self.source, "stay")
        query = current_query(self.settings, self.source.tables["stay"], manifests)
        with connect(self.settings) as engine:
            return engine.execute(f"SELECT id, ward FROM ({query}) ORDER BY ALL").fetchall()
