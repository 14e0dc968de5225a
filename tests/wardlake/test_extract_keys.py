"""Keys that are compared to find deleted rows: all of them, as the contract's types, or no batch."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from bronze.stays import Clinic, at, stay_source

from wardlake.bronze.readers.postgres import PostgresSession
from wardlake.bronze.relation import Relation, Request
from wardlake.errors import PermanentError
from wardlake.settings import Settings


def test_keys_that_do_not_all_arrive_are_no_deleted_rows(
    settings: Settings, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = Clinic(settings, database, stay_source(deletes="compare_keys"))
    for number in (1, 2, 3):
        clinic.put(number, "A", at(1, number))
    clinic.extract(1)
    with monkeypatch.context() as patched:
        patched.setattr(PostgresSession, "read", _losing_a_key(PostgresSession.read))
        with pytest.raises(PermanentError, match=r"clinic\.stay, batch .*: the source has 3 keys, 2 reached the lake"):
            clinic.extract(2)
    assert clinic.lake_rows() == [(1, "A"), (2, "A"), (3, "A")]


def test_keys_of_another_type_than_the_contract_are_compared_as_its_type(settings: Settings, database: str) -> None:
    clinic = Clinic(settings, database, stay_source(deletes="compare_keys", contract="evolve"))
    clinic.change("alter table adt.stay alter id type text")
    for number in (1, 2):
        clinic.change("insert into adt.stay values (%s, 'A', %s)", str(number), at(1, number))
    clinic.extract(1)
    clinic.change("delete from adt.stay where id = '2'")
    clinic.extract(2)
    assert clinic.lake_rows() == [(1, "A")]


def _losing_a_key(
    read: Callable[[PostgresSession, Request], Relation],
) -> Callable[[PostgresSession, Request], Relation]:
    def losing(session: PostgresSession, request: Request) -> Relation:
        relation = read(session, request)
        if request.columns is None:
            return relation
        chunks = tuple(f"SELECT * FROM ({chunk}) WHERE id <> 2" for chunk in relation.chunks)
        return replace(relation, chunks=chunks)

    return losing
