"""Published workbooks of English hospital trusts: posts and beds by month, against the workbooks' own figures."""

import os
from collections import defaultdict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import openpyxl
import pytest
from tests.dbt_project.aggregates import example, known, load_files, project_with
from tests.dbt_project.conftest import Warehouse

DATA = Path(os.environ.get("WARDLAKE_REAL_DATA", "/nowhere")) / "nhs_trust_staffing_beds"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="WARDLAKE_REAL_DATA is not set")

WORKFORCE = DATA / "hchs_staff_by_group_org_2017sep_2018jun.xlsx"
DISCHARGES = DATA / "delayed_discharges_flourish_data.xlsx"
Posts = dict[tuple[str, date], dict[str, Decimal]]


def records(path: Path, sheet: str) -> list[dict[str, object]]:
    header, *rows = openpyxl.load_workbook(path, read_only=True)[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def number(value: object) -> Decimal:
    """A cell's number with the digits that Excel shows."""
    return Decimal(f"{value:.15g}")


@pytest.fixture(scope="module")
def trusts(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    source = example("nhs_trusts")
    load_files(warehouse, source, DATA)
    warehouse.build(known(source), project_with(tmp_path_factory.mktemp("project"), "nhs_trusts"))
    return warehouse


def test_posts_of_every_trust_and_month(trusts: Warehouse) -> None:
    expected: Posts = defaultdict(lambda: defaultdict(Decimal))
    groups = {"HCHS doctors": "physician", "Nurses & health visitors": "rn"}
    for record in records(WORKFORCE, "Data"):
        if "TRUST" in str(record["Organisation name"]).upper():
            month = datetime.strptime(str(record["Month"]), "%Y-%b").date()  # noqa: DTZ007  a month has no zone
            posts = expected[f"nhs_{record['Organisation code']}", month]
            if record["Staff group"] in groups:
                posts[groups[str(record["Staff group"])]] += number(record["FTE"])
    for record in records(DISCHARGES, "All trusts staffing"):
        month = datetime.strptime(str(record["month"]), "%b-%y").date()  # noqa: DTZ007  a month has no zone
        posts = expected[f"nhs_{record['org_code']}", month]
        posts["physician"] += number(record["doctors"])
        posts["rn"] += number(record["nurses"])

    found = trusts.query(
        """select facility_id, month_start_date, rn_fte_in_post, physician_fte_in_post, paid_hours,
        total_nursing_hours_per_patient_day, ward_id from gold.monthly_staffing_metrics"""
    )
    told = {(key, month): (nurses, doctors) for key, month, nurses, doctors, *_ in found}
    assert {row[4:] for row in found} == {(None, None, None)}, "posts are no hours"
    cent = Decimal("0.0001")
    assert len(told) == len(found) >= 717
    for place, posts in expected.items():
        if posts:
            nurses, doctors = (posts.get(role) for role in ("rn", "physician"))
            rounded = tuple(fte if fte is None else fte.quantize(cent, ROUND_HALF_UP) for fte in (nurses, doctors))
            assert told[place] == rounded, place  # type: ignore[index]


def test_beds_of_every_trust_and_month(trusts: Warehouse) -> None:
    found = trusts.query(
        """select facility_id, month_start_date, occupied_bed_days, available_bed_days, bed_occupancy_rate, census_days
        from gold.monthly_patient_metrics"""
    )
    published = records(DISCHARGES, "Most Improved Consistency")
    assert len(found) == len(published) == 126
    by_month = {(key, month): figures for key, month, *figures in found}
    for record in published:
        assert isinstance(record["month"], datetime)
        days = int(str(record["days_in_month"]))
        occupied, available, rate, census_days = by_month[f"nhs_{record['org_code']}", record["month"].date()]
        assert census_days == days
        assert occupied == round(number(record["occupied_beds"]) * days)
        assert available == round(number(record["acute_beds"]) * days)
        # the workbook's rate has three digits of a whole, from averages that were not rounded to beds
        assert abs(rate - 100 * number(record["occupancy_rate"])) <= Decimal("0.35"), record["org_code"]  # type: ignore[operator]


def test_commissioners_are_no_hospitals(trusts: Warehouse) -> None:
    names = {name for (name,) in trusts.query("select facility_name from silver.facilities")}
    assert not [name for name in names if str(name).endswith("CCG")]
    assert trusts.query("select count(*) from silver.facilities where timezone <> 'Europe/London'") == [(0,)]


def test_gold_of_patients_and_drugs_is_empty(trusts: Warehouse) -> None:
    for table in ("encounter_facts", "daily_census", "nursing_hours_daily", "clinician_workload_monthly"):
        assert trusts.query(f"select count(*) from gold.{table}") == [(0,)]
