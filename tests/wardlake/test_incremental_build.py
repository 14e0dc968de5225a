"""A build after a day's changes against a full one: days of a small reference hospital, compared cell by cell."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

import duckdb
import psycopg
import pytest
from pydantic import SecretStr

from wardlake.bronze import extract_tables
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.quality import judge_source
from wardlake.reference import load_reference
from wardlake.settings import Settings
from wardlake.sources import active_sources
from wardlake.warehouse import dbt
from wardlake.warehouse.changes import forget
from wardlake.warehouse.expose import expose_bronze
from wardlake.window import Window

PATIENTS = 100

CHANGES = {
    # what happens: the table, its key, and what a few random rows of it suffer
    "results are corrected": ("ehr.exam_result", "res_id", "update {table} set value_num = value_num + 1"),
    "results are deleted": ("ehr.exam_result", "res_id", "delete from {table}"),
    "results come late": (
        "ehr.exam_result",
        "res_id",
        "insert into {table} select res_id + 700000000 + {seed}, case_no, exam_cd, exam_nm, taken_ts, value_txt, "
        "value_num, unit_cd from {table}",
    ),
    # what belongs to the case goes to quarantine, though its rows stay as they are
    "a case is deleted": ("adt.admission", "adm_no", "delete from {table}"),
    "discharges move": ("adt.admission", "adm_no", "update {table} set dis_ts = dis_ts + interval '1 hour'"),
    "patients move house": ("adt.pat_master", "rec_id", "update {table} set city = 'Potsdam'"),
    "nurses change their ward": (
        "hr.staff",
        "staff_no",
        "update {table} set home_ward_cd = (select min(ward_cd) from adt.ward)",
    ),
    "doses are corrected": ("ehr.administration", "evt_id", "update {table} set qty = qty + 1"),
    "people stayed longer": (
        "hr.timeclock",
        "clock_id",
        "update {table} set clock_out = clock_out + interval '20 minutes'",
    ),
    "shifts are taken back": ("hr.timeclock", "clock_id", "delete from {table}"),
}


@dataclass
class Hospital:
    """A hospital, its warehouse that is built day by day, and the day."""

    settings: Settings
    database: str
    day: date = date(2026, 1, 1)
    built: list[str] = field(default_factory=list)

    def change(self, what: str, seed: int) -> None:
        """Let something happen to a few random rows."""
        table, key, statement = CHANGES[what]
        rows = f"select {key} from {table} order by md5({key}::text || '{seed}') limit 7"
        statement = f"{statement.format(table=table, seed=seed)} where {key} in ({rows})"
        with psycopg.connect(self.database) as connection:
            connection.execute(statement.encode())

    def end_day(self) -> None:
        """Extract and judge the day, and build what it has changed; `built` names the models and tests."""
        window = Window.of_day(self.day)
        self.day += timedelta(days=1)
        for source in active_sources(self.settings):
            ended = extract_tables(self.settings, source, list(source.tables), window)
            assert not [one for one in ended.values() if isinstance(one, Exception)]
            judge_source(self.settings, source)
        self.built = []
        expose_bronze(self.settings, active_sources(self.settings))
        dbt.build(self.settings, lambda name, *_: self.built.append(name))

    def differences_to_a_full_build(self) -> dict[str, tuple[int, int]]:
        """Rows of each table of silver and gold that only this warehouse has, and that only a new one has."""
        other = self.settings.model_copy(update={"home": self.settings.home / f"full-{self.day}"})
        expose_bronze(other, active_sources(other))
        dbt.build(other)
        with duckdb.connect() as engine:
            engine.execute(f"attach '{self.settings.warehouse_path}' as days (read_only)")
            engine.execute(f"attach '{other.warehouse_path}' as full_build (read_only)")
            tables = {name: engine.execute(listed(name)).fetchall() for name in ("days", "full_build")}
            assert tables["days"] == tables["full_build"]
            assert len(tables["days"]) > 30
            return {
                table: (only_in(engine, "days", "full_build", table), only_in(engine, "full_build", "days", table))
                for (table,) in tables["days"]
            }


def listed(database: str) -> str:
    return (
        "select schema_name || '.' || table_name from duckdb_tables() "
        f"where database_name = '{database}' and schema_name in ('silver', 'gold') order by all"
    )


def only_in(engine: duckdb.DuckDBPyConnection, one: str, other: str, table: str) -> int:
    query = f"select count(*) from (from {one}.{table} except all from {other}.{table})"
    return int(engine.execute(query).fetchall()[0][0])


@pytest.fixture(scope="module")
def hospital(module_settings: Settings, module_database: str) -> Hospital:
    """A hospital after its first day."""
    ready = module_settings.model_copy(
        update={
            "sources": ("reference", "reference_pharmacy"),
            "connections": {"reference_db": SecretStr(module_database)},
            "lock_wait_s": 20,
        }
    )
    load_reference(ready, module_database, patients=PATIENTS)
    opened = Hospital(ready, module_database)
    opened.end_day()
    return opened


def dispense_late(hospital: Hospital) -> None:
    """A file of the pharmacy comes after its month, with a line that corrects one of an earlier file."""
    lake, bucket = Lake(hospital.settings), hospital.settings.bucket("landing")
    key = next(key for key in lake.list(bucket) if "dispensing_202501" in key)
    header, first, *_ = lake.get(bucket, key).decode("utf-8-sig").splitlines()
    number, *values, _ = first.split(";")
    line = ";".join([f"9{hospital.day:%Y%m%d}", *values, number])
    lake.put_if_absent(bucket, key.replace("202501", f"{hospital.day:%Y%m%d}"), f"{header}\n{line}\n".encode())


@pytest.mark.timeout(300)
def test_only_what_follows_from_a_change_is_built(hospital: Hospital) -> None:
    hospital.end_day()
    hospital.end_day()
    assert hospital.built == []
    hospital.change("results are corrected", seed=10)
    hospital.end_day()
    assert {"stg_reference__observations", "observations"} <= set(hospital.built)
    assert not {"staff_shifts", "drug_prices", "encounters"} & set(hospital.built)


@pytest.mark.timeout(600)
def test_days_of_changes_give_what_a_full_build_gives(hospital: Hospital) -> None:
    chance = random.Random(5)  # noqa: S311
    for number in range(3):
        for what in chance.sample(sorted(CHANGES), 2):
            hospital.change(what, seed=number)
        if number == 1:
            dispense_late(hospital)
        hospital.end_day()
        assert hospital.built
        assert "wards" not in hospital.built
        assert set(hospital.differences_to_a_full_build().values()) == {(0, 0)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["a build failed", "somebody used dbt"])
def test_everything_is_built_after(hospital: Hospital, what: str) -> None:
    hospital.end_day()
    if what == "a build failed":
        hospital.change("patients move house", seed=20)
        with duckdb.connect(str(hospital.settings.warehouse_path)) as engine:
            engine.execute("create or replace view bronze_reference.pat_master as select 1 as unknown_column")
        with pytest.raises(PermanentError, match="dbt build failed"):
            dbt.build(hospital.settings)
    else:
        forget(hospital.settings)
    hospital.end_day()
    assert {"staff_shifts", "drug_prices", "encounters", "encounter_facts"} <= set(hospital.built)


@pytest.mark.timeout(300)
def test_what_staff_were_before_is_kept_whatever_the_order_of_the_windows(hospital: Hospital) -> None:
    hospital.end_day()
    current, nurses = (
        "select practitioner_id, home_ward_id from silver.practitioner_history where is_current order by all",
        "select practitioner_id, home_ward_id from silver.practitioners order by all",
    )
    with psycopg.connect(hospital.database) as connection:
        (staff_no,) = connection.execute("select min(staff_no) from hr.staff where staff_kind = 'NUR'").fetchall()[0]
        wards = [ward for (ward,) in connection.execute("select ward_cd from adt.ward order by 1 limit 2").fetchall()]
    days = (hospital.day, date(2025, 6, 1), hospital.day + timedelta(days=1))  # the second one comes late
    for ward, day in zip((wards[0], wards[1], wards[0]), days, strict=True):
        with psycopg.connect(hospital.database) as connection:
            connection.execute("update hr.staff set home_ward_cd = %s where staff_no = %s", [ward, staff_no])
        hospital.day = day
        hospital.end_day()
    with duckdb.connect(str(hospital.settings.warehouse_path), read_only=True) as engine:
        assert engine.execute(current).fetchall() == engine.execute(nurses).fetchall()
        found = engine.execute(
            "select home_ward_id from silver.practitioner_history where practitioner_id = ? order by valid_from_at",
            [f"reference:{staff_no}"],
        ).fetchall()
    assert [ward for (ward,) in found][-3:] == [f"reference:{ward}" for ward in (wards[0], wards[1], wards[0])]
