"""A clean reference hospital, extracted to bronze once and kept as tables into which defects are planted."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from wardlake.bronze import current_batches, extract_table
from wardlake.lake import Lake
from wardlake.quality.judge import create_views
from wardlake.reference import load_reference
from wardlake.settings import Settings
from wardlake.sources import Source, load_sources
from wardlake.sql import as_name
from wardlake.warehouse.connection import connect
from wardlake.window import Window

SOURCES = ("reference", "reference_pharmacy")
WINDOW = Window.parse("2026-01-01/2026-01-02")
PATIENTS = 300
CLEAN, CHANGED = "clean", "changed"


@contextmanager
def clean_hospital(settings: Settings, pg_uri: str, patients: int = PATIENTS) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the current rows of every table, named as rules name them: views on tables of schema `clean`.

    Raises:
        PassingError: the database or the store does not answer.
        PermanentError: the database holds something else.
    """
    load_reference(settings, pg_uri, patients=patients, is_clean=True)
    lake = Lake(settings)
    with connect(settings) as connection:
        connection.execute(f"CREATE SCHEMA {CLEAN}; CREATE SCHEMA {CHANGED}")
        for source in reference_sources(settings):
            for table in source.tables:
                extract_table(settings, source, table, WINDOW, pg_uri if source.name == "reference" else None)
            current = {table: current_batches(settings, lake, source, table) for table in source.tables}
            create_views(settings, connection, source, current)
            for table in source.tables:
                connection.execute(f"CREATE TABLE {CLEAN}.{as_name(table)} AS FROM {as_name(table)}")
                show(connection, CLEAN, table)
        yield connection


def reference_sources(settings: Settings) -> list[Source]:
    """The sources of the hospital."""
    sources = load_sources(settings)
    return [sources[name] for name in SOURCES]


def show(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    """Let rules read the table of this schema."""
    connection.execute(f"CREATE OR REPLACE VIEW {as_name(table)} AS FROM {schema}.{as_name(table)}")
