"""Files of an SFTP server: a real OpenSSH, started here on a port of its own."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import paramiko
import pytest
from filing import file_source, names, reasons, shown, take
from pydantic import SecretStr

from wardlake.bronze.readers.files.sftp import open_sftp
from wardlake.bronze.readers.files.stores import ChangedError
from wardlake.embedded.ports import any_free_port
from wardlake.errors import PassingError, PermanentError
from wardlake.settings import Settings
from wardlake.sources import Source
from wardlake.sources.connections import SftpConnection

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
START_TIMEOUT_S = 20
ONE = b"id,value\n1,a\n"
TWO = b"id,value\n2,b\n"
ANOTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3L5S4n7o0hyDAWcVYFBQ0xdHSJ9a5dbRUmSwI0k1u"


@dataclass(frozen=True)
class SftpServer:
    """A running server. Its user reads below `folder` what its rights allow."""

    port: int
    host_key: str
    user: str
    private_key: str
    folder: Path

    @property
    def uri(self) -> str:
        return f"sftp://{self.user}@127.0.0.1:{self.port}?private_key={quote(self.private_key, safe='')}"


@pytest.fixture(scope="session")
def sftp_server() -> Iterator[SftpServer]:
    """OpenSSH that lets one user in with a key, to internal-sftp and nothing else."""
    if SSHD is None:
        pytest.skip("sshd is not installed")
    user = "nobody" if os.geteuid() == 0 else os.environ.get("USER") or str(os.geteuid())
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    # not below pytest's folder, into which no other user may look
    with tempfile.TemporaryDirectory(prefix="wardlake-sftp-") as name:
        home = Path(name)
        home.chmod(0o755)
        for key in ("host", "login"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / key], check=True)
        port = any_free_port()
        (home / "config").write_text(
            f"""
            Port {port}
            ListenAddress 127.0.0.1
            HostKey {home}/host
            AuthorizedKeysFile {home}/login.pub
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication yes
            Subsystem sftp internal-sftp
            ForceCommand internal-sftp
            """
        )
        (home / "files").mkdir()
        with (home / "log").open("wb") as log:
            process = subprocess.Popen([SSHD, "-D", "-e", "-f", home / "config"], stderr=log)
        try:
            wait_for_banner(port, process, home / "log")
            host_key = (home / "host.pub").read_text()
            yield SftpServer(port, host_key, user, (home / "login").read_text(), home / "files")
        finally:
            process.terminate()
            process.wait(10)


def wait_for_banner(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            paramiko.Transport(("127.0.0.1", port)).close()
        except (OSError, paramiko.SSHException):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "sshd did not start"
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def folder(sftp_server: SftpServer) -> Iterator[Path]:
    """An empty folder of the server."""
    with tempfile.TemporaryDirectory(dir=sftp_server.folder) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def drop(folder: Path, name: str, content: bytes, age_s: float = 3600) -> Path:
    """Put a file into the folder as if it had been there for a while."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def sftp_source(server: SftpServer, folder: Path, host_key: str | None = None, **files: Any) -> Source:
    connection = {"kind": "sftp", "conn_id": "lab_sftp", "path": str(folder), "host_key": host_key or server.host_key}
    return file_source(connection=connection, **files)


