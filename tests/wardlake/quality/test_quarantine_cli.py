"""`wardlake quarantine`, as a person at a terminal sees it."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from wardlake.bronze import Manifest
from wardlake.cli import app
from wardlake.errors import PermanentError
from wardlake.ledger import open_ledger
from wardlake.quality import judge_source

MARK = "Zq9Secret\x1b[2J"
Wardlake = Callable[..., Result]


@pytest.fixture
def batch(quality: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """Ten stays, of which the rule `odd` holds two."""
    quality.suite("stay", make.query("odd", "SELECT _row_id FROM {batch} WHERE id > 8", "quarantine"))
    manifest: Manifest = quality.batch("stay", f"SELECT i AS id, '{MARK}' AS ward FROM range(1, 11) AS t(i)")
    source = make.clinic(stay={"id": "BIGINT", "ward": "VARCHAR"})
    judge_source(quality.settings, source)
    folder = quality.settings.sources_dir
    folder.mkdir(parents=True)
    (folder / "clinic.yaml").write_text(yaml.safe_dump(source.model_dump(mode="json"), sort_keys=False))
    for name, value in quality.settings.environment().items():
        if name.startswith("WARDLAKE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("WARDLAKE_MAY_SHOW_ROWS", "nurse,doctor")
    monkeypatch.setattr("wardlake.console.console.width", 250)
    return manifest


@pytest.fixture
def wardlake() -> Wardlake:
    """`wardlake quarantine ...`."""

    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["quarantine", *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def in_terminal(*arguments: str) -> str:
    """What the command prints in a terminal of its own."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from wardlake.cli import main; main()", "quarantine", *arguments]
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=environment) as process:
        os.close(theirs)
        printed = b""
        while chunk := _read(ours):
            printed += chunk
    os.close(ours)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def test_ls_lists_rules_with_rows_and_owner_and_accept_takes_them_off(
    wardlake: Wardlake, batch: Manifest, quality: Any
) -> None:
    assert "clinic.stay" in wardlake("ls").stdout
    (held,) = json.loads(wardlake("ls", "clinic.stay", "--json").stdout)
    assert (held["batch_id"], held["rule_id"], held["rows"]) == (batch.batch_id, "clinic.stay.odd", 2)
    given = ("--name", "nurse", "--reason", "Checked with the ward.")
    done = wardlake("accept", "clinic.stay", batch.batch_id, "clinic.stay.odd", *given)
    assert "2 rows accepted" in done.stdout
    assert "No row is in quarantine" in wardlake("ls").stdout
    assert "accepted before" in wardlake("accept", "clinic.stay", batch.batch_id, "clinic.stay.odd", *given).stdout
    with open_ledger(quality.settings) as ledger:
        assert ledger.execute("SELECT decided_by FROM quality.decisions").fetchall() == [("nurse",)]


def test_replay_tells_what_was_and_what_is(wardlake: Wardlake, batch: Manifest, quality: Any, make: Any) -> None:
    quality.suite("stay", make.query("odd", "SELECT _row_id FROM {batch} WHERE id > 9", "quarantine"))
    done = wardlake("replay", "clinic.stay", batch.batch_id, "--reason", "The rule was mended.")
    assert "quarantined with 2 rows in quarantine before, quarantined with 1 now" in done.stdout


def test_a_reason_is_asked_for(wardlake: Wardlake, batch: Manifest) -> None:
    for command in (
        ("replay", "clinic.stay", batch.batch_id),
        ("accept", "clinic.stay", batch.batch_id, "clinic.stay.odd"),
        ("show", "clinic.stay", batch.batch_id),
    ):
        assert wardlake(*command).exit_code == 2


def test_rows_are_shown_in_a_terminal_to_those_who_may(wardlake: Wardlake, batch: Manifest, quality: Any) -> None:
    show = ("show", "clinic.stay", batch.batch_id, "--name", "nurse", "--reason", "The ward asks.")
    with pytest.raises(PermanentError, match="in a terminal only"):
        wardlake(*show)
    printed = in_terminal(*show)
    assert "held by clinic.stay.odd" in printed
    assert "Zq9Secret" in printed
    assert "\x1b[2J" not in printed
    assert "2 of 2 rows" in printed
    with open_ledger(quality.settings) as ledger:
        entered = ledger.execute("SELECT action, rows, decided_by, reason FROM quality.decisions").fetchall()
    assert entered == [("show", 2, "nurse", "The ward asks.")]
