"""A small reference hospital in DuckDB, made once; tests only read it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import duckdb
import pytest

from wardlake.reference.generate import generate

PATIENTS = 500
SEED = 20250101

Maker = Callable[..., AbstractContextManager[duckdb.DuckDBPyConnection]]


@contextmanager
def make(patients: int = PATIENTS, seed: int = SEED, threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """A generated hospital in memory."""
    with duckdb.connect(config={"threads": threads, "memory_limit": "1GB"}) as engine:
        generate(engine, patients=patients, seed=seed)
        yield engine


@pytest.fixture(scope="session")
def hospital() -> Iterator[duckdb.DuckDBPyConnection]:
    """500 patients, the default seed."""
    with make() as engine:
        yield engine


@pytest.fixture(scope="session")
def maker() -> Maker:
    """Makes a hospital of another size or seed."""
    return make
