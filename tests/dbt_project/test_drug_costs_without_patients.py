"""Sources that know what drugs cost and nothing else: prescribing by practice, and totals by class of drugs."""

import csv
import os
import shutil
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.dbt_project.conftest import Warehouse, declared, facts

from wardlake.settings import PROJECT_ROOT
from wardlake.sources import read_source

REAL_DATA = os.environ.get("WARDLAKE_REAL_DATA")
EXAMPLES = PROJECT_ROOT / "docs" / "sources" / "examples"
DRUG_TABLES = {"drug_costs_monthly", "drug_cost_drivers"}

MakeProject = Callable[[str, dict[str, str]], Path]


@pytest.fixture
def home(tmp_path: Path) -> Warehouse:
    """An empty warehouse for one test."""
    (tmp_path / "tmp").mkdir()
    return Warehouse(tmp_path)


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """A copy of the dbt project with the staging models of one source more."""

    def make(name: str, models: dict[str, str]) -> Path:
        project = tmp_path / "dbt_project"
        shutil.copytree(PROJECT_ROOT / "dbt_project", project)
        folder = project / "models" / "staging" / name
        folder.mkdir()
        for file, content in models.items():
            (folder / file).write_text(content)
        return project

    return make


def other_gold_is_empty(warehouse: Warehouse, filled: set[str]) -> bool:
    tables = [name for (name,) in warehouse.query("select table_name from duckdb_tables() where schema_name = 'gold'")]
    assert filled < set(tables)
    return all(warehouse.query(f"select count(*) from gold.{name}") == [(0,)] for name in set(tables) - filled)


@pytest.mark.skipif(not REAL_DATA, reason="WARDLAKE_REAL_DATA does not name the folder of real data")
def test_prescribing_of_practices_is_exact_to_the_penny(home: Warehouse, make_project: MakeProject) -> None:
    source = read_source(EXAMPLES / "nhs_epd.yaml")
    staging = EXAMPLES / "staging" / "nhs_epd"
    project = make_project("nhs_epd", {path.name: path.read_text() for path in staging.iterdir()})
    (file,) = (Path(str(REAL_DATA)) / "nhs_epd_prescribing").glob(source.tables["epd"].files.pattern)
    home.expose(source, {})
    with duckdb.connect(str(home.path)) as connection:
        columns = ", ".join(f'"{column}"' for column in source.tables["epd"].columns)
        connection.execute(
            f"""insert into bronze_nhs_epd.epd ({columns}, _row_id, _batch_id, _source)
            select {columns}, row_number() over (), 'batch', 'nhs_epd'
            from read_csv('{file}', all_varchar = true, header = true)"""
        )
    home.build({source.name: facts(source)}, project)

    expected: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            amounts = [Decimal(row[name]) for name in ("NIC", "ACTUAL_COST", "ITEMS", "TOTAL_QUANTITY")]
            practice = f"nhs_epd:{row['PRACTICE_CODE']}"
            expected[practice] = [total + amount for total, amount in zip(expected[practice], amounts, strict=True)]
    found = home.query(
        """select facility_id, sum(net_ingredient_cost), sum(acquisition_cost), sum(items), sum(net_quantity)
        from gold.drug_costs_monthly group by facility_id"""
    )
    assert {practice: list(totals) for practice, *totals in found} == dict(expected)
    assert [sum(totals) for totals in zip(*(totals for _, *totals in found), strict=True)][:3] == [
        Decimal("352697.84"),
        Decimal("328908.73007"),
        46895,
    ]
    assert home.query(
        """select distinct currency_code, price_basis_code, lines_without_cost, month_start_date = date '2017-09-01',
        occupied_bed_days, ddd_missing_reason_code, pricing_unit_code from gold.drug_costs_monthly"""
    ) == [("GBP", "REIMBURSED", 0, True, None, "NO_DDD", None)]
    opportunity = home.query(
        """select count(*) from gold.drug_costs_monthly
        where generic_opportunity > 0 and not is_generic and unit_cost > generic_unit_cost"""
    )
    assert opportunity[0][0] > 0
    # the only month has none before it to be compared with
    assert other_gold_is_empty(home, {"drug_costs_monthly"})


TOTALS_YAML = """
name: totals
description: Scripts and cost by month and class of drugs.
owner: data team
facility: {id: australia, name: Australia, timezone: Australia/Sydney, currency: AUD}
connection: {kind: landing, prefix: totals/}
provides: [drug_costs]
tables:
  totals:
    description: Totals.
    files: {pattern: "*.csv", format: csv}
    mode: append
    keys: [Month, ATC2]
    columns:
      Month: {type: VARCHAR, pii: none}
      ATC2: {type: VARCHAR, pii: none}
      Scripts: {type: VARCHAR, pii: none}
      Cost: {type: VARCHAR, pii: none}
      Currency: {type: VARCHAR, pii: none}
"""
TOTALS_MODEL = """
with source as (select *, "Month" || '-01' as first_day from {{ source('totals', 'totals') }})

select
    {{ source_key('totals', 'cast(_row_id as varchar)') }} as drug_cost_id,
    cast(null as varchar) as drug_id,
    {{ lineage('totals') }},
    "ATC2" as drug_class_code,
    'ATC' as drug_class_system_code,
    cast(null as varchar) as pricing_unit_code,
    'REIMBURSED' as price_basis_code,
    "Currency" as currency_code,
    {{ to_date('first_day') }} as period_start_date,
    {{ add_days(next_month(to_date('first_day')), -1) }} as period_end_date,
    cast({{ to_decimal('"Scripts"', scale=0) }} as bigint) as items,
    cast(null as decimal(18, 3)) as quantity,
    cast(null as decimal(18, 3)) as returned_quantity,
    cast(null as decimal(18, 6)) as net_ingredient_cost,
    {{ to_decimal('"Cost"', scale=6) }} as actual_cost
from source
"""
TOTALS = {
    "stg_totals__drug_costs.sql": TOTALS_MODEL,
    "_totals__sources.yml": "sources: [{name: totals, schema: bronze_totals, tables: [{name: totals}]}]",
}


