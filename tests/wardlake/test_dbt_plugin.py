"""No value of the data in the errors that dbt shows."""

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError

from wardlake.warehouse.dbt_plugin import without_values_in_errors


class Manager:
    """What the handler needs of dbt's connection manager."""

    def rollback_if_open(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    "sql",
    [
        "select patient::int from (values ('Wang-7731')) as t (patient)",
        "select strptime(patient, '%Y') from (values ('Wang-7731')) as t (patient)",
        "insert into patients values ('Wang-7731')",
        "select 'Wang-7731'::date",
        "select 77318888888::int",
    ],
)
def test_a_value_that_duckdb_chokes_on_is_not_shown(sql: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table patients (name varchar primary key)")
        connection.execute("insert into patients values ('Wang-7731')")
        with pytest.raises(DbtRuntimeError) as raised, without_values_in_errors(Manager(), sql):
            connection.execute(sql)
    chain, messages = raised.value, []
    while chain is not None:
        messages.append(str(chain))
        chain = chain.__cause__
    assert "7731" not in " ".join(messages)
    assert "Error" in messages[0]


def test_the_name_of_a_missing_column_is_shown() -> None:
    with (
        duckdb.connect() as connection,
        pytest.raises(DbtRuntimeError, match='"ward_cd"'),
        without_values_in_errors(Manager(), ""),
    ):
        connection.execute("select ward_cd from (select 1 as bed)")
