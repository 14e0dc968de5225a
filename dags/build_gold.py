"""
# Build silver and gold, and publish gold

Runs when all active sources have brought new batches to bronze.

1. **expose_bronze**: points the warehouse's bronze views at the newest batches that were judged and not halted.
2. **build_models**: one dbt run over the models of staging, silver and gold that follow from a bronze table that has
   changed since the last build, with their tests; fails if one of them fails. **models** shows how each model ended.
   Trigger with `full_refresh` to build all of them.
3. **gate**: judges the new gold by its suites.
4. **report**: writes the quality report of the build, stores it for good and enters the run into the ledger.
5. **ask_auditor** and **sign**, if a source says `signoff: required`: shows an auditor the run, its report and the
   report's hash, waits for the decision, and enters it into the ledger with the name and the remark of the auditor.
6. **publish**: makes the new gold visible to readers, in one atomic step for each place that the settings name (a
   DuckDB file, Iceberg tables on S3, PostgreSQL), and updates the asset of each gold table. Its result says where gold
   can be read. If a place fails, clear the task: the same publication is completed. A run that a source requires to be
   signed is not published unless it was approved.

Whatever fails, readers keep the gold that was published before. After mending it, clear the failed task and what
follows, or trigger a new run.

A source YAML or a setting that cannot be read is an import error of this file: gold is never built from a part of the
sources.
"""

from collections import Counter
from datetime import timedelta

from airflow.sdk import DAG, AssetAll, Param, get_current_context, task

from wardlake.alerts import alert_verdicts
from wardlake.publish import gate as open_gate
from wardlake.publish import publish as publish_gold
from wardlake.quality import Verdict, judge_source, report_run
from wardlake.quality.runs import run_of
from wardlake.settings import load_settings
from wardlake.sources import active_sources
from wardlake.warehouse import dbt, expose
from wardlake_airflow.assets import bronze_asset, gold_asset
from wardlake_airflow.callbacks import alert
from wardlake_airflow.faults import told_to_airflow
from wardlake_airflow.links import BUILD_DAG, ReportLink, page_of_run
from wardlake_airflow.models import STATUSES, UNCHANGED, manifest_path, model_tasks, read_models
from wardlake_airflow.signing import LONGEST_WAIT, ask_auditor, enter_answer
from wardlake_airflow.windows import name_of_run

settings = load_settings()
sources = active_sources(settings)
triggers = [bronze_asset(source.name) for source in sources if source.triggers_build]
needs_signature = any(source.signoff == "required" for source in sources)
models = read_models(settings) if manifest_path(settings).exists() else {}
gold = {f"gold.{model.table}": gold_asset(model.table) for model in models.values() if model.schema == "gold"}

