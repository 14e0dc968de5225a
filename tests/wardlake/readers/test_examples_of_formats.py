"""The YAML on the pages of file formats is the tested one."""

import pytest

from wardlake.settings import PROJECT_ROOT
from wardlake.sources import read_source

PAGES = PROJECT_ROOT / "docs" / "sources"


@pytest.mark.parametrize(
    ("page", "example"),
    [
        ("excel", "excel_staffing"),
        ("json", "json_bed_states"),
        ("xml", "xml_roster"),
        ("fhir-bulk", "fhir_bulk"),
    ],
)
def test_the_example_of_a_page_is_read(page: str, example: str) -> None:
    path = PAGES / "examples" / f"{example}.yaml"
    assert read_source(path).tables
    assert f"```yaml\n{path.read_text()}```" in (PAGES / f"{page}.md").read_text()
