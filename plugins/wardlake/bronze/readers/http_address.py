"""The address of an HTTP server and who asks it, from a URI as people or Airflow write it."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

import httpx

from wardlake.errors import PermanentError

SCHEMES = ("http", "https")
MAX_PORT = 65_535


@dataclass(frozen=True)
class Address:
    """Where a server is, without a slash at the end, and who asks; without login and password: nobody in particular."""

    base: str
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def authorization(self) -> dict[bytes, bytes]:
        """The header for login and password, or for a password alone, which is a bearer token."""
        if self.login:
            pair = base64.b64encode(f"{self.login}:{self.password}".encode())
            return {b"Authorization": b"Basic " + pair}
        return {b"Authorization": b"Bearer " + self.password.encode()} if self.password else {}


def address_of(uri: str, conn_id: str) -> Address:
    """Understand `https://login:password@host:port/base`.

    Airflow writes a host with a scheme as `http://https://host`, escapes slashes in host and schema, and adds
    extras as a query, which is left out. A schema that is `https` is the scheme, as for Airflow's own HTTP hook.

    Raises:
        PermanentError: not such an address. It is not shown, as it may hold the key.
    """
    kind, _, rest = uri.strip().partition("://")
    outer, _, inner = rest.partition("://")
    scheme, rest = (outer, inner) if outer in SCHEMES else (kind, rest)
    location, _, extras = rest.partition("?")
    authority, _, path = location.partition("/")
    secrets, _, place = authority.rpartition("@")
    login, _, password = (unquote(part) for part in secrets.partition(":"))
    found = re.fullmatch(r"(?P<host>.*?)(:(?P<port>\d*))?", place)
    host, port = (unquote(found["host"]), found["port"]) if found else ("", "")
    if "://" in host:
        scheme, _, host = host.partition("://")
    host, _, host_path = host.partition("/")
    parts = [host_path.strip("/"), unquote(path).strip("/")]
    if parts[-1] in SCHEMES:
        scheme = parts.pop()
    base = "/".join([host + (f":{port}" if port else ""), *(part for part in parts if part)])
    try:
        url = httpx.URL(f"{scheme if scheme in SCHEMES else 'https'}://{base}")
    except httpx.InvalidURL:
        url = httpx.URL("")
    is_wrong = not url.host or (url.port or 0) > MAX_PORT or "@" in base + extras or "#" in uri
    if is_wrong or re.search(r"[\x00-\x1f\x7f]", login + password):
        raise PermanentError(
            f"The address of connection '{conn_id}' is not understood.",
            remedy="Write https://login:password@host:port/base; in login and password, encode reserved characters "
            "(@ as %40, / as %2F, # as %23) and leave out line breaks.",
        )
    return Address(str(url).rstrip("/"), login, password)
