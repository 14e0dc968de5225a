"""What a person at a terminal sees of bronze."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pharmacy import FIRST_DAY, Pharmacy, PutForward
from typer.testing import CliRunner, Result

from wardlake.bronze import extract_table
from wardlake.bronze.compact import FEWEST
from wardlake.bronze.manifest import batch_prefix
from wardlake.cli import app
from wardlake.errors import WardlakeError
from wardlake.window import Window


@pytest.fixture
def wardlake(pharmacy: Pharmacy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Command":
    """The command, in a project whose only source is the pharmacy."""
    sources = tmp_path / "project" / "dags" / "sources"
    sources.mkdir(parents=True)
    (sources / "pharmacy.yaml").write_text(yaml.safe_dump(pharmacy.source.model_dump(mode="json"), sort_keys=False))
    for name, value in pharmacy.settings.environment().items():
        if name.startswith("WARDLAKE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("WARDLAKE_PROJECT_ROOT", str(tmp_path / "project"))
    monkeypatch.setattr("wardlake.console.console.width", 250)
    return Command()


class Command:
    """`wardlake bronze ...`."""

    def __call__(self, *arguments: str) -> Result:
        result = CliRunner().invoke(app, ["bronze", *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result


def line_of(output: str, id_: str) -> str:
    """The line that shows a batch, with single spaces."""
    (line,) = [line for line in output.splitlines() if id_ in line]
    return " ".join(line.split())


def test_ls_shows_what_each_batch_is_and_what_became_of_it(
    wardlake: Command, pharmacy: Pharmacy, put_forward: PutForward
) -> None:
    delivered = pharmacy.deliver(*range(FEWEST))
    output = wardlake("ls").stdout
    assert output.split()[0] == "pharmacy.price"
    first = line_of(output, delivered[0].batch_id)
    assert first.startswith(f"{delivered[0].batch_id} 2026-01-02 00:00 3 ")
    assert first.endswith("window current")
    put_forward(timedelta(days=8))
    wardlake("compact", "pharmacy.price")
    pharmacy.deliver(FEWEST)
    output = wardlake("ls", "pharmacy").stdout
    assert line_of(output, delivered[0].batch_id).endswith("window compacted")
    place = pharmacy.batches()[0].compaction
    assert place is not None
    assert line_of(output, place.compaction_id).startswith(f"{place.compaction_id} 15 ")
    assert line_of(output, place.compaction_id).endswith("compaction current")
    assert line_of(output, pharmacy.batches()[-1].batch_id).endswith("window current")


def test_ls_fits_a_terminal(wardlake: Command, pharmacy: Pharmacy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wardlake.console.console.width", 80)
    (batch,) = pharmacy.deliver(0)
    assert line_of(wardlake("ls").stdout, batch.batch_id).endswith("window current")


def test_show_tells_all_of_a_batch(wardlake: Command, pharmacy: Pharmacy) -> None:
    first, second = pharmacy.deliver(0, 1)
    output = wardlake("show", "pharmacy.price", first.batch_id[:10]).stdout
    for told in (
        first.batch_id,
        "3 at the source, 3 in the lake",
        "price_0000.csv: 3 rows",
        "Drug VARCHAR",
        first.files[0].key,
        first.files[0].sha256,
    ):
        assert told in output
    assert second.batch_id not in output
    assert "D0-0" not in output
    with pytest.raises(WardlakeError, match="has 2 batches whose id begins with"):
        wardlake("show", "pharmacy.price", "2026")


def test_verify_ends_with_1_if_something_differs(wardlake: Command, pharmacy: Pharmacy) -> None:
    first, second = pharmacy.deliver(0, 1)
    whole = wardlake("verify")
    assert whole.exit_code == 0
    assert "2 batches, 2 files" in whole.stdout
    assert "all as their manifests say" in whole.stdout
    pharmacy.put(first.files[0].key, b"other")
    pharmacy.put(batch_prefix("pharmacy", "price", second.batch_id) + "part-00000000-00000-000.parquet", b"half")
    differs = wardlake("verify", "pharmacy")
    assert differs.exit_code == 1
    assert "another content" in line_of(differs.stdout, f"pharmacy.price, {first.batch_id}:")
    assert "1 differ from their manifests" in differs.stdout
    assert "In no batch: 1 part (4 bytes)" in differs.stdout
    assert wardlake("verify", "pharmacy.price", "--batch", second.batch_id).exit_code == 0


def test_a_dry_run_says_what_would_go(wardlake: Command, pharmacy: Pharmacy, put_forward: PutForward) -> None:
    pharmacy.put(batch_prefix("pharmacy", "price", "killed") + "part-00000000-00000-000.parquet", b"half")
    put_forward(timedelta(days=2))
    assert "Would be deleted: 1 object, 4 bytes." in wardlake("clean", "--dry-run").stdout
    assert "parts of killed runs" in (output := wardlake("clean", "pharmacy").stdout)
    assert "Deleted: 1 object, 4 bytes." in output
    assert "Deleted: 0 objects, 0 bytes." in wardlake("clean").stdout
    assert "No table has enough small batches." in wardlake("compact", "--dry-run").stdout


def test_a_name_that_no_source_has_is_refused(wardlake: Command) -> None:
    with pytest.raises(WardlakeError, match=r"No active source has 'pharmacy\.prices'.*active sources: pharmacy"):
        wardlake("ls", "pharmacy.prices")


def test_a_table_of_which_nothing_came_says_so_before_and_after_an_empty_batch(
    wardlake: Command, pharmacy: Pharmacy
) -> None:
    def status() -> str:
        return line_of(CliRunner().invoke(app, ["status", "pharmacy"]).stdout, "pharmacy.price")

    assert "pharmacy.price: nothing has arrived yet." in wardlake("ls").stdout
    assert "nothing has arrived yet" in status()
    empty = extract_table(pharmacy.settings, pharmacy.source, "price", Window.of_day(FIRST_DAY)).manifest
    assert "nothing arrived" in line_of(wardlake("ls").stdout, empty.batch_id)
    assert "nothing has arrived yet" in status()
    (batch,) = pharmacy.deliver(1)
    assert "nothing" not in line_of(wardlake("ls").stdout, batch.batch_id)
    assert "nothing" not in status()


@pytest.mark.usefixtures("wardlake")
def test_status_shows_the_sources_that_are_named() -> None:
    assert "pharmacy.price" in CliRunner().invoke(app, ["status", "pharmacy"]).stdout
    assert "no active source lab" in str(CliRunner().invoke(app, ["status", "lab"]).exception)
