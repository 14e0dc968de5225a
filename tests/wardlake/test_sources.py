"""Source YAMLs are read strictly; what is wrong is told by file and field, all at once."""

from pathlib import Path

import pytest
import yaml

from wardlake.settings import Settings
from wardlake.sources import SourceError, active_sources, load_sources
from wardlake.warehouse.dbt import dbt_vars

LAB = {
    "name": "lab",
    "description": "Laboratory.",
    "owner": "lab team",
    "facility": {"id": "clinic", "name": "Clinic", "timezone": "Europe/Berlin", "currency": "EUR"},
    "connection": {"kind": "postgres", "conn_id": "lab_db"},
    "provides": ["observations"],
    "tables": {
        "result": {
            "description": "Results.",
            "relation": "lab.result",
            "keys": ["id"],
            "columns": {"id": {"type": "BIGINT", "pii": "none"}, "mrn": {"type": "VARCHAR", "pii": "identifier"}},
        }
    },
}


def changed(path: str, value: object) -> dict[str, object]:
    """LAB with one field replaced, or removed if the value is None."""
    copy = yaml.safe_load(yaml.safe_dump(LAB))
    *parents, last = path.split(".")
    place = copy
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copy


def settings_with(tmp_path: Path, sources: tuple[str, ...] = (), **files: dict[str, object]) -> Settings:
    folder = tmp_path / "dags" / "sources"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return Settings(project_root=tmp_path, home=tmp_path / "home", sources=sources)


def test_a_right_source_is_read(tmp_path: Path) -> None:
    sources = load_sources(settings_with(tmp_path, lab=LAB))
    assert sources["lab"].tables["result"].columns["mrn"].pii == "identifier"


def test_a_source_may_land_in_bronze_only(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, lab=changed("provides", None))
    assert load_sources(settings)["lab"].provides == []
    assert dbt_vars(settings)["sources"]["lab"]["provides"] == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("facility.timezone", None, "timezone"),
        ("facility.timezone", "Europe/Bielefeld", "Europe/Bielefeld"),
        ("facility.currency", "Euro", "currency"),
        ("tables.result.columns.mrn.pii", None, "mrn.pii"),
        ("tables.result.columns.mrn.pii", "secret", "mrn.pii"),
        ("tables.result.keys", ["nr"], "nr"),
        ("tables.result.keys", [], "keys"),
        ("tables.result.relation", None, "relation"),
        ("tables.result.relation", "result; drop table x", "relation"),
        ("tables.result.mode", "append", "mode"),
        ("tables.result.colour", "red", "colour"),
        ("tables.result.columns._row_id", {"type": "BIGINT", "pii": "none"}, "_row_id"),
        ("provides", ["horoscopes"], "horoscopes"),
        ("connection.kind", "fax", "connection"),
        ("name", "other", "other"),
        ("owner", None, "owner"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_field(tmp_path: Path, path: str, value: object, told: str) -> None:
    with pytest.raises(SourceError) as raised:
        load_sources(settings_with(tmp_path, lab=changed(path, value)))
    assert "lab.yaml" in str(raised.value)
    assert told in str(raised.value)


def test_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    settings = settings_with(
        tmp_path, lab=changed("owner", None), ward=changed("provides", ["x"]), fine=changed("name", "fine")
    )
    with pytest.raises(SourceError) as raised:
        load_sources(settings)
    assert "lab.yaml" in str(raised.value)
    assert "ward.yaml" in str(raised.value)
    assert "fine.yaml" not in str(raised.value)


def test_only_the_named_sources_are_active(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, ("lab",), lab=LAB, ward=changed("name", "ward"))
    assert [source.name for source in active_sources(settings)] == ["lab"]


def test_a_name_without_a_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"radiology.*Known sources: lab"):
        active_sources(settings_with(tmp_path, ("radiology",), lab=LAB))
