"""A system that the code has never seen: one YAML, one folder of staging models, and nothing else changes."""

import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.dbt_project.conftest import Warehouse

from wardlake.settings import PROJECT_ROOT

# Yearly returns of many nursing homes: aggregates per home and day, no wards, no patients.
RETURNS = {
    "facility_id": "returns",
    "facility_name": "Yearly returns",
    "timezone": "America/Chicago",
    "currency": "USD",
    "provides": ["facilities", "daily_census", "staff_hours"],
}
LINEAGE = """
    cast('home_' || home_no as varchar) as facility_id,
    cast('returns' as varchar) as source_id,
    cast(_batch_id as varchar) as batch_id,
    cast(_row_id as bigint) as row_id,
"""
MODELS = {
    "facilities": f"""
        select distinct {LINEAGE}
            cast('Home ' || home_no as varchar) as facility_name,
            cast('America/Chicago' as varchar) as timezone,
            cast('USD' as varchar) as currency_code
        from {{{{ source('returns', 'daily') }}}} where day_no = 1
    """,
    "daily_census": f"""
        select {LINEAGE}
            cast(null as varchar) as ward_id,
            date '2025-01-01' + day_no as census_date,
            cast(residents as bigint) as midnight_census,
            cast(null as bigint) as staffed_beds,
            cast(null as bigint) as available_beds
        from {{{{ source('returns', 'daily') }}}}
    """,
    "staff_hours": f"""
        select {LINEAGE}
            cast(null as varchar) as ward_id,
            date '2025-01-01' + day_no as work_date,
            'RN' as role_code,
            false as is_contract,
            cast(rn_hours as decimal(18, 4)) as paid_hours,
            cast(rn_hours as decimal(18, 4)) as productive_hours,
            cast(rn_hours as decimal(18, 4)) as direct_care_hours,
            cast(0 as decimal(18, 4)) as overtime_hours,
            cast(null as decimal(18, 4)) as present_hours,
            cast(null as decimal(18, 4)) as present_day_hours,
            cast(null as decimal(18, 4)) as present_night_hours,
            cast(null as decimal(18, 4)) as planned_hours,
            cast(null as decimal(18, 4)) as planned_day_hours,
            cast(null as decimal(18, 4)) as planned_night_hours,
            cast(null as bigint) as staff_at_midnight,
            cast(0 as bigint) as shifts_without_times
        from {{{{ source('returns', 'daily') }}}}
    """,
}
SOURCES = """
sources:
  - name: returns
    schema: bronze_returns
    tables: [{name: daily}]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the dbt project with one folder more."""
    project = tmp_path_factory.mktemp("project") / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "dbt_project", project)
    folder = project / "models" / "staging" / "returns"
    folder.mkdir()
    for entity, query in MODELS.items():
        (folder / f"stg_returns__{entity}.sql").write_text(query)
    (folder / "_returns__sources.yml").write_text(SOURCES)
    return project


def test_aggregates_reach_gold_for_every_facility(project: Path, warehouse: Warehouse) -> None:
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("create schema bronze_returns")
        connection.execute(
            """create table bronze_returns.daily as
            select *, row_number() over () as _row_id, 'b' as _batch_id
            from (values ('1', 1, 40, 30.0), ('1', 2, 0, 8.0), ('2', 1, 10, null))
            as daily (home_no, day_no, residents, rn_hours)"""
        )
    warehouse.build({"returns": RETURNS}, project)

    nursing = warehouse.query(
        """select facility_id, day(work_date), rn_hours, patient_days, rn_hours_per_patient_day
        from gold.nursing_hours_daily order by all"""
    )
    assert nursing == [
        ("home_1", 2, Decimal(30), 40, Decimal("0.75")),
        ("home_1", 3, Decimal(8), 0, None),
        ("home_2", 2, None, 10, None),
    ]
    census = warehouse.query("select sum(midnight_census), count(available_beds) from gold.daily_census")
    assert census == [(50, 0)]
    assert warehouse.query("select facility_name from silver.facilities order by all") == [("Home 1",), ("Home 2",)]


def test_a_column_that_silver_does_not_know_is_refused(project: Path, warehouse: Warehouse) -> None:
    path = project / "models" / "staging" / "returns" / "stg_returns__daily_census.sql"
    path.write_text(path.read_text().replace("as midnight_census", "as midnight_cencus"))
    refused = warehouse.dbt("run", "--select", "+silver.daily_census", sources={"returns": RETURNS}, project=project)
    assert refused.returncode != 0
    told = " ".join(refused.stdout.split())
    assert "stg_returns__daily_census has a column 'midnight_cencus' that silver.daily_census does not know" in told
