"""
# Extract a hospital system into bronze

One DAG for each active YAML in `dags/sources/`; a new hospital system needs no line here.

1. **read_together**, if the source is a database that can do so and its YAML says `consistent`: reads all tables in one
   transaction, so that they show one moment, and commits their batches. A table that fails is left to its own task.
2. **extract**, one mapped task for each table: finds the batch of the run's window, or writes the table's rows to S3 as
   one batch and commits it with a manifest. Returns the batch's id, rows, bytes, schema changes and reconciliation,
   which its label shows. A retry finds the committed batch and writes nothing.
3. **validate**: judges every batch of the source by its suites. Rows that a rule quarantines stay out of silver; a
   batch that a rule halts fails the run. Updates the asset `wardlake://bronze/<source>`, for which `build_gold` waits.

The window is the time since the schedule's former run. Set `window_start` and `window_end` to take another one, for
example after an outage; clear the failed tasks of a run to try again. With `backfill` the window is read again though
its batches are there: the new batch is compared with them and then stands in their place (`wardlake backfill` does the
same). Tables that are snapshots have no past and are skipped.

A YAML that cannot be read makes no DAG here and leaves the others alone: the import error of `build_gold.py` names the
file and its problem.
"""

from collections import Counter
from contextlib import suppress
from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context, get_parsing_context, task
from airflow.sdk.exceptions import AirflowSkipException

from wardlake.bronze import Backfill, Extraction, backfill_table, extract_table, extract_tables
from wardlake.quality import judge_source
from wardlake.run import refuse_halted
from wardlake.settings import load_settings
from wardlake.sources import IN_ONE_TRANSACTION, Source, SourceError, read_source
from wardlake.window import Window
from wardlake_airflow.assets import bronze_asset
from wardlake_airflow.callbacks import alert
from wardlake_airflow.connections import connection_uri
from wardlake_airflow.extraction import show, told
from wardlake_airflow.faults import told_to_airflow
from wardlake_airflow.links import ReportLink
from wardlake_airflow.windows import name_of_run, window_of_run

MOMENT = {"type": ["null", "string"], "format": "date-time"}


def extract_dag(source: Source) -> DAG:
    """The DAG `extract_<source>`."""
    outlet = bronze_asset(source.name)
    with DAG(
        f"extract_{source.name}",
        description=source.description,
        doc_md=f"{__doc__}\n## {source.name}\n{source.description}",
        schedule=CronTriggerTimetable(source.schedule, timezone="UTC") if source.schedule else None,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=6),
        tags=["wardlake", "bronze", source.facility.id],
        params={
            "window_start": Param(None, **MOMENT, description="Begin of the window, with an offset; UTC without one."),
            "window_end": Param(None, **MOMENT, description="End of the window, not included."),
            "backfill": Param(False, type="boolean", description="Read the window again, in place of its batches."),
        },
        default_args={
            "owner": source.owner,
            "retries": 3,
            "retry_delay": timedelta(seconds=15),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=10),
            "on_failure_callback": alert,
            # not a pool: a new source would wait for ever until somebody made one
            "max_active_tis_per_dag": None if source.concurrent else 1,
        },
    ) as dag:

        @task(
            execution_timeout=timedelta(hours=4),
            doc_md="Reads all tables in one transaction and commits their batches. Returns the ids of the new ones.",
        )
        def read_together() -> list[str]:
            with told_to_airflow():
                if get_current_context()["params"]["backfill"]:
                    return []
                ended = extract_tables(
                    load_settings(), source, list(source.tables), _window(source), connection_uri(source)
                )
            return [one.manifest.batch_id for one in ended.values() if isinstance(one, Extraction) and one.is_new]

        @task(
            map_index_template="{{ label | default(task.op_kwargs['table']) }}",
            execution_timeout=timedelta(hours=2),
            doc_md="Writes one table's rows of the window to bronze and commits the batch, or finds it committed. "
            "Returns batch id, rows, bytes, schema changes and how it was reconciled with the source.",
        )
        def extract(table: str, new: list[str] | None = None) -> dict[str, object]:
            context = get_current_context()
            if context["params"]["backfill"] and source.tables[table].mode == "snapshot":
                raise AirflowSkipException(f"{table} is a snapshot and has no past that could be read again.")
            with told_to_airflow():
                settings, uri = load_settings(), connection_uri(source)
                if context["params"]["backfill"]:
                    named = Backfill(context["run_id"], _window(source))
                    extraction = backfill_table(settings, source, table, named, uri)
                else:
                    extraction = extract_table(settings, source, table, _window(source), uri)
            result = told(extraction)
            result["is_new"] = extraction.is_new or extraction.manifest.batch_id in (new or [])
            show(context, table, result)
            return result

        @task(
            outlets=[outlet],
            trigger_rule="none_failed_min_one_success",
            execution_timeout=timedelta(hours=2),
            doc_md="Judges all batches of the source that its current suites have not judged yet. "
            "Returns how many batches got which verdict; fails if one was halted or could not be judged.",
        )
        def validate(extracted: list[dict[str, object] | None]) -> dict[str, int]:
            with told_to_airflow():
                run = name_of_run(get_current_context())
                verdicts = judge_source(load_settings(), source, dag_run=run)
                refuse_halted(load_settings(), verdicts, run)
            counts = dict(Counter(verdict.status for verdict in verdicts))
            extractions = [batch for batch in extracted if batch]
            get_current_context()["outlet_events"][outlet].extra = {
                "rows": sum(batch["rows"] for batch in extractions),
                "bytes": sum(batch["bytes"] for batch in extractions),
                "batch_ids": [batch["batch_id"] for batch in extractions],
                "schema_changes": {
                    batch["table"]: batch["schema_changes"] for batch in extractions if batch["schema_changes"]
                },
                "verdicts": counts,
                "quarantined_rows": sum(verdict.quarantined_rows for verdict in verdicts),
            }
            return counts

        together = read_together() if source.consistent and source.connection.kind in IN_ONE_TRANSACTION else None
        validated = validate(extract.partial(new=together).expand(table=list(source.tables)))
        validated.operator.operator_extra_links = (ReportLink(),)
    return dag


def _window(source: Source) -> Window:
    context = get_current_context()
    return window_of_run(context["params"], source.schedule, context.get("logical_date"), context["dag_run"].run_after)


settings = load_settings()
wanted_dag = get_parsing_context().dag_id
for path in sorted(settings.sources_dir.glob("*.yaml")):
    is_active = not settings.sources or path.stem in settings.sources
    if is_active and wanted_dag in (None, f"extract_{path.stem}"):
        with suppress(SourceError):
            extract_dag(read_source(path))
