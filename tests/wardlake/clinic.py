"""A small clinic for the tests: one PostgreSQL table, one kind of CSV file."""

from datetime import date

import psycopg

from wardlake.sources import Source
from wardlake.window import Window

DAY = Window.of_day(date(2026, 1, 1))
NEXT_DAY = Window.of_day(date(2026, 1, 2))
FACILITY = {"id": "clinic", "name": "Clinic", "timezone": "Europe/Berlin", "currency": "EUR"}
WARD_COLUMNS = {"ward_cd": "VARCHAR", "beds": "INTEGER", "rate": "DECIMAL(38,10)"}


def ward_source(relation: str = "adt.ward", **columns: str) -> Source:
    """A PostgreSQL source with one table `ward`."""
    return Source.model_validate(
        {
            "name": "clinic",
            "description": "Wards of a small clinic.",
            "owner": "data team",
            "facility": FACILITY,
            "connection": {"kind": "postgres", "conn_id": "clinic_db"},
            "provides": ["wards"],
            "tables": {
                "ward": {
                    "description": "Wards.",
                    "relation": relation,
                    "keys": ["ward_cd"],
                    "columns": {
                        name: {"type": type_, "pii": "none"} for name, type_ in (columns or WARD_COLUMNS).items()
                    },
                }
            },
        }
    )


def price_source() -> Source:
    """A source of CSV files with one table `price`."""
    return Source.model_validate(
        {
            "name": "pharmacy",
            "description": "Price lists.",
            "owner": "pharmacy",
            "facility": FACILITY,
            "connection": {"kind": "landing", "prefix": "pharmacy/"},
            "provides": ["drug_prices"],
            "tables": {
                "price": {
                    "description": "Prices.",
                    "files": {"pattern": "price_*.csv", "format": "csv", "delimiter": ";", "header_row": 2},
                    "mode": "append",
                    "keys": ["Drug"],
                    "columns": {
                        "Drug": {"type": "VARCHAR", "pii": "none"},
                        "Price": {"type": "VARCHAR", "pii": "none"},
                    },
                }
            },
        }
    )


def create_wards(database: str) -> None:
    """Three wards in the table `adt.ward`."""
    with psycopg.connect(database) as connection:
        connection.execute("create schema adt")
        connection.execute("create table adt.ward (ward_cd text primary key, beds int, rate numeric)")
        connection.execute("insert into adt.ward values ('W2', 20, 0.5), ('W1', 10, null), ('W3', 0, 12.25)")
