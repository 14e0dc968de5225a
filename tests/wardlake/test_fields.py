"""The page of all fields is made from the models."""

import subprocess
import sys

from wardlake.settings import PROJECT_ROOT
from wardlake.sources.fields import MEANINGS, fields_page


def test_the_page_is_up_to_date() -> None:
    page = (PROJECT_ROOT / "docs" / "sources" / "fields.md").read_text(encoding="utf-8")
    assert page == fields_page(), "run: python -m wardlake.sources.fields > docs/sources/fields.md"


def test_the_command_prints_the_page() -> None:
    command = [sys.executable, "-m", "wardlake.sources.fields"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT_ROOT / "plugins")
    assert done.stdout == fields_page()


def test_every_part_of_a_yaml_has_a_section() -> None:
    page = fields_page()
    for part in ("The file", "`facility`", "`tables.<name>.columns.<name>`", "`tables.<name>.cursor`"):
        assert f"\n## {part}\n" in page
    assert "\n## `connection` with kind: postgres\n" in page
    assert "\n## `tables.<name>.files` with format: json or jsonl\n" in page
    assert "| `keys` | list of text | **required** |" in page
    assert "| `look_back` | duration, such as PT1H | `PT1H` |" in page


def test_no_meaning_is_left_over() -> None:
    page = fields_page()
    assert [name for name, meaning in MEANINGS.items() if f"| `{name}` |" not in page or meaning not in page] == []
