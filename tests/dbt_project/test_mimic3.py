"""The lengths of stay that MIMIC-III publishes, reproduced from silver."""

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
    entities = ("patients", "encounters", "ward_stays", "diagnoses", "procedures", "observations", "drug_events")
    found = {entity: mimic3.query(f"select count(*) from silver.{entity}")[0][0] for entity in entities}
    assert found == {
        "patients": 100,
        "encounters": 129,
        "ward_stays": 395,
        "diagnoses": 1761,
        "procedures": 506,
        "observations": 76074,
        "drug_events": 10398,
    }


def test_orders_of_the_formulary(mimic3: Warehouse) -> None:
    """prescriptions.formulary_drug_cd: an order without one is for a drug outside of the formulary."""
    published = mimic3.query(
        "select count(*), count(*) filter (where formulary_drug_cd <> '') from bronze_mimic3.prescriptions"
    )
    assert published[0][0] == 10398
    found = mimic3.query("select sum(orders_with_formulary_flag), sum(formulary_orders) from gold.drug_costs_monthly")
    assert found == published
