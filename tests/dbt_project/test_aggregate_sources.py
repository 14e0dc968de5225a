"""Two senders of aggregates: nursing homes' hours by day, and hospitals' beds in long format. No patients, no wards."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.dbt_project.aggregates import example, known, load_files, project_with
from tests.dbt_project.conftest import Warehouse

from wardlake.privacy import without_values

D = Decimal
ROLES = ("RNDON", "RNadmin", "RN", "LPNadmin", "LPN", "CNA", "NAtrn", "MedAide")
HOMES = {"015009": ("Burns Home", "AL", 57), "676543": ("Lone Star Home", "TX", 90), "055001": ("Bay Home", "CA", 31)}
FIRST_DAY, DAYS = date(2024, 1, 1), 91
SILENT = ("055001", date(2024, 2, 10))
"""A home and a day of which no hours were submitted."""
Record = dict[str, str]


def hours(home: int, role: int, day: int) -> tuple[Decimal, Decimal]:
    """Hours of employees and of agency staff: any numbers will do, as long as no two columns are alike."""
    employed = D(7 * (role + 1) + 3 * home + day % 5) / 2
    return employed, D((role * day) % 4) / 4 if role > 1 else D(0)


def homes_records() -> Iterator[Record]:
    for number, (provider, (name, state, residents)) in enumerate(HOMES.items()):
        for day in range(DAYS):
            when = FIRST_DAY + timedelta(days=day)
            record = {"PROVNUM": provider, "PROVNAME": name, "STATE": state, "WorkDate": f"{when:%Y%m%d}"}
            record["MDScensus"] = str(residents + day % 3)
            for index, role in enumerate(ROLES):
                employed, agency = hours(number, index, day)
                figures = {"": employed + agency, "_emp": employed, "_ctr": agency}
                for suffix, figure in figures.items():
                    record[f"Hrs_{role}{suffix}"] = "" if (provider, when) == SILENT else str(figure)
            yield record


# one hospital above 1,000 beds; the census of B on 2 March was not sent, nor were the beds of A on 3 March
BEDS = {
    ("A", "2024-03-01", "Occupied"): "1,050", ("A", "2024-03-01", "Available"): "1,000",
    ("A", "2024-03-02", "Occupied"): "900", ("A", "2024-03-02", "Available"): "1,000",
    ("A", "2024-03-03", "Occupied"): "910",
    ("B", "2024-03-01", "Occupied"): "0", ("B", "2024-03-01", "Available"): "40",
    ("B", "2024-03-02", "Occupied"): "", ("B", "2024-03-02", "Available"): "40",
    ("Total", "2024-03-01", "Occupied"): "1,050", ("Total", "2024-03-01", "Available"): "1,040",
    ("Total", "2024-03-02", "Occupied"): "900", ("Total", "2024-03-02", "Available"): "1,040",
}  # fmt: skip


def write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def write_homes(folder: Path, records: list[Record]) -> None:
    columns = list(example("pbj").tables["daily_nurse_staffing"].columns)
    write_csv(
        folder / "PBJ_Daily_Nurse_Staffing_Q1_2024.csv",
        columns,
        [[record[column] for column in columns] for record in records],
    )


@pytest.fixture(scope="module")
def senders(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    files = tmp_path_factory.mktemp("files")
    write_homes(files, list(homes_records()))
    write_csv(files / "beds_202403.csv", ["hospital", "day", "measure", "value"], [[*k, v] for k, v in BEDS.items()])
    homes, beds = example("pbj"), example("bed_census")
    assert load_files(warehouse, homes, files) == {"daily_nurse_staffing": 0}
    assert load_files(warehouse, beds, files) == {"beds": 4}
    project = project_with(tmp_path_factory.mktemp("project"), "pbj", "bed_census")
    warehouse.build(known(homes, beds), project)
    return warehouse


def test_the_facilities_are_those_of_the_rows_and_not_the_senders(senders: Warehouse) -> None:
    found = senders.query(
        "select facility_id, facility_name, timezone, currency_code from silver.facilities order by 1"
    )
    assert found == [
        ("ccn_015009", "Burns Home", "America/Chicago", "USD"),
        ("ccn_055001", "Bay Home", "America/Los_Angeles", "USD"),
        ("ccn_676543", "Lone Star Home", "America/Chicago", "USD"),
        ("region_A", "A", "Australia/Perth", "AUD"),
        ("region_B", "B", "Australia/Perth", "AUD"),
    ]


def rate(numerator: Decimal, denominator: Decimal | int) -> Decimal:
    return (numerator / denominator).quantize(D("0.01"))


def test_hours_per_resident_day_of_every_home_and_day(senders: Warehouse) -> None:
    found = senders.query(
        """select facility_id, work_date, patient_days, paid_hours, rn_paid_hours, lpn_paid_hours, na_paid_hours,
        contract_paid_hours, hours_per_resident_day, total_nursing_hours from gold.nursing_hours_daily order by 1, 2"""
    )
    expected: list[tuple[object, ...]] = []
    for record in sorted(homes_records(), key=lambda record: (record["PROVNUM"], record["WorkDate"])):
        day = date.fromisoformat(record["WorkDate"])
        residents = int(record["MDScensus"])
        key = (f"ccn_{record['PROVNUM']}", day, residents)
        if (record["PROVNUM"], day) == SILENT:
            expected.append((*key, *[None] * 7))
            continue
        of = {role: D(record[f"Hrs_{role}"]) for role in ROLES}
        total = sum(of.values())
        agency = sum(D(record[f"Hrs_{role}_ctr"]) for role in ROLES)
        nurses = of["RNDON"] + of["RNadmin"] + of["RN"]
        practical = of["LPNadmin"] + of["LPN"]
        aides = of["CNA"] + of["NAtrn"] + of["MedAide"]
        care = of["RN"] + of["LPN"] + of["CNA"]
        expected.append((*key, total, nurses, practical, aides, agency, rate(D(total), residents), care))
    assert found == expected


def test_a_month_of_a_home_with_its_weekends_and_its_silent_day(senders: Warehouse) -> None:
    found = senders.query(
        """select resident_days, resident_hours, hours_per_resident_day, weekend_resident_days, weekend_resident_hours,
        weekend_rn_resident_hours, weekend_hours_per_resident_day, contract_hours_pct, fte, cms_aberrant_code,
        overtime_pct, fill_rate_pct, is_provisional
        from gold.monthly_staffing_metrics
        where facility_id = 'ccn_055001' and month_start_date = date '2024-02-01'"""
    )
    february = [r for r in homes_records() if r["PROVNUM"] == "055001" and r["WorkDate"].startswith("202402")]
    sent = [record for record in february if record["Hrs_RN"]]
    assert len(february) - len(sent) == 1
    weekend = [record for record in sent if date.fromisoformat(record["WorkDate"]).isoweekday() > 5]
    assert 0 < len(weekend) < len(sent)

    def total(records: list[Record], roles: tuple[str, ...] = ROLES, suffix: str = "") -> Decimal:
        return sum((D(record[f"Hrs_{role}{suffix}"]) for record in records for role in roles), D(0))

    def residents(records: list[Record]) -> int:
        return sum(int(record["MDScensus"]) for record in records)

    assert found == [
        (
            residents(sent), total(sent), rate(total(sent), residents(sent)),
            residents(weekend), total(weekend), total(weekend, ROLES[:3]), rate(total(weekend), residents(weekend)),
            rate(100 * total(sent, suffix="_ctr"), total(sent)), rate(12 * total(sent), 2080),
            None if total(sent) <= 12 * residents(sent) else "TOTAL_ABOVE_12", None, None, False,
        )
    ]  # fmt: skip


def test_the_last_complete_month_is_provisional(senders: Warehouse) -> None:
    found = senders.query(
        """select month(month_start_date), is_provisional, count(*) from gold.monthly_staffing_metrics
        group by all order by all"""
    )
    assert found == [(1, False, 3), (2, False, 3), (3, True, 3)]


def test_beds_in_long_format_without_the_totals(senders: Warehouse) -> None:
    found = senders.query(
        """select facility_id, day(census_date), midnight_census, available_beds, bed_occupancy_rate
        from gold.daily_census where facility_id like 'region_%' order by all"""
    )
    assert found == [
        ("region_A", 1, 1050, 1000, D("105.00")),
        ("region_A", 2, 900, 1000, D("90.00")),
        ("region_A", 3, 910, None, None),
        ("region_B", 1, 0, 40, D("0.00")),
        ("region_B", 2, None, 40, None),
    ]
    found = senders.query(
        """select facility_id, census_days, occupied_bed_days, occupied_known_bed_days, available_bed_days,
        bed_occupancy_rate, average_daily_census
        from gold.monthly_patient_metrics where facility_id like 'region_%' order by all"""
    )
    assert found == [
        ("region_A", 3, 2860, 1950, 2000, D("97.50"), D("953.33")),
        ("region_B", 1, 0, 0, 40, D("0.00"), D("0.00")),
    ]


def test_gold_that_such_files_cannot_feed_is_empty(senders: Warehouse) -> None:
    fed = {"daily_census", "monthly_patient_metrics", "nursing_hours_daily", "monthly_staffing_metrics"}
    tables = {name for (name,) in senders.query("select table_name from duckdb_tables() where schema_name = 'gold'")}
    assert tables > fed
    filled = {name for name in tables if senders.query(f"select count(*) from gold.{name}") != [(0,)]}
    assert (
        filled & {"encounter_facts", "clinician_workload_monthly", "drug_costs_monthly", "drug_price_history"} == set()
    )
    assert filled >= fed


def test_a_facility_without_a_time_zone_is_named(tmp_path: Path) -> None:
    records = [record | {"STATE": "ZZ"} for record in homes_records() if record["PROVNUM"] == "676543"]
    write_homes(tmp_path, records)
    (tmp_path / "tmp").mkdir()
    warehouse, homes = Warehouse(tmp_path), example("pbj")
    load_files(warehouse, homes, tmp_path)
    refused = warehouse.dbt(
        "build", "--select", "+facilities", sources=known(homes), project=project_with(tmp_path, "pbj")
    )
    assert refused.returncode != 0
    told = without_values(refused.stdout)
    assert "The facility ccn_676543 of the source pbj has no time zone. Give it one in stg_pbj__facilities." in told
