"""The summary at the end: figures of the newest year, sum over sum."""

from pathlib import Path

import duckdb
from rich.console import Console

from wardlake.bronze import Extraction, Manifest
from wardlake.settings import Settings
from wardlake.summary import headlines_table, print_batches


def publish_tables(settings: Settings) -> None:
    """A published gold with hand-made figures of two facilities."""
    folder = settings.published_dir / "current"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "gold.duckdb")) as gold:
        gold.execute(
            """
            create table daily_census as
            select * from (values
                ('north', date '2024-12-31', 1, 100), ('north', date '2025-01-01', 80, 100),
                ('north', date '2025-01-02', 90, 300), ('north', date '2025-01-03', 70, null),
                ('south', date '2025-01-01', 5, null)
            ) as t (facility_id, census_date, midnight_census, available_beds)
            """
        )
        gold.execute(
            """
            create table nursing_hours_daily as
            select * from (values
                ('north', date '2024-12-31', 9999, 1), ('north', date '2025-01-01', 30, 10),
                ('north', date '2025-01-02', 10, 10), ('north', date '2025-01-03', null, 10)
            ) as t (facility_id, work_date, total_nursing_hours, patient_days)
            """
        )
        gold.execute(
            """
            create table drug_costs_monthly as
            select * from (values
                ('north', 'EUR', date '2025-01-01', 100.0, 50), ('north', 'EUR', date '2025-01-01', 20.0, 50),
                ('north', 'EUR', date '2025-02-01', 30.0, 50), ('north', 'EUR', date '2025-03-01', null, 50)
            ) as t (facility_id, currency_code, month_start_date, acquisition_cost, occupied_bed_days)
            """
        )
    duckdb.connect(str(folder / "silver.duckdb")).close()


def test_figures_are_of_the_newest_year_and_unknown_is_said(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    publish_tables(settings)
    console = Console(width=120, record=True, file=(tmp_path / "out").open("w"))
    console.print(headlines_table(settings))
    rows = {line.split("│")[1].strip(): line for line in console.export_text().splitlines() if "│" in line}
    assert [cell.strip() for cell in rows["north"].split("│")[2:6]] == ["2025", "42.5%", "2.00 h", "1.50 EUR"]
    assert rows["south"].count("unknown") == 3


def test_a_table_of_which_nothing_came_and_a_window_that_has_its_batch_are_told(tmp_path: Path) -> None:
    console = Console(width=40, record=True, file=(tmp_path / "out").open("w"))
    empty = Manifest.model_construct(source="pharmacy", table="dispensing", arrived=False)
    full = Manifest.model_construct(source="pharmacy", table="price_list", arrived=True)
    print_batches(console, [Extraction(empty, is_new=False), Extraction(full, is_new=True)])
    told = console.export_text().splitlines()
    assert told[:2] == [
        "Batches: 1 new, 1 of this window were there already",
        "Nothing arrived for pharmacy.dispensing",
    ]
    assert "wardlake run --window START/END" in told[2]


def test_a_run_that_read_everything_for_the_first_time_says_no_more_than_that(tmp_path: Path) -> None:
    console = Console(width=200, record=True, file=(tmp_path / "out").open("w"))
    print_batches(console, [Extraction(Manifest.model_construct(arrived=True), is_new=True)])
    assert console.export_text() == "Batches: 1 new, 0 of this window were there already\n"
