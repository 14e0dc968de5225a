"""A warehouse without dbt, published to a DuckDB file, Iceberg tables and PostgreSQL."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from wardlake.settings import Settings


@contextmanager
def publishing_everywhere(settings: Settings, database: str) -> Iterator[Settings]:
    """Settings that publish to all three places, with roles of their own: a server's roles outlive its databases."""
    name = uuid.uuid4().hex[:8]
    roles = {"gold_reader_role": f"bi_{name}", "wide_reader_role": f"wide_{name}"}
    yield settings.model_copy(update={"gold_postgres_uri": SecretStr(database), **roles})
    with psycopg.connect(database) as connection:
        for role in roles.values():
            if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))


@pytest.fixture
def hospital(settings: Settings, database: str) -> Iterator[Settings]:
    """A hospital of this test's own, published everywhere."""
    with publishing_everywhere(settings, database) as everywhere:
        yield everywhere


@pytest.fixture(scope="module")
def module_hospital(module_settings: Settings, module_database: str) -> Iterator[Settings]:
    """A hospital that the tests of a module share, published everywhere."""
    with publishing_everywhere(module_settings, module_database) as everywhere:
        yield everywhere


@pytest.fixture
def address(database: str) -> str:
    """Address of the PostgreSQL database that gold is published to."""
    return database
