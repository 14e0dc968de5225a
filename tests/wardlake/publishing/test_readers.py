"""Readers of every kind, in processes of their own, while publications come and fail: no error, no mixture, no wait."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from publishing_warehouse import new_build
from pydantic import SecretStr

from wardlake.errors import PassingError
from wardlake.publish import publish
from wardlake.settings import Settings

KINDS = ("duckdb", "psycopg", "sqlalchemy", "duckdb_iceberg", "pyiceberg")
PUBLICATIONS = 4
LONGEST_WAIT_S = 10
"""Far above what a reading takes on a busy machine, far below `lock_wait_s`, for which a blocked reader would wait."""


def rows_of(number: int) -> int:
    """Each build has another number of rows, so that a part of a table is found out."""
    return 20_000 + number


def publish_or_fail(settings: Settings, number: int) -> None:
    """Every second publication fails at its last place, and is completed by trying again."""
    new_build(settings, number, rows=rows_of(number))
    if number % 2 == 0:
        nobody = SecretStr("postgresql://nobody@127.0.0.1:9/gold")
        with pytest.raises(PassingError):
            publish(settings.model_copy(update={"gold_postgres_uri": nobody}))
    publish(settings)


@pytest.mark.timeout(300)
def test_readers_are_never_shown_a_mixture_nor_an_error_nor_kept_waiting(hospital: Settings, tmp_path: Path) -> None:
    publish_or_fail(hospital, 1)
    stop = tmp_path / "stop"
    readers = {
        kind: subprocess.Popen(
            [sys.executable, Path(__file__).with_name("gold_reader.py"), kind, stop],
            env=hospital.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kind in KINDS
    }
    try:
        for kind, process in readers.items():
            assert process.stdout
            assert process.stdout.readline() == "ready\n", (kind, process.communicate()[1])
        for number in range(2, PUBLICATIONS + 1):
            publish_or_fail(hospital, number)
    finally:
        stop.touch()
        ended = {kind: process.communicate(timeout=60) for kind, process in readers.items()}
    for kind, (out, told) in ended.items():
        assert readers[kind].returncode == 0, (kind, told)
        readings = json.loads(out)
        for seen, _ in readings:
            assert seen == [seen[0], seen[0], rows_of(seen[0])] * 2, kind
        numbers = [seen[0] for seen, _ in readings]
        assert numbers == sorted(numbers), kind
        assert len(set(numbers)) > 1, kind
        assert max(seconds for _, seconds in readings) < LONGEST_WAIT_S, kind