def test_files_are_fetched_and_known_the_next_time(
    settings: Settings, sftp_server: SftpServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sftp_source(sftp_server, folder, pattern="*.csv")
    drop(folder, "a.csv", ONE)
    drop(folder, "below/b.csv", TWO)
    drop(folder, "young.csv", ONE, age_s=1)
    drop(folder, "c.csv.part", ONE)
    (folder / "link.csv").symlink_to("/etc/passwd")
    manifest = take(settings, source, 1, sftp_server.uri)
    assert (sorted(names(manifest)), manifest.refused) == (["a.csv", "below/b.csv"], [])
    assert shown(settings, source) == [("1", "a", "a.csv"), ("2", "b", "below/b.csv")]
    drop(folder, "young.csv", ONE + TWO)
    (folder / "a.csv").chmod(0)  # it could not be fetched again
    assert list(reasons(take(settings, source, 2, sftp_server.uri))) == []


def test_a_large_file_arrives_whole(settings: Settings, sftp_server: SftpServer, folder: Path) -> None:
    rows = [f"{number},{'x' * 90}" for number in range(200_000)]
    drop(folder, "large.csv", "\n".join(["id,value", *rows]).encode())
    manifest = take(settings, sftp_source(sftp_server, folder), 1, sftp_server.uri)
    assert manifest.lake_rows == 200_000


def test_the_uri_may_come_from_the_environment(settings: Settings, sftp_server: SftpServer, folder: Path) -> None:
    drop(folder, "a.csv", ONE)
    known = settings.model_copy(update={"connections": {"lab_sftp": SecretStr(sftp_server.uri)}})
    assert names(take(known, sftp_source(sftp_server, folder), 1)) == ["a.csv"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that the server's user may not read")
def test_a_file_without_rights_is_named_and_the_others_are_taken(
    settings: Settings, sftp_server: SftpServer, folder: Path
) -> None:
    drop(folder, "a.csv", ONE)
    drop(folder, "b.csv", TWO).chmod(0o600)
    manifest = take(settings, sftp_source(sftp_server, folder), 1, sftp_server.uri)
    assert names(manifest) == ["a.csv"]
    assert reasons(manifest) == {"b.csv": "cannot be fetched: this user may not read it"}
    (folder / "b.csv").chmod(0o644)
    assert names(take(settings, sftp_source(sftp_server, folder), 2, sftp_server.uri)) == ["b.csv"]


def test_a_file_that_changes_while_it_is_fetched_is_left_for_later(
    sftp_server: SftpServer, folder: Path, tmp_path: Path
) -> None:
    path = drop(folder, "a.csv", ONE)
    connection = SftpConnection(kind="sftp", conn_id="lab_sftp", path=str(folder), host_key=sftp_server.host_key)
    with open_sftp(connection, sftp_server.uri, "lab") as store:
        (listed,) = store.list()
        drop(folder, "a.csv", ONE + TWO, age_s=60)
        with pytest.raises(ChangedError):
            store.fetch(listed, tmp_path / "copy")
        path.unlink()
        with pytest.raises(ChangedError):
            store.fetch(listed, tmp_path / "copy")


def test_a_server_with_another_key_is_refused(settings: Settings, sftp_server: SftpServer, folder: Path) -> None:
    with pytest.raises(PermanentError, match=r"lab: the SFTP server shows another key than the 'host_key'"):
        take(settings, sftp_source(sftp_server, folder, ANOTHER_KEY), 1, sftp_server.uri)


def test_a_host_key_that_is_none_is_refused(settings: Settings, sftp_server: SftpServer, folder: Path) -> None:
    with pytest.raises(PermanentError, match=r"lab: its 'host_key' is no public key.*ssh-keyscan"):
        take(settings, sftp_source(sftp_server, folder, "AAAA"), 1, sftp_server.uri)


def test_a_wrong_password_is_refused_and_not_shown(settings: Settings, sftp_server: SftpServer, folder: Path) -> None:
    uri = f"sftp://{sftp_server.user}:wrong-pw@127.0.0.1:{sftp_server.port}"
    with pytest.raises(PermanentError, match=r"lab: the SFTP server refused the login of .*'lab_sftp'") as raised:
        take(settings, sftp_source(sftp_server, folder), 1, uri)
    assert "wrong-pw" not in str(raised.value)
    assert raised.value.__cause__ is None, "a cause is printed in the log, with its text"


def test_a_private_key_that_is_none_is_refused(settings: Settings, sftp_server: SftpServer, folder: Path) -> None:
    uri = f"sftp://{sftp_server.user}@127.0.0.1:{sftp_server.port}?private_key=secret-key"
    with pytest.raises(PermanentError, match="the private key of connection 'lab_sftp' cannot be read") as raised:
        take(settings, sftp_source(sftp_server, folder), 1, uri)
    assert "secret-key" not in str(raised.value)


def test_a_folder_that_is_not_there_is_named(settings: Settings, sftp_server: SftpServer, folder: Path) -> None:
    with pytest.raises(PermanentError, match=r"lab: the SFTP server has no folder .*/nowhere") as raised:
        take(settings, sftp_source(sftp_server, folder / "nowhere"), 1, sftp_server.uri)
    assert raised.value.__cause__ is None, "a cause is printed in the log, with its text"


def test_a_server_that_does_not_answer_is_a_passing_fault(
    settings: Settings, sftp_server: SftpServer, folder: Path
) -> None:
    uri = sftp_server.uri.replace(str(sftp_server.port), str(any_free_port()))
    with pytest.raises(PassingError, match=r"lab: the SFTP server cannot be reached") as raised:
        take(settings, sftp_source(sftp_server, folder), 1, uri)
    assert raised.value.__cause__ is None, "a cause is printed in the log, with its text"
