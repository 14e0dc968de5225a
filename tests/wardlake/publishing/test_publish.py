"""Gold is shown everywhere or, after a failure, completed by publishing again; a shut gate changes nothing."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import psycopg
import pytest
from publishing_warehouse import new_build, record_of
from pydantic import SecretStr

from wardlake.errors import PassingError, PermanentError
from wardlake.publish import current_publication, gate, publish
from wardlake.publishing.iceberg import open_catalog
from wardlake.quality import report_run, sign
from wardlake.settings import Settings
from wardlake.warehouse.expose import Exposed, save_build


def shown(settings: Settings) -> dict[str, tuple[int, ...]]:
    """The number of the build that each place shows, and of each table."""
    numbers: dict[str, tuple[int, ...]] = {}
    query = "select (select max(build) from gold.census), (select max(build) from gold.costs)"
    gold = settings.published_dir / "current" / "gold.duckdb"
    if gold.exists():
        with duckdb.connect(str(gold), read_only=True) as connection:
            numbers["duckdb"] = connection.execute(query.replace("gold.c", "c")).fetchall()[0]
    catalog = open_catalog(settings)
    if catalog.table_exists(("gold", "census")):
        scans = [catalog.load_table(("gold", name)).scan().to_arrow() for name in ("census", "costs")]
        numbers["iceberg"] = tuple(scan["build"][0].as_py() for scan in scans)
    assert settings.gold_postgres_uri
    with psycopg.connect(settings.gold_postgres_uri.get_secret_value()) as connection:
        if connection.execute("select to_regclass('gold.census')").fetchone() != (None,):
            numbers["postgres"] = connection.execute(query).fetchall()[0]
    return numbers


EVERYWHERE = ("duckdb", "iceberg", "postgres")


def test_a_new_build_replaces_the_former_everywhere(hospital: Settings) -> None:
    for number in (1, 2):
        new_build(hospital, number)
        published = publish(hospital)
        assert shown(hospital) == dict.fromkeys(EVERYWHERE, (number, number))
        assert current_publication(hospital) == published
        assert record_of(hospital)["publication_id"] == published.publication_id


def test_gold_of_a_source_that_requires_it_waits_for_the_signature(hospital: Settings, tmp_path: Path) -> None:
    new_build(hospital, 1)
    publish(hospital)
    signed = hospital.model_copy(update={"project_root": tmp_path})
    shutil.copytree(hospital.project_root / "dags" / "sources", signed.sources_dir)
    with (signed.sources_dir / "reference_pharmacy.yaml").open("a") as yaml:
        yaml.write("\nsignoff: required\n")
    exposed = [Exposed("reference_pharmacy", "drugs", ("b1",), 9, 9, 0)]
    build = new_build(signed, 2).model_copy(update={"exposed": exposed})
    save_build(signed, build)
    sha256 = hashlib.sha256(
        report_run(signed, run_id=build.build_id, exposed=exposed, verdicts=[]).read_bytes()
    ).hexdigest()

    told = rf"Run {build.build_id} waits for a signature, which reference_pharmacy requires.*wardlake quality sign"
    with pytest.raises(PermanentError, match=told):
        publish(signed)
    sign(signed, build.build_id, sha256, "rejected", "A. Auditor", "a ward is missing")
    with pytest.raises(PermanentError, match=r"was rejected by A\. Auditor: a ward is missing"):
        publish(signed)
    assert shown(signed) == dict.fromkeys(EVERYWHERE, (1, 1))
    sign(signed, build.build_id, sha256, "approved", "A. Auditor", "it was closed")
    publish(signed)
    assert shown(signed) == dict.fromkeys(EVERYWHERE, (2, 2))


def test_gold_stays_as_it_was_if_the_gate_stays_shut(hospital: Settings, tmp_path: Path) -> None:
    new_build(hospital, 1)
    published = publish(hospital)
    build = new_build(hospital, 2).model_copy(update={"status": "building"})
    save_build(hospital, build)
    without_suites = hospital.model_copy(update={"project_root": tmp_path})
    shutil.copytree(hospital.project_root / "dags" / "sources", without_suites.sources_dir)
    with pytest.raises(PermanentError, match=r"gate stays shut.*Published gold stays as it was"):
        gate(without_suites, build.build_id)
    with pytest.raises(PermanentError, match="has not passed the gate"):
        publish(hospital, build.build_id)
    assert shown(hospital) == dict.fromkeys(EVERYWHERE, (1, 1))
    assert record_of(hospital)["publication_id"] == published.publication_id


def test_publishing_a_build_again_changes_nothing(hospital: Settings) -> None:
    new_build(hospital)
    first = publish(hospital)
    catalog = open_catalog(hospital)
    before = catalog.load_table(("gold", "census")).metadata_location
    assert publish(hospital) == first
    assert catalog.load_table(("gold", "census")).metadata_location == before


def test_a_place_that_does_not_answer_is_named_and_nothing_is_shown_before_all_is_ready(hospital: Settings) -> None:
    new_build(hospital, 1)
    publish(hospital)
    new_build(hospital, 2)
    nobody = SecretStr("postgresql://publisher:not-to-be-told@127.0.0.1:9/gold")
    with pytest.raises(PassingError, match=r"PostgreSQL \(database gold on 127.0.0.1") as told:
        publish(hospital.model_copy(update={"gold_postgres_uri": nobody}))
    assert "Published gold stays as it was; publishing the same build again completes it" in str(told.value)
    assert "not-to-be-told" not in str(told.value)
    assert shown(hospital) == dict.fromkeys(EVERYWHERE, (1, 1))
    publish(hospital)
    assert shown(hospital) == dict.fromkeys(EVERYWHERE, (2, 2))


def test_a_store_that_does_not_answer_is_named(hospital: Settings) -> None:
    new_build(hospital)
    absent = {"s3_endpoint_url": "http://127.0.0.1:9", "s3_attempts": 1}
    with pytest.raises(PassingError, match=r"Iceberg tables .*did not answer"):
        publish(hospital.model_copy(update=absent))
    assert shown(hospital) == {}


def test_a_failure_between_two_places_is_completed_by_publishing_again(
    hospital: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_build(hospital, 1)
    publish(hospital)
    new_build(hospital, 2)
    with monkeypatch.context() as broken:

        def fail(*_: object) -> None:
            raise OSError("the network is gone")

        broken.setattr("wardlake.publishing.iceberg._write_record", fail)
        with pytest.raises(PassingError, match="PostgreSQL shows it already; publishing the same build again"):
            publish(hospital)
    assert shown(hospital)["duckdb"] == (1, 1)
    published = publish(hospital)
    assert shown(hospital) == dict.fromkeys(EVERYWHERE, (2, 2))
    assert record_of(hospital)["publication_id"] == published.publication_id
    assert current_publication(hospital) == published


def test_a_publication_that_was_never_shown_leaves_with_the_next_one(hospital: Settings) -> None:
    new_build(hospital, 1)
    nobody = SecretStr("postgresql://publisher@127.0.0.1:9/gold")
    with pytest.raises(PassingError):
        publish(hospital.model_copy(update={"gold_postgres_uri": nobody}))
    assert list(hospital.published_dir.glob("*.prepared"))
    new_build(hospital, 2)
    published = publish(hospital)
    there = {path.name for path in hospital.published_dir.iterdir()}
    assert there == {"current", published.publication_id}


def test_only_the_places_of_the_settings_are_filled(hospital: Settings) -> None:
    new_build(hospital)
    published = publish(hospital.model_copy(update={"catalog": "none", "gold_postgres_uri": None}))
    assert set(published.places) == {"duckdb"}
    assert set(shown(hospital)) == {"duckdb"}


def test_the_command_says_where_gold_is_shown(hospital: Settings) -> None:
    new_build(hospital)
    ended = subprocess.run(
        [Path(sys.executable).with_name("wardlake"), "publish"],
        env=hospital.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    published = current_publication(hospital)
    assert published
    assert f"Publication {published.publication_id} is shown by" in ended.stdout
    assert all(f"{kind}: " in ended.stdout for kind in EVERYWHERE)
    assert shown(hospital) == dict.fromkeys(EVERYWHERE, (1, 1))