def total(month: str, atc: str, scripts: str, cost: str | None, currency: str = "AUD") -> dict[str, object]:
    return {"Month": month, "ATC2": atc, "Scripts": scripts, "Cost": cost, "Currency": currency}


def test_cost_by_class_without_drugs_and_quantities(home: Warehouse, make_project: MakeProject, tmp_path: Path) -> None:
    (tmp_path / "totals.yaml").write_text(TOTALS_YAML)
    source = read_source(tmp_path / "totals.yaml")
    rows = [
        total("2025-01", "A02", "1000", "12000.10"),
        total("2025-02", "A02", "900", "12000.40"),
        total("2025-02", "C10", "10", "70"),
        total("2025-03", "C10", "0", None),
        # nothing came of April
        total("2025-05", "C10", "10", "99"),
    ]
    home.expose(source, {"totals": rows})
    home.build({source.name: facts(source)}, make_project("totals", TOTALS))
    d = Decimal
    found = home.query(
        """select month(month_start_date), drug_class_system_code, drug_class_code, items, net_quantity,
        acquisition_cost, unit_cost, cost_per_item, lines_without_cost, currency_code, price_basis_code
        from gold.drug_costs_monthly order by all"""
    )
    assert found == [
        (1, "ATC", "A02", 1000, None, d("12000.10"), None, d("12.0001"), 0, "AUD", "REIMBURSED"),
        (2, "ATC", "A02", 900, None, d("12000.40"), None, d("13.3338"), 0, "AUD", "REIMBURSED"),
        (2, "ATC", "C10", 10, None, d(70), None, d(7), 0, "AUD", "REIMBURSED"),
        (3, "ATC", "C10", 0, None, None, None, None, 1, "AUD", "REIMBURSED"),
        (5, "ATC", "C10", 10, None, d(99), None, d("9.9"), 0, "AUD", "REIMBURSED"),
    ]
    drivers = home.query(
        """select month(month_start_date), drug_class_code, driver_code, cost_change, new_effect, discontinued_effect,
        undivided_effect from gold.drug_cost_drivers order by all"""
    )
    assert drivers == [
        (2, "A02", "UNDIVIDED", d("0.30"), d(0), d(0), d("0.30")),
        (2, "C10", "NEW", d(70), d(70), d(0), d(0)),
        (3, "A02", "DISCONTINUED", d("-12000.40"), d(0), d("-12000.40"), d(0)),
        # there, but without a cost: not the same as gone
        (3, "C10", "UNDIVIDED", d(-70), d(0), d(0), d(-70)),
    ]
    assert other_gold_is_empty(home, DRUG_TABLES)


def test_two_currencies_in_one_table_stop_the_build(home: Warehouse, make_project: MakeProject, tmp_path: Path) -> None:
    (tmp_path / "totals.yaml").write_text(TOTALS_YAML)
    source = read_source(tmp_path / "totals.yaml")
    home.expose(source, {"totals": [total("2025-01", "A02", "1", "1"), total("2025-01", "C10", "1", "1", "USD")]})
    refused = home.dbt("build", sources={source.name: facts(source)}, project=make_project("totals", TOTALS))
    assert refused.returncode != 0
    assert "Failure in test drug_costs_are_in_the_currency_of_their_facility" in refused.stdout
    assert home.query("select count(*) from duckdb_tables() where table_name = 'drug_costs_monthly'") == [(0,)]


def test_a_unit_that_changes_stops_the_build(home: Warehouse) -> None:
    clinical, pharmacy = declared("reference"), declared("reference_pharmacy")
    home.expose(clinical, {"drug": [{"drug_cd": "D1", "pricing_unit": "ML"}]})
    price = {"Drug Code": "D1", "Pricing Unit": "ML", "Currency": "EUR", "_file": "price_list_202501.xlsx"}
    january = price | {"Effective From": "2025-01-01", "Unit Price": "2"}
    april = price | {"Effective From": "2025-04-01", "Unit Price": "0.02", "Pricing Unit": "MG"}
    home.expose(pharmacy, {"price_list": [january, april]})
    refused = home.dbt(
        "build",
        "--select",
        "+drug_costs_monthly",
        "--exclude-resource-type",
        "unit_test",
        sources={source.name: facts(source) for source in (clinical, pharmacy)},
    )
    assert refused.returncode != 0
    assert "Failure in test a_drug_is_counted_in_one_unit" in refused.stdout
    assert home.query("select count(*) from duckdb_tables() where table_name = 'drug_costs_monthly'") == [(0,)]
