"""Files of an SFTP server, whose key the YAML pins."""

import base64
import io
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

import paramiko

from wardlake.bronze.readers.files.stores import DISK_FULL, ChangedError, Listed, UnreadableError, listed_by_time
from wardlake.errors import PassingError, PermanentError
from wardlake.sources.connections import SftpConnection

TIMEOUT_S = 30
WINDOW_BYTES = 16 * 1024**2
REQUESTS = 64
"""Reads of 32 KiB that are under way at once: together they bridge the round trip to a distant server."""


@dataclass
class SftpStore:
    """Files below a folder of an SFTP server, those in folders below it included; links are not followed."""

    client: paramiko.SFTPClient
    folder: str
    place: str
    workers: int = 1
    is_atomic: bool = False

    def list(self) -> Sequence[Listed]:
        with _translated(self.place, self.folder):
            return list(self._below(""))

    def _below(self, folder: str) -> Iterator[Listed]:
        for entry in self.client.listdir_attr(str(PurePosixPath(self.folder, folder))):
            name = str(PurePosixPath(folder, entry.filename))
            mode = entry.st_mode or 0
            if stat.S_ISDIR(mode):
                yield from self._below(name)
            elif stat.S_ISREG(mode):
                yield _listed(name, entry)

    def fetch(self, file: Listed, path: Path) -> None:
        source = str(PurePosixPath(self.folder, file.name))
        with _translated(self.place, self.folder):
            try:
                with self.client.open(source, "rb") as remote, path.open("wb") as local:
                    remote.prefetch(file.bytes, max_concurrent_requests=REQUESTS)
                    while block := remote.read(1024**2):
                        local.write(block)
                now = _listed(file.name, self.client.stat(source))
            except FileNotFoundError:
                raise ChangedError from None
            except PermissionError:
                raise UnreadableError("this user may not read it") from None
        if (now.bytes, now.modified_at) != (path.stat().st_size, file.modified_at):
            raise ChangedError


def _listed(name: str, entry: paramiko.SFTPAttributes) -> Listed:
    return listed_by_time(name, entry.st_size or 0, (entry.st_mtime or 0) * 10**9)


@contextmanager
def open_sftp(connection: SftpConnection, uri: str, place: str) -> Iterator[SftpStore]:
    """Log in at `sftp://user:password@host:port`; a private key in PEM is the parameter `private_key`.

    Raises:
        PermanentError: login refused, another host key than the YAML's, no such folder.
        PassingError: the server does not answer.
    """
    address = urlsplit(uri)
    parameters = {name: values[0] for name, values in parse_qs(address.query).items()}
    host, port = address.hostname or "", address.port or 22
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    key = _public_key(connection.host_key, place)
    client.get_host_keys().add(host if port == 22 else f"[{host}]:{port}", key.get_name(), key)
    try:
        with _translated(place, connection.path, connection.conn_id):
            client.connect(
                host,
                port,
                username=unquote(address.username or ""),
                password=unquote(address.password) if address.password else None,
                pkey=_private_key(parameters, place, connection.conn_id),
                look_for_keys=False,
                allow_agent=False,
                timeout=TIMEOUT_S,
                banner_timeout=TIMEOUT_S,
                auth_timeout=TIMEOUT_S,
            )
            transport = client.get_transport()
            sftp = transport and paramiko.SFTPClient.from_transport(transport, window_size=WINDOW_BYTES)
            if not sftp:
                raise paramiko.SSHException("no SFTP")
            channel = sftp.get_channel()
            if channel:
                channel.settimeout(TIMEOUT_S)
        yield SftpStore(sftp, connection.path, place)
    finally:
        client.close()


def _public_key(line: str, place: str) -> paramiko.PKey:
    try:
        kind, encoded, *_ = line.split()
        return paramiko.PKey.from_type_string(kind, base64.b64decode(encoded))
    except (ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
        raise PermanentError(
            f"{place}: its 'host_key' is no public key.",
            remedy="Write it as 'ssh-ed25519 AAAA...', as 'ssh-keyscan <host>' prints it; compare it with its owner.",
        ) from None


def _private_key(parameters: dict[str, str], place: str, conn_id: str) -> paramiko.PKey | None:
    if "private_key" not in parameters:
        return None
    password = parameters.get("private_key_passphrase")
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(parameters["private_key"]), password)
        except (paramiko.SSHException, ValueError):
            continue
    raise PermanentError(
        f"{place}: the private key of connection '{conn_id}' cannot be read.",
        remedy="Give it in PEM or OpenSSH form, with its 'private_key_passphrase' if it has one.",
    )


@contextmanager
def _translated(place: str, folder: str, conn_id: str = "") -> Iterator[None]:
    """Faults of the server without their cause, whose text may hold names of files, and so of patients."""
    try:
        yield
    except paramiko.BadHostKeyException:
        raise PermanentError(
            f"{place}: the SFTP server shows another key than the 'host_key' in the YAML.",
            remedy="Ask its owner whether the key was changed; if so, write the new one. Else somebody is in between.",
        ) from None
    except (paramiko.AuthenticationException, paramiko.PasswordRequiredException):
        raise PermanentError(
            f"{place}: the SFTP server refused the login of connection '{conn_id}'.",
            remedy=f"Correct user, password or key of the connection '{conn_id}'.",
        ) from None
    except FileNotFoundError:
        raise PermanentError(
            f"{place}: the SFTP server has no folder {folder}.", remedy="Correct 'path' in the YAML."
        ) from None
    except PermissionError:
        raise PermanentError(
            f"{place}: this user may not list a folder below {folder} of the SFTP server.",
            remedy="Ask its owner for the right to read it.",
        ) from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise
        raise PassingError(
            f"{place}: the SFTP server cannot be reached or gave up ({type(error).__name__}).",
            remedy="Check host, port and network, and that the server is up; the task will try again.",
        ) from None
