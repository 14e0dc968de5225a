"""Settings come from WARDLAKE_* variables and are refused together, by name."""

from pathlib import Path

import pytest

from wardlake.errors import PermanentError
from wardlake.settings import PROJECT_ROOT, Settings, SettingsError, load_settings


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WARDLAKE_HOME", str(tmp_path))
    for name, value in {
        "THREADS": "none",
        "BUCKET_PREFIX": "No Capitals",
        "MEMORY_LIMIT": "plenty",
        "WAREHOUSE": "oracle",
        "S3_ENDPOINT_URL": "localhost:9000",
        "PSEUDONYM_KEY": "short-secret",
    }.items():
        monkeypatch.setenv(f"WARDLAKE_{name}", value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    message = str(raised.value)
    for name in ("THREADS", "BUCKET_PREFIX", "MEMORY_LIMIT", "WAREHOUSE", "S3_ENDPOINT_URL", "PSEUDONYM_KEY"):
        assert f"WARDLAKE_{name}" in message
    assert "short-secret" not in message


def test_the_environment_wins_over_the_file_of_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "env").write_text(
        "# chosen by wardlake up\nWARDLAKE_THREADS=7\nWARDLAKE_MEMORY_LIMIT=2GB\nWARDLAKE_CONN_A_DB=x=y\n"
    )
    monkeypatch.setenv("WARDLAKE_HOME", str(tmp_path))
    monkeypatch.setenv("WARDLAKE_THREADS", "3")
    settings = load_settings()
    assert (settings.threads, settings.memory_limit) == (3, "2GB")
    assert settings.connection_uri("a_db") == "x=y"


def test_a_child_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WARDLAKE_HOME", str(tmp_path))
    monkeypatch.setenv("WARDLAKE_SOURCES", "reference, mimic3")
    monkeypatch.setenv("WARDLAKE_PSEUDONYM_KEY", "k" * 32)
    monkeypatch.setenv("WARDLAKE_CONN_REFERENCE_DB", "postgresql://reader@localhost/hospital")
    before = load_settings()
    for name, value in before.environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == before
    assert before.sources == ("reference", "mimic3")


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WARDLAKE_HOME", str(tmp_path))
    monkeypatch.setenv("WARDLAKE_S3_SECRET_ACCESS_KEY", "do-not-print-this")
    monkeypatch.setenv("WARDLAKE_CONN_A_DB", "postgresql://u:do-not-print-this@h/d")
    assert "do-not-print-this" not in repr(load_settings())


def test_a_connection_that_nobody_set_names_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WARDLAKE_HOME", str(tmp_path))
    with pytest.raises(PermanentError, match="WARDLAKE_CONN_LAB_DB"):
        load_settings().connection_uri("lab_db")


def test_every_setting_is_documented_with_its_default() -> None:
    page = (PROJECT_ROOT / "docs" / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        if name == "connections":
            continue
        row = next(line for line in page.splitlines() if line.startswith(f"| `WARDLAKE_{name.upper()}` |"))
        if isinstance(field.default, str | int):
            assert f"| `{field.default}` |" in row


def test_the_usual_home_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings().home == tmp_path / ".wardlake"
