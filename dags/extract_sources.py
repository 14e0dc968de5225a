"""
# Extract a hospital system into bronze

One DAG for each active YAML in `dags/sources/`; a new hospital system needs no line here.

1. **extract**, one mapped task for each table: writes the table's rows for the run's window to S3 as one batch, commits
   it with a manifest, and returns the batch's id, rows and bytes. A retry finds the committed batch and writes nothing.
2. **validate**: judges every batch of the source by its suites. Rows that a rule quarantines stay out of silver; a
   batch that a rule halts fails the run. Updates the asset `wardlake://bronze/<source>`, for which `build_gold` waits.

The window is the time since the schedule's former run. Set `window_start` and `window_end` to take another one, for
example after an outage; clear the failed tasks of a run to try again.

A YAML that cannot be read makes no DAG here and leaves the others alone: the import error of `build_gold.py` names the
file and its problem.
"""

from collections import Counter
from contextlib import suppress
from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context, get_parsing_context, task

from wardlake.bronze import extract_table
from wardlake.quality import judge_source
from wardlake.run import refuse_halted
from wardlake.settings import load_settings
from wardlake.sources import Source, SourceError, read_source
from wardlake_airflow.assets import bronze_asset
from wardlake_airflow.callbacks import log_failure
from wardlake_airflow.connections import connection_uri
from wardlake_airflow.faults import told_to_airflow
from wardlake_airflow.windows import window_of_run

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
        },
        default_args={
            "owner": source.owner,
            "retries": 3,
            "retry_delay": timedelta(seconds=15),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=10),
            "on_failure_callback": log_failure,
            "pool": f"source_{source.name}",
        },
    ) as dag:

        @task(
            map_index_template="{{ task.op_kwargs['table'] }}",
            execution_timeout=timedelta(hours=2),
            doc_md="Writes one table's rows of the window to bronze and commits the batch. "
            "Returns batch id, rows and bytes; `is_new` is false if the batch was there already.",
        )
        def extract(table: str) -> dict[str, object]:
            with told_to_airflow():
                context = get_current_context()
                window = window_of_run(
                    context["params"], source.schedule, context.get("logical_date"), context["dag_run"].run_after
                )
                extraction = extract_table(load_settings(), source, table, window, connection_uri(source))
            manifest = extraction.manifest
            return {
                "table": table,
                "batch_id": manifest.batch_id,
                "rows": manifest.lake_rows,
                "bytes": manifest.bytes,
                "is_new": extraction.is_new,
            }

        @task(
            outlets=[outlet],
            execution_timeout=timedelta(hours=2),
            doc_md="Judges all batches of the source that its current suites have not judged yet. "
            "Returns how many batches got which verdict; fails if one was halted or could not be judged.",
        )
        def validate(extracted: list[dict[str, object]]) -> dict[str, int]:
            with told_to_airflow():
                verdicts = judge_source(load_settings(), source)
                refuse_halted(load_settings(), verdicts)
            counts = dict(Counter(verdict.status for verdict in verdicts))
            get_current_context()["outlet_events"][outlet].extra = {
                "rows": sum(batch["rows"] for batch in extracted),
                "bytes": sum(batch["bytes"] for batch in extracted),
                "batch_ids": [batch["batch_id"] for batch in extracted],
                "verdicts": counts,
                "quarantined_rows": sum(verdict.quarantined_rows for verdict in verdicts),
            }
            return counts

        validate(extract.expand(table=list(source.tables)))
    return dag


settings = load_settings()
wanted_dag = get_parsing_context().dag_id
for path in sorted(settings.sources_dir.glob("*.yaml")):
    is_active = not settings.sources or path.stem in settings.sources
    if is_active and wanted_dag in (None, f"extract_{path.stem}"):
        with suppress(SourceError):
            extract_dag(read_source(path))
