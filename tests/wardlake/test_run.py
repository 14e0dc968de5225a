"""The whole way in one process, with a small reference hospital on real servers: counts, kills, refusals."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from gold_readers import gold_of
from pydantic import SecretStr

from wardlake.bronze import current_batches
from wardlake.errors import PassingError, PermanentError
from wardlake.lake import Lake
from wardlake.publish import current_publication
from wardlake.quality import suite_for, verdict_of
from wardlake.query import query
from wardlake.reference import PLANTED, load_reference
from wardlake.run import STAGES, RunSummary, run
from wardlake.settings import Settings
from wardlake.sources import Source, active_sources
from wardlake.warehouse import connect
from wardlake.window import Window

PATIENTS = 200
WINDOW = Window.parse("2026-01-01/2026-01-02")
SOURCES = ("reference", "reference_pharmacy")
EXPECTED_ROWS = Path(__file__).with_name("expected_rows.json")
"""Rows of silver and gold with these patients and the default seed; the diff shows what a change of models does."""


@pytest.fixture(scope="module")
def loaded(module_settings: Settings, module_database: str) -> Settings:
    """Settings of a hospital whose database and landing files are filled, and which no run has touched."""
    ready = module_settings.model_copy(
        update={"sources": SOURCES, "connections": {"reference_db": SecretStr(module_database)}, "lock_wait_s": 20}
    )
    load_reference(ready, module_database, patients=PATIENTS)
    return ready


@pytest.fixture(scope="module")
def first_run(loaded: Settings) -> tuple[Settings, RunSummary]:
    """A hospital after one undisturbed run; tests that run it again add nothing."""
    settings = elsewhere(loaded, "first")
    return settings, run(settings, active_sources(settings), WINDOW)


@pytest.fixture
def published(first_run: tuple[Settings, RunSummary]) -> Settings:
    """Settings of a hospital whose gold was published by one undisturbed run."""
    return first_run[0]


def elsewhere(loaded: Settings, name: str) -> Settings:
    """The same hospital with an empty lake and an empty warehouse of its own."""
    settings = loaded.model_copy(
        update={"home": loaded.home.with_name(name), "bucket_prefix": f"{loaded.bucket_prefix}-{name}"}
    )
    source, target = Lake(loaded), settings.bucket("landing")
    Lake(settings).ensure_buckets()
    bucket = loaded.bucket("landing")
    for key in source.list(bucket):
        source.client.copy_object(Bucket=target, Key=key, CopySource={"Bucket": bucket, "Key": key})
    return settings


def start_run(settings: Settings) -> subprocess.Popen[str]:
    """`wardlake run` as a user starts it."""
    return subprocess.Popen(
        [Path(sys.executable).with_name("wardlake"), "run", "--window", "2026-01-01/2026-01-02"],
        env=settings.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_counts_reconcile_and_exactly_the_planted_rows_are_found(first_run: tuple[Settings, RunSummary]) -> None:
    settings, summary = first_run
    sources = active_sources(settings)
    assert summary.build is not None
    assert summary.report is not None
    assert summary.report.exists()
    exposed = {(one.source, one.table): one for one in summary.build.exposed}
    assert set(exposed) == {(source.name, table) for source in sources for table in source.tables}
    for one in exposed.values():
        assert one.source_rows == one.bronze_rows > 0, one
    planted = {
        (rule, action, *(str(value) for value in row.key.values()))
        for row in PLANTED
        for rule, action in ((row.rule_id, row.action), *((rule, "warn") for rule in row.also))
    }
    assert flagged_rows(settings, sources) == planted


def test_every_table_has_the_rows_that_git_has_for_this_hospital(first_run: tuple[Settings, RunSummary]) -> None:
    publication = first_run[1].publication
    assert publication is not None
    assert publication.tables == json.loads(EXPECTED_ROWS.read_text())


def flagged_rows(settings: Settings, sources: list[Source]) -> set[tuple[str, ...]]:
    """Rule, action and business key of every row that a verdict names."""
    lake = Lake(settings)
    key_of = {
        rule: ", ".join(f'b."{column}"' for column in row.key) for row in PLANTED for rule in (row.rule_id, *row.also)
    }
    found: set[tuple[str, ...]] = set()
    with connect(settings) as engine:
        for source in sources:
            for table in source.tables:
                version = suite_for(settings, source, table).version
                for manifest in current_batches(settings, lake, source, table):
                    verdict = verdict_of(lake, settings, manifest, version)
                    assert verdict is not None
                    if verdict.verdict_key is None:
                        continue
                    verdicts = Lake.url(settings.bucket("quality"), verdict.verdict_key)
                    parts = [Lake.url(settings.bucket("bronze"), file.key) for file in manifest.files]
                    rules = engine.execute(f"select distinct rule_id from '{verdicts}'").fetchall()
                    for (rule_id,) in rules:
                        rows = engine.execute(
                            f"select v.rule_id, v.action, {key_of.get(rule_id, 'b._row_id')} "
                            f"from '{verdicts}' v join read_parquet({parts}) b using (_row_id) where v.rule_id = ?",
                            [rule_id],
                        ).fetchall()
                        found |= {tuple(str(value) for value in row) for row in rows}
    return found


def test_a_second_run_adds_nothing(first_run: tuple[Settings, RunSummary]) -> None:
    settings, first = first_run
    sources = active_sources(settings)
    before = gold_of(settings)
    second = run(settings, sources, WINDOW)
    assert [one.is_new for one in first.extractions] == [True] * sum(len(source.tables) for source in sources)
    assert [one.is_new for one in second.extractions] == [False] * len(first.extractions)
    assert gold_of(settings) == before


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stage", STAGES)
def test_a_run_killed_at_any_stage_and_run_again_gives_the_same_gold(
    loaded: Settings, published: Settings, stage: str
) -> None:
    settings = elsewhere(loaded, f"killed-{stage}")
    kill_in(settings, stage)
    again = start_run(settings)
    _, told = again.communicate()
    assert again.returncode == 0, told
    assert gold_of(settings) == gold_of(published)


def kill_in(settings: Settings, stage: str) -> None:
    """Start a run and kill it with SIGKILL after the second step of a stage, or when a short stage begins."""
    process = start_run(settings)
    assert process.stdout is not None
    seen = (line for line in process.stdout if line.startswith(f"{stage} "))
    assert next(seen, None), f"the run ended before {stage}"
    if stage in ("extract", "validate", "build"):
        next(seen, None)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_gold_stays_as_it_was_when_a_batch_is_halted(settings: Settings, database: str) -> None:
    hospital = settings.model_copy(
        update={"sources": SOURCES, "connections": {"reference_db": SecretStr(database)}, "lock_wait_s": 20}
    )
    load_reference(hospital, database, patients=PATIENTS)
    sources = active_sources(hospital)
    run(hospital, sources, WINDOW)
    before, publication = gold_of(hospital), current_publication(hospital)
    with psycopg.connect(database) as connection:
        connection.execute("delete from hr.timeclock")
    told = r"reference\.timeclock, batch .*no_rows.*halted\.html.*Published gold stays as it was"
    with pytest.raises(PermanentError, match=told):
        run(hospital, sources, Window.parse("2026-01-02/2026-01-03"))
    assert gold_of(hospital) == before
    assert current_publication(hospital) == publication


def test_only_one_run_at_a_time(loaded: Settings) -> None:
    hospital = elsewhere(loaded, "busy")
    process = start_run(hospital)
    assert process.stdout is not None
    assert next(line for line in process.stdout if line.startswith("extract "))
    with pytest.raises(PassingError, match="under way"):
        run(hospital, active_sources(hospital), WINDOW)
    _, told = process.communicate()
    assert process.returncode == 0, told


def test_published_tables_can_be_read_while_a_run_is_under_way(published: Settings) -> None:
    expected = query(published, "select count(*) as n from gold.encounter_facts").n[0]
    process = start_run(published)
    reads = [query(published, "select count(*) as n from gold.encounter_facts").n[0] for _ in iterate_lines(process)]
    _, told = process.communicate()
    assert process.returncode == 0, told
    assert len(reads) > len(STAGES)
    assert set(reads) == {expected}


def iterate_lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    yield from process.stdout


def test_a_query_reads_nothing_but_what_was_published(published: Settings) -> None:
    for sql in (
        "select * from read_text('/etc/hostname')",
        f"attach '{published.warehouse_path}' as w",
        "create table gold.mine as select 1 as n",
        "set enable_external_access = true",
    ):
        with pytest.raises(PermanentError, match="query failed"):
            query(published, sql)
