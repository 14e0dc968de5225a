"""
# Look after bronze

Once a week, at night, for every active source; readers and extractions go on meanwhile.

1. **compact**, one mapped task for each source: merges small batches that are older than a week into files of a good
   size, beside the batches. Rows keep their batch and row ids; a compaction that does not hold exactly the rows of its
   batches is not committed. Returns counts and bytes before and after.
2. **clean**, one mapped task for each source: deletes parts of killed runs after a day, files of batches a week after
   their compaction, and batches that no reader has needed for the table's `keep_days`. Manifests stay. Returns how many
   objects and bytes went, for each reason.

The two do not wait for each other, and a source that fails does not stop the others. Every step may be repeated, killed
or run twice at once. `wardlake bronze compact --dry-run` and `wardlake bronze clean --dry-run` say beforehand what
would be done.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, task

from wardlake.bronze.clean import clean_home
from wardlake.maintain import clean_source, compact_source
from wardlake.settings import load_settings
from wardlake.sources import active_sources
from wardlake_airflow.callbacks import alert
from wardlake_airflow.faults import told_to_airflow

sources = {source.name: source for source in active_sources(load_settings())}

with DAG(
    "maintain_bronze",
    description="Merge small batches, delete what no reader needs.",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 3 * * 0", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    tags=["wardlake", "bronze", "maintenance"],
    default_args={
        "owner": "data team",
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(hours=1),
        "on_failure_callback": alert,
        "max_active_tis_per_dag": 1,
    },
) as dag:

    @task(
        map_index_template="{{ task.op_kwargs['source'] }}",
        execution_timeout=timedelta(hours=6),
        doc_md="Merges the small batches of a source's tables. Returns how many compactions were written, "
        "of how many batches and rows, and their bytes before and after.",
    )
    def compact(source: str) -> dict[str, object]:
        with told_to_airflow():
            done = compact_source(load_settings(), sources[source])
        return {
            "source": source,
            "compactions": len(done),
            "batches": sum(one.batches for one in done),
            "rows": sum(one.rows for one in done),
            "bytes_before": sum(one.bytes_before for one in done),
            "bytes_after": sum(one.bytes_after for one in done),
        }

    @task(
        map_index_template="{{ task.op_kwargs['source'] }}",
        execution_timeout=timedelta(hours=3),
        doc_md="Deletes what no reader of a source's tables needs, and what killed runs have left on this machine. "
        "Returns objects and bytes, for each reason.",
    )
    def clean(source: str) -> dict[str, object]:
        with told_to_airflow():
            freed = clean_source(load_settings(), sources[source]) + clean_home(load_settings())
        return {
            "source": source,
            "objects": sum(one.objects for one in freed),
            "bytes": sum(one.bytes for one in freed),
            "reasons": {f"{one.table or 'this machine'}: {one.reason}": one.objects for one in freed},
        }

    compact.expand(source=list(sources))
    clean.expand(source=list(sources))
