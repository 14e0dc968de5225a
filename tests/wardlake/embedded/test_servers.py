"""PostgreSQL and the S3 server of one machine: start, crash, restart, taken ports, nothing left behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from traces import processes_of

from wardlake.embedded import objectstore, postgres, processes, stack
from wardlake.embedded.ports import LOOPBACK, PREFERRED, choose_ports, is_free
from wardlake.errors import PermanentError
from wardlake.lake import Lake
from wardlake.settings import Settings, load_settings

PATIENCE_S = 30


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "a home with spaces, ä and so many letters that no socket of a server fits into the folder"
    monkeypatch.setenv("WARDLAKE_HOME", str(folder))
    yield folder
    stack.down(folder)


def start() -> Settings:
    said: list[str] = []
    before = load_settings()
    ports = stack.start_servers(before, said.append)
    settings = stack.save_settings(before, ports, ())
    Lake(settings).ensure_buckets()
    return settings


def test_servers_keep_their_data_over_a_stop_and_leave_no_process(home: Path) -> None:
    settings = start()
    with psycopg.connect(postgres.uri(home, "hospital"), autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")
    assert Lake(settings).put_if_absent("wardlake-bronze", "kept", b"object")
    assert processes_of(home)
    assert stack.down(home)
    assert processes_of(home) == []
    again = start()
    assert again == settings
    with psycopg.connect(postgres.uri(home, "hospital")) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)
    assert Lake(again).get("wardlake-bronze", "kept") == b"object"


def test_a_second_start_changes_nothing(home: Path) -> None:
    start()
    pids = {name: processes.state(home, name)["pid"] for name in ("postgres", "s3")}
    start()
    assert pids == {name: processes.state(home, name)["pid"] for name in ("postgres", "s3")}


@pytest.mark.parametrize("victim", ["postgres", "s3", "supervisord"])
def test_a_killed_server_comes_back_with_its_data(home: Path, victim: str) -> None:
    settings = start()
    with psycopg.connect(postgres.uri(home, "hospital"), autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")
    Lake(settings).put_if_absent("wardlake-bronze", "kept", b"object")
    pid = processes.supervisor_pid(home) if victim == "supervisord" else processes.state(home, victim)["pid"]
    process = psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    process.wait(PATIENCE_S)
    again = start()
    with psycopg.connect(postgres.uri(home, "hospital")) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)
    assert Lake(again).get("wardlake-bronze", "kept") == b"object"
    stack.down(home)
    assert processes_of(home) == []


def test_passwords_are_asked_for(home: Path) -> None:
    settings = start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.uri(home, "hospital"), password="guessed")
    stranger = settings.model_copy(update={"s3_access_key_id": "stranger"})
    with pytest.raises(PermanentError, match="refused the credentials"):
        Lake(stranger).list(settings.bucket("bronze"))


def test_sources_are_read_by_a_role_that_cannot_write_and_airflow_keeps_its_own_database(home: Path) -> None:
    settings = start()
    with psycopg.connect(postgres.uri(home, "hospital"), autocommit=True) as connection:
        connection.execute("create table ward as select 'ICU' as ward_cd")
    with psycopg.connect(settings.connection_uri("reference_db"), autocommit=True) as connection:
        assert connection.execute("select * from ward").fetchall() == [("ICU",)]
        connection.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from ward")
    stranger = postgres.reader_uri(home, "hospital").replace("/hospital", "/airflow")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(stranger)


def test_secrets_are_readable_by_their_owner_only(home: Path) -> None:
    start()
    private = [home / "env", *(home / "secrets").iterdir(), processes.runtime_dir(home) / "supervisord.conf"]
    assert len(private) > 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_servers_listen_on_the_loopback_interface_only(home: Path) -> None:
    start()
    server = psutil.Process(processes.state(home, "s3")["pid"])
    family = [server, *server.children(recursive=True)]
    addresses = {c.laddr.ip for one in family for c in one.net_connections() if c.status == psutil.CONN_LISTEN}
    assert addresses == {LOOPBACK}


def test_a_taken_port_is_replaced_and_the_choice_is_kept(home: Path) -> None:
    home.mkdir()
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        (home / "ports.json").write_text(f'{{"airflow": {port}, "s3": {port}}}')
        assert not is_free(port)
        chosen = choose_ports(home)
        assert port not in chosen.values()
    assert choose_ports(home) == chosen


def test_a_server_on_another_than_the_usual_port_is_told(home: Path) -> None:
    home.mkdir()
    port = choose_ports(home)["airflow"] + 1
    (home / "ports.json").write_text(f'{{"airflow": {port}}}')
    said: list[str] = []
    stack.start_servers(load_settings(), said.append)
    assert f"Port {PREFERRED['airflow']} is taken; airflow uses {port} instead" in said


def test_children_in_process_groups_of_their_own_are_stopped(home: Path) -> None:
    script = "import subprocess, time; subprocess.Popen(['sleep', '1000'], start_new_session=True); time.sleep(1000)"
    program = processes.Program("parent", [sys.executable, "-c", script], priority=1)
    processes.start_supervisor(home, [program], {})
    parent = psutil.Process(processes.state(home, "parent")["pid"])
    processes.wait_until(lambda: bool(parent.children()), PATIENCE_S, "the child", home)
    [child] = parent.children()
    processes.stop_supervisor(home)
    assert not child.is_running()
    assert not parent.is_running()


def test_a_program_that_fails_is_named_with_its_log(home: Path) -> None:
    program = processes.Program(
        "broken", [sys.executable, "-c", "exit(1)"], priority=1, starts_at_once=False, restarts=False
    )
    processes.start_supervisor(home, [program], {})
    with pytest.raises(PermanentError, match=r"broken failed\. See .*broken\.log"):
        processes.run_to_end(home, "broken", PATIENCE_S)


def test_clean_forgets_a_home_and_refuses_other_folders(home: Path, tmp_path: Path) -> None:
    start()
    runtime = processes.runtime_dir(home)
    stack.clean(home)
    assert not home.exists()
    assert not runtime.exists()
    (tmp_path / "letters").mkdir()
    with pytest.raises(PermanentError, match="not a folder that 'wardlake up' has filled"):
        stack.clean(tmp_path / "letters")
    (tmp_path / "ports.json").write_text("{}")
    ended = subprocess.run(
        [Path(sys.executable).with_name("wardlake"), "clean", "--yes"],
        cwd=tmp_path / "letters",
        env={**os.environ, "WARDLAKE_HOME": str(tmp_path)},
        check=False,
    )
    assert ended.returncode == 1
    assert (tmp_path / "letters").exists()


def test_the_object_store_is_given_in_the_saved_settings(home: Path) -> None:
    settings = start()
    saved = dict(line.split("=", 1) for line in (home / "env").read_text().splitlines())
    assert saved["WARDLAKE_S3_ENDPOINT_URL"] == settings.s3_endpoint_url
    assert settings.s3_access_key_id == objectstore.ACCESS_KEY_ID