with DAG(
    BUILD_DAG,
    description="Build silver and gold with dbt, check gold, publish it.",
    doc_md=__doc__,
    schedule=AssetAll(*triggers) if triggers else None,
    catchup=False,
    max_active_runs=1,
    params={"full_refresh": Param(False, type="boolean", description="Build all models, changed or not.")},
    dagrun_timeout=timedelta(hours=6) + (LONGEST_WAIT if needs_signature else timedelta()),
    tags=["wardlake", "silver", "gold"],
    default_args={
        "owner": "data team",
        "retries": 2,
        "retry_delay": timedelta(seconds=15),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
        "on_failure_callback": alert,
    },
):

    @task(pool="warehouse", doc_md="Begins a build; returns its id and the rows that each table gives to silver.")
    def expose_bronze() -> dict[str, object]:
        with told_to_airflow():
            build = expose.expose_bronze(load_settings(), active_sources(load_settings()))
        return {"build_id": build.build_id, "tables": expose.as_facts(build.exposed)}

    @task(pool="warehouse", doc_md="Judges gold by its suites; fails if a rule of a gold table halts.")
    def gate(build: dict[str, object]) -> list[dict[str, object]]:
        with told_to_airflow():
            verdicts = open_gate(
                load_settings(), build["build_id"], dag_run=name_of_run(get_current_context())
            ).verdicts
        return [verdict.model_dump(mode="json") for verdict in verdicts]

    @task(
        doc_md="Writes the quality report of the build, stores it for good, enters the run into the ledger and "
        "sends alerts of what failed; returns the run's id, its headline, the report's path, page and SHA-256, and the "
        "verdict counts."
    )
    def report(build: dict[str, object], judged: list[dict[str, object]]) -> dict[str, object]:
        run = name_of_run(get_current_context())
        with told_to_airflow():
            settings = load_settings()
            verdicts = [
                verdict
                for source in active_sources(settings)
                for verdict in judge_source(settings, source, dag_run=run)
            ]
            verdicts += [Verdict.model_validate(verdict) for verdict in judged]
            path = report_run(
                settings,
                run_id=build["build_id"],
                exposed=[expose.Exposed(**table) for table in build["tables"]],
                verdicts=verdicts,
                dag_run=run,
            )
            reported = run_of(settings, str(build["build_id"]))
            alert_verdicts(settings, verdicts, path)
        return {
            "run_id": reported.run_id,
            "headline": reported.headline,
            "path": str(path),
            "page": page_of_run(reported.run_id),
            "sha256": reported.report_sha256,
            "verdicts": dict(Counter(verdict.status for verdict in verdicts)),
        }

    @task(
        doc_md="Enters the auditor's answer into the ledger, bound to the SHA-256 of the report; returns the decision. "
        "Refused to whoever has decided on quarantined rows of the run: clear ask_auditor, let somebody else answer."
    )
    def sign(reported: dict[str, object], answer: dict[str, object]) -> dict[str, str]:
        with told_to_airflow():
            signed = enter_answer(load_settings(), reported, answer)
        return {"decision": signed.decision, "signed_by": signed.signed_by}

    @task(
        pool="warehouse",
        outlets=list(gold.values()),
        doc_md="Publishes gold; returns the publication's id, the places where it is shown and the rows of each table.",
    )
    def publish(build: dict[str, object]) -> dict[str, object]:
        with told_to_airflow():
            publication = publish_gold(load_settings(), build["build_id"])
        for table, asset in gold.items():
            get_current_context()["outlet_events"][asset].extra = {
                "rows": publication.tables[table],
                "publication_id": publication.publication_id,
            }
        return {
            "publication_id": publication.publication_id,
            "places": publication.places,
            "tables": publication.tables,
        }

    @task(
        pool="warehouse",
        doc_md="Runs dbt once for all that is to be built, and tells the tasks of the models how each one ended. "
        "Fails with the names of the models and tests that failed; clear it to build again.",
    )
    def build_models() -> dict[str, int]:
        context = get_current_context()
        instance = context["ti"]
        counts: Counter[str] = Counter()
        statuses: dict[str, str] = {}
        instance.xcom_push(STATUSES, statuses)

        def tell(node: str, status: str) -> None:
            counts[status] += 1
            if node in models:
                statuses[node] = status
                instance.xcom_push(STATUSES, statuses)

        with told_to_airflow():
            read_models(load_settings())  # without a manifest this DAG lacks the tasks of the models: say so
            dbt.build(load_settings(), ended=tell, full_refresh=context["params"]["full_refresh"])
        unchanged = dict.fromkeys(models.keys() - statuses.keys(), UNCHANGED)
        instance.xcom_push(STATUSES, {**unchanged, **statuses})
        return {**counts, UNCHANGED: len(unchanged)}

    build = expose_bronze()
    judged = gate(build)
    published = publish(build)
    built = build_models()
    reported = report(build, judged)
    for validating in (judged, reported):
        validating.operator.operator_extra_links = (ReportLink(),)
    build >> built >> judged
    if needs_signature:
        asked = ask_auditor("report")
        reported >> asked
        sign(reported, asked.output) >> published
    else:
        reported >> published
    if models:
        build >> model_tasks(settings, models, build_task_id="build_models")
