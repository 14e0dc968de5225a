"""What MIMIC-III publishes, reproduced from silver and gold."""

import os
from pathlib import Path

import duckdb
import pytest
from tests.dbt_project.conftest import Warehouse, declared, facts

REAL_DATA = os.environ.get("WARDLAKE_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL_DATA, reason="WARDLAKE_REAL_DATA does not name the folder of real data")


@pytest.fixture(scope="module")
def mimic3(warehouse: Warehouse) -> Warehouse:
    source = declared("mimic3")
    warehouse.expose(source, {})
    folder = Path(str(REAL_DATA)) / "mimic3_demo"
    with duckdb.connect(str(warehouse.path)) as connection:
        for name, table in source.tables.items():
            (file,) = folder.glob(f"{name}.csv*")
            columns = ", ".join(f'"{column}"' for column in table.columns)
            connection.execute(
                f"""insert into bronze_mimic3.{name} ({columns}, _row_id, _batch_id, _source)
                select {columns}, row_number() over (), 'batch', 'mimic3'
                from read_csv('{file}', all_varchar = true, header = true)"""
            )
    warehouse.build({"mimic3": facts(source)})
    return warehouse


def test_intensive_care_stays(mimic3: Warehouse) -> None:
    """icustays.los: days with four digits, from the first arrival to the last departure of one ICU stay."""
    reproduced = mimic3.query(
        """
        with stays as (
            select icu_stay_id, date_diff('second', min(started_at), max(ended_at)) as seconds
            from silver.ward_stays
            where icu_stay_id is not null
            group by icu_stay_id
        )
        select count(*), count(*) filter (where abs(seconds - los * 86400) <= 0.00005 * 86400)
        from bronze_mimic3.icustays
        left join stays on icu_stay_id = 'mimic3:' || icustay_id
        """
    )
    assert reproduced == [(136, 136)]


def test_ward_stays(mimic3: Warehouse) -> None:
    """transfers.los: hours with two digits; MIMIC-III rounds ties to even, so a tie may lie on either side."""
    reproduced = mimic3.query(
        """
        select
            count(*),
            count(*) filter (where abs(date_diff('second', started_at, ended_at) - los * 3600) <= 0.005 * 3600)
        from bronze_mimic3.transfers
        left join silver.ward_stays on ward_stay_id = 'mimic3:' || transfers.row_id
        where los is not null
        """
    )
    assert reproduced == [(395, 395)]


def test_every_row_of_the_hospital_arrives(mimic3: Warehouse) -> None:
    entities = (
        "patients", "encounters", "ward_stays", "emergency_visits", "diagnoses", "encounter_drgs", "procedures",
        "observations", "drug_events",
    )  # fmt: skip
    found = {entity: mimic3.query(f"select count(*) from silver.{entity}")[0][0] for entity in entities}
    assert found == {
        "patients": 100,
        "encounters": 129,
        "ward_stays": 395,
        "emergency_visits": 92,
        "diagnoses": 1761,
        "encounter_drgs": 297,
        "procedures": 506,
        "observations": 76074,
        "drug_events": 10398,
    }


def test_census_counts_no_time_outside_the_hospital_stay(mimic3: Warehouse) -> None:
    """114 of 395 moves lie partly before the admission or after the discharge; recorded times are kept."""
    assert mimic3.query(
        """
        select count(*) filter (where is_outside_encounter),
            count(*) filter (where present_from_at < admitted_at or present_until_at > discharged_at)
        from silver.ward_stays join silver.encounters using (encounter_id)
        """
    ) == [(114, 0)]
    # every midnight between admission and discharge is one of the census, but for gaps between two moves
    census, days = mimic3.query(
        """select (select sum(midnight_census) from gold.daily_census),
        (select sum(length_of_stay_days) from gold.encounter_facts)"""
    )[0]
    assert (census, days) == (1172, 1205)


def test_deaths_are_those_of_the_hospital_flag(mimic3: Warehouse) -> None:
    found = mimic3.query(
        """
        select count(*), sum(hospital_expire_flag::int),
            count(*) filter (where (discharge_disposition_code = 'DIED') = (hospital_expire_flag = 1))
        from bronze_mimic3.admissions join silver.encounters on encounter_id = 'mimic3:' || hadm_id
        """
    )
    assert found == [(129, 40, 129)]
    assert mimic3.query("select count(*) from gold.encounter_facts where is_death_in_hospital") == [(40,)]


def test_hours_in_the_emergency_department(mimic3: Warehouse) -> None:
    """edouttime - edregtime; 92 of the 129 patients came through the emergency department."""
    expected = mimic3.query(
        """select count(*), sum(date_diff('minute', edregtime, edouttime)),
        count(*) filter (where edouttime > edregtime + interval 4 hours)
        from bronze_mimic3.admissions where edregtime is not null"""
    )
    found = mimic3.query(
        """select count(ed_los_minutes), sum(ed_los_minutes), count(*) filter (where is_four_hour_breach)
        from gold.encounter_facts"""
    )
    assert found == expected
    assert found[0][0] == 92


def test_who_came_back_within_thirty_days(mimic3: Warehouse) -> None:
    """Eleven stays of the demo were followed by another one within 30 days; two of them were for cancer."""
    followed = mimic3.query(
        """
        with followed as (
            select *, lead(admittime) over (partition by subject_id order by admittime) as next_admittime
            from bronze_mimic3.admissions
        )
        select count(*) from followed where date_diff('day', dischtime::date, next_admittime::date) <= 30
        """
    )
    assert followed == [(11,)]
    found = mimic3.query(
        """select readmission_exclusion_code, count(*), count(*) filter (where is_readmitted_30d_all_cause)
        from gold.encounter_facts group by all order by all"""
    )
    assert found == [("CANCER", 9, 0), ("DIED", 40, 0), ("RUN_OUT", 2, 0), (None, 78, 9)]


def test_people_of_ninety_have_neither_age_nor_year_of_birth(mimic3: Warehouse) -> None:
    """MIMIC-III moved them to an age of 300 years."""
    found = mimic3.query(
        """select count(*), count(birth_year), count(distinct patient_key)
        from gold.encounter_facts where age_band_code = '90+'"""
    )
    assert found == [(9, 0, 8)]
    assert mimic3.query("select count(*) from gold.patient_summary") == [(100,)]


def test_one_group_of_each_stay_is_shown_by_family(mimic3: Warehouse) -> None:
    """APR and HCFA are shown where MS is missing; MIMIC-III has no weights, so there is no case mix index."""
    found = mimic3.query(
        """select drg_family_code, count(*), count(drg_relative_weight)
        from gold.encounter_facts group by all order by all"""
    )
    assert found == [("APR", 24, 0), ("HCFA", 33, 0), ("MS", 72, 0)]
    assert mimic3.query("select count(case_mix_index) from gold.monthly_patient_metrics") == [(0,)]


def test_orders_of_the_formulary(mimic3: Warehouse) -> None:
    """prescriptions.formulary_drug_cd: an order without one is for a drug outside of the formulary."""
    published = mimic3.query(
        "select count(*), count(*) filter (where formulary_drug_cd <> '') from bronze_mimic3.prescriptions"
    )
    assert published[0][0] == 10398
    found = mimic3.query("select sum(orders_with_formulary_flag), sum(formulary_orders) from gold.drug_costs_monthly")
    assert found == published
