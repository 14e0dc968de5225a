"""Gold says of every column what it means, and the pages that people read say the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from wardlake.definitions import problems_of, read_tables
from wardlake.definitions.pages import dictionary_page, metrics_page
from wardlake.settings import load_settings

META = {
    "formula": "100 x occupied / available",
    "numerator": "occupied",
    "denominator": "available",
    "unit": "percent",
    "authority": "NHS KH03",
    "address": "https://www.england.nhs.uk/",
    "reviewed_on": "2026-11-25",
    "owner": "patient flow",
}
COUNT = {**META, "formula": "count of beds", "unit": "beds"}


def project(folder: Path, **changes: str | None) -> Path:
    """A dbt project with one gold table; `changes` are made to what it says of its rate."""
    meta = {name: value for name, value in {**META, **changes}.items() if value is not None}
    columns = [
        {"name": "ward_id", "data_type": "varchar", "description": "Ward.", "data_tests": ["unique"]},
        {"name": "occupied", "data_type": "bigint", "description": "Beds in use.", "config": {"meta": COUNT}},
        {"name": "available", "data_type": "bigint", "description": "Beds.", "config": {"meta": COUNT}},
        {"name": "rate", "data_type": "decimal(18, 2)", "description": "Use | of <beds>.", "config": {"meta": meta}},
    ]
    columns[0]["config"] = {"meta": {**COUNT, "authority": "Wardlake design", "address": "docs/metrics.md"}}
    model = {"name": "beds", "description": "Beds of a ward.", "columns": columns}
    path = folder / "models" / "gold" / "patients" / "beds.yml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump({"models": [model]}))
    return folder


def test_a_whole_definition_is_in_order(tmp_path: Path) -> None:
    assert problems_of(read_tables(project(tmp_path))) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"formula": None}, "lacks formula."),
        ({"address": None, "owner": ""}, "lacks address, owner."),
        ({"numerator": None}, "lacks numerator."),
        ({"unit": "days per bed", "denominator": None}, "lacks denominator."),
        ({"numerator": "patients"}, "names no column of its table as numerator: patients."),
        ({"address": "a leaflet"}, "has an address that nobody can open: a leaflet."),
        ({"reviewed_on": "in spring"}, "has no date up to today in reviewed_on: in spring."),
        (
            {"reviewed_on": str((datetime.now(UTC) + timedelta(days=2)).date())},
            f"has no date up to today in reviewed_on: {(datetime.now(UTC) + timedelta(days=2)).date()}.",
        ),
    ],
)
def test_what_a_definition_lacks_is_told(tmp_path: Path, change: dict[str, str | None], told: str) -> None:
    assert problems_of(read_tables(project(tmp_path, **change))) == [f"Column gold.beds.rate {told}"]


def test_the_metrics_page_holds_the_numbers_only(tmp_path: Path) -> None:
    page = metrics_page(read_tables(project(tmp_path)))
    assert "**`rate`** (percent): Use | of <beds>." in page
    assert "- numerator: occupied; denominator: available" in page
    assert "[NHS KH03](https://www.england.nhs.uk/), reviewed on 2026-11-25; owner: patient flow" in page
    assert "ward_id" not in page


def test_the_dictionary_says_what_a_row_is(tmp_path: Path) -> None:
    page = dictionary_page(read_tables(project(tmp_path)))
    assert "One row for each: `ward_id`." in page
    assert "| `rate` | decimal(18, 2) | Use \\| of &lt;beds>. |" in page


@pytest.mark.parametrize(("name", "page"), [("metrics.md", metrics_page), ("data-dictionary.md", dictionary_page)])
def test_the_pages_are_up_to_date(name: str, page) -> None:
    settings = load_settings()
    written = (settings.project_root / "docs" / name).read_text()
    assert written == page(read_tables(settings.dbt_dir)), "run 'wardlake docs'"


def test_every_table_of_silver_and_gold_is_defined() -> None:
    assert problems_of(read_tables(load_settings().dbt_dir)) == []
