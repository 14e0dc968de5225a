"""The overview shows what gold says, says what gold does not know, and needs nothing beside it."""

import re
from pathlib import Path

import duckdb
import pytest

from wardlake.errors import PermanentError
from wardlake.overview import write_overview
from wardlake.settings import Settings

GOLD = """
    CREATE TABLE gold.daily_census AS
        SELECT 'h' AS facility_id, 'h:a' AS ward_id, 'Ward A' AS ward_name, day::date AS census_date,
               9 AS midnight_census, 10 AS available_beds
        FROM generate_series(timestamp '2025-01-01', timestamp '2025-03-31', interval 1 day) days(day)
        UNION ALL SELECT 'h', 'h:b', 'Ward <B>', date '2025-03-31', 2, NULL
        -- beds of which nobody counted the patients
        UNION ALL SELECT 'h', 'h:c', 'Ward C', date '2025-03-31', NULL, 500;
    CREATE TABLE gold.nursing_hours_daily AS
        SELECT 'h' AS facility_id, census_date AS work_date, 9 AS patient_days, 54::decimal(9, 4) AS total_nursing_hours
        FROM gold.daily_census WHERE ward_id = 'h:a';
    CREATE TABLE gold.drug_costs_monthly AS
        SELECT 'h' AS facility_id, m::date AS month_start_date, 'EUR' AS currency_code, drug AS drug_id,
               cost::decimal(18, 4) AS acquisition_cost, 300 AS occupied_bed_days
        FROM (VALUES ('2025-01-01', 'd1', 100), ('2025-01-01', 'd2', 200), ('2025-02-01', 'd1', 300)) t(m, drug, cost);
    CREATE TABLE gold.drug_cost_drivers AS
        SELECT 'h' AS facility_id, date '2025-02-01' AS month_start_date, 'EUR' AS currency_code, 'd1' AS drug_id,
               'Aspirin' AS drug_name, 50::decimal(18, 4) AS price_effect, 150::decimal(18, 4) AS volume_effect,
               200::decimal(18, 4) AS cost_change;
    INSERT INTO gold.drug_costs_monthly VALUES ('only_drugs', date '2025-01-01', 'AUD', 'd1', 5, NULL);
    CREATE TABLE silver.facilities AS
        FROM (VALUES ('h', 'Hospital & Sons', 'EUR'), ('only_drugs', 'Practice', 'AUD'))
        t(facility_id, facility_name, currency_code);
"""


@pytest.fixture
def published(settings: Settings) -> Settings:
    folder = settings.published_dir / "p1"
    folder.mkdir(parents=True)
    with duckdb.connect() as engine:
        for schema in ("gold", "silver"):
            engine.execute(f"ATTACH '{folder / f'{schema}.duckdb'}' AS {schema}")
        engine.execute(GOLD)
    (settings.published_dir / "current").symlink_to(folder)
    return settings


def shown(path: Path) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", path.read_text()))


def test_the_headlines_and_all_plots_are_there(published: Settings) -> None:
    page = write_overview(published)
    text = shown(page)
    assert page.name == "overview-h.html"
    for told in ("Hospital &amp; Sons", "90.0% bed occupancy, 2025", "6.00 h nursing hours", "1.00 EUR drug cost per"):
        assert told in text
    for label in ("Ward A", "Ward &lt;B&gt;", "Jan 2025", "Mar 2025", "Aspirin", "price effect"):
        assert label in text
    assert page.read_text().count('role="img"') == 4


def test_what_gold_does_not_know_is_said(published: Settings) -> None:
    text = shown(write_overview(published, "only_drugs"))
    assert "No source tells how many beds were available." in text
    assert "No source tells the hours of nurses." in text
    assert "drug cost, AUD" in text
    assert "EUR" not in text


def test_the_page_needs_nothing_beside_it(published: Settings) -> None:
    html = write_overview(published).read_text()
    assert re.findall(r"<script|<link[^>]+stylesheet|@import", html) == []
    loaded = re.findall(r'(?:src|(?:xlink:)?href)="([^"]+)"', html)
    assert [one for one in loaded if not one.startswith(("data:", "#")) and one != "index.html"] == []


def test_a_hospital_that_gold_does_not_know_is_refused(published: Settings) -> None:
    with pytest.raises(PermanentError, match="Gold knows no hospital elsewhere") as refused:
        write_overview(published, "elsewhere")
    assert "Hospitals: h, only_drugs." in refused.value.remedy
