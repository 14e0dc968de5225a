"""Gold in PostgreSQL: who may read what, and readers that are never blocked nor shown a mixture."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import IsolationLevel, errors, sql
from publishing_warehouse import new_build, write_manifest

from wardlake.errors import PassingError, PermanentError
from wardlake.publish import publish
from wardlake.settings import Settings

WITH_NOTE = {"notes": "select 1::bigint as build, 'a'::varchar as note"}
OTHER_NOTE = {"notes": "select 2::bigint as build, date '2026-01-01' as note, 1::integer as more"}


@pytest.fixture
def published(hospital: Settings) -> Settings:
    """A hospital whose first build was published, to PostgreSQL only."""
    only = hospital.model_copy(update={"catalog": "none", "lock_wait_s": 20})
    new_build(only, 1, WITH_NOTE)
    publish(only)
    return only


@contextmanager
def reading_as(address: str, role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        yield connection


def test_the_reader_reads_gold_and_nothing_else(published: Settings, address: str) -> None:
    with psycopg.connect(address) as owner:
        owner.execute("create schema silver; create table silver.patients as select 'Ada' as given_name")
        owner.execute("create table public.secrets as select 1 as n")
    with reading_as(address, published.gold_reader_role) as reader:
        assert reader.execute("select count(*) from gold.census").fetchone() == (500,)
        assert reader.execute("select count(*) from gold_wide.costs").fetchone() == (500,)
        for forbidden in (
            "select * from silver.patients",
            "select * from public.secrets",
            "delete from gold.census",
            "create table gold.mine (n int)",
            "create table public.mine (n int)",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                reader.execute(forbidden)


def test_wide_readers_see_what_is_marked_for_them(published: Settings, address: str) -> None:
    with reading_as(address, published.wide_reader_role) as reader:
        assert reader.execute("select max(build) from gold_wide.costs").fetchone() == (1,)
        for forbidden in ("select * from gold.costs", "select * from gold_wide.census"):
            with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedTable)):
                reader.execute(forbidden)
        new_build(published, 2, WITH_NOTE)
        write_manifest(published, ["census", "costs", "notes"], wide=("census",))
        publish(published)
        assert reader.execute("select max(build) from gold_wide.census").fetchone() == (2,)
        with pytest.raises(errors.UndefinedTable):
            reader.execute("select * from gold_wide.costs")


def test_a_transaction_sees_one_publication_from_beginning_to_end(published: Settings, address: str) -> None:
    with psycopg.connect(address) as reader:
        reader.isolation_level = IsolationLevel.REPEATABLE_READ
        assert reader.execute("select max(build), count(*) from gold.census").fetchone() == (1, 500)
        new_build(published, 2, WITH_NOTE)
        publish(published)
        assert reader.execute("select max(build), count(*) from gold.costs").fetchone() == (1, 500)
        reader.commit()
        assert reader.execute("select max(build), count(*) from gold.costs").fetchone() == (2, 500)


def test_a_publication_that_breaks_off_at_its_end_has_changed_nothing(
    published: Settings, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> None:
        raise errors.AdminShutdown

    new_build(published, 2, OTHER_NOTE, rows=3)
    monkeypatch.setattr("wardlake.publishing.postgres._grant", break_off)
    with pytest.raises(PassingError, match="closed the connection"):
        publish(published)
    with psycopg.connect(address) as reader:
        for table, rows in (("census", 500), ("costs", 500), ("notes", 1)):
            assert reader.execute(f"select max(build), count(*) from gold.{table}").fetchone() == (1, rows)


def test_views_and_grants_of_others_stay(published: Settings, address: str) -> None:
    with psycopg.connect(address) as owner:
        owner.execute("create view public.mine as select max(build) as build from gold.census")
    new_build(published, 2, WITH_NOTE)
    publish(published)
    with psycopg.connect(address) as owner:
        assert owner.execute("select build from public.mine").fetchone() == (2,)


def test_a_table_with_other_columns_is_exchanged(published: Settings, address: str) -> None:
    new_build(published, 2, OTHER_NOTE)
    publish(published)
    with reading_as(address, published.gold_reader_role) as reader:
        cursor = reader.execute("select * from gold.notes")
        assert [column.name for column in cursor.description or []] == ["build", "note", "more"]
        assert len(cursor.fetchall()) == 1


def test_a_table_that_gold_no_longer_has_leaves(published: Settings, address: str) -> None:
    new_build(published, 2)
    publish(published)
    with reading_as(address, published.gold_reader_role) as reader:
        tables = reader.execute("select tablename from pg_tables where schemaname = 'gold' order by 1").fetchall()
        assert tables == [("census",), ("costs",), ("publication",)]


def test_an_object_of_somebody_else_that_is_in_the_way_is_named(published: Settings, address: str) -> None:
    with psycopg.connect(address) as owner:
        owner.execute("create view public.mine as select note from gold.notes")
    new_build(published, 2, OTHER_NOTE)
    with pytest.raises(PermanentError, match=r"view mine depends on .*notes.*Drop what uses"):
        publish(published)
    with psycopg.connect(address) as owner:
        assert owner.execute("select max(build) from gold.census").fetchone() == (1,)


def test_a_long_reader_of_a_changed_table_is_waited_for_and_others_are_not_held_up(
    published: Settings, address: str
) -> None:
    new_build(published, 2, OTHER_NOTE)
    ended = threading.Event()
    with psycopg.connect(address) as long_reader, reading_as(address, published.gold_reader_role) as other:
        long_reader.execute("select * from gold.notes")
        publisher = threading.Thread(target=lambda: (publish(published), ended.set()))
        publisher.start()
        waits = []
        until = time.monotonic() + 5
        while time.monotonic() < until:
            begun = time.monotonic()
            assert other.execute("select build from gold.notes").fetchone() == (1,)
            waits.append(time.monotonic() - begun)
        assert not ended.is_set()
        assert max(waits) < 2
        long_reader.rollback()
        publisher.join(60)
        assert other.execute("select build from gold.notes").fetchone() == (2,)


def test_a_table_in_use_all_the_time_is_told(published: Settings, address: str) -> None:
    new_build(published, 2, OTHER_NOTE)
    with psycopg.connect(address) as reader:
        reader.execute("select * from gold.notes")
        with pytest.raises(PassingError, match="in use all the time"):
            publish(published.model_copy(update={"lock_wait_s": 1}))
        assert reader.execute("select max(build) from gold.census").fetchone() == (1,)


def test_a_publisher_that_may_not_make_roles_is_told_which(published: Settings, address: str) -> None:
    name = f"publisher_{published.gold_reader_role}"
    with psycopg.connect(address) as owner:
        for statement in (
            "create role {0}",
            "alter schema gold owner to {0}",
            "alter schema gold_wide owner to {0}",
            "grant create on database {1} to {0}",
        ):
            names = sql.Identifier(name), sql.Identifier(owner.info.dbname)
            owner.execute(sql.SQL(statement).format(*names))
    try:
        new_build(published, 2, WITH_NOTE)
        limited = published.model_copy(
            update={
                "gold_postgres_uri": type(published.gold_postgres_uri)(f"{address}&options=-c%20role%3D{name}"),
                "gold_reader_role": "nobody_has_made_me",
            }
        )
        with pytest.raises(PermanentError, match=r"permission denied.*nobody_has_made_me"):
            publish(limited)
    finally:
        with psycopg.connect(address) as owner:
            owner.execute(sql.SQL("drop owned by {0} cascade; drop role {0}").format(sql.Identifier(name)))
