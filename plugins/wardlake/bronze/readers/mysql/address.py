"""Address of a MySQL server: `mysql://user:password@host:3306/database?unix_socket=/path`, percent-encoded."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from wardlake.errors import PermanentError

SCHEMES = ("mysql", "mariadb", "mysql+pymysql")
TLS = ("ssl_mode", "ssl_ca", "ssl_cert", "ssl_key")
IGNORED = ("charset",)
DEFAULT_PORT = 3306


@dataclass(frozen=True)
class Address:
    """Where a server is and who logs in; `tls` are the scanner's own options, such as ssl_mode."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    unix_socket: str | None = None
    tls: dict[str, str] = field(default_factory=dict)


def address_of(uri: str, conn_id: str) -> Address:
    """Take an address apart.

    Raises:
        PermanentError: it is none; the message names the part and shows no value.
    """
    remedy = f"Write the connection '{conn_id}' as mysql://user:password@host:3306/database."
    try:
        parts = urlsplit(uri)
        port = parts.port or DEFAULT_PORT
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise PermanentError(f"The address of connection '{conn_id}' cannot be read.", remedy=remedy) from None
    database = unquote(parts.path.strip("/"))
    unix_socket = options.pop("unix_socket", None)
    missing = [
        name
        for name, value in (
            ("mysql://", parts.scheme in SCHEMES),
            ("a user", parts.username),
            ("a host", parts.hostname or unix_socket),
            ("a database", database),
        )
        if not value
    ]
    if missing:
        raise PermanentError(f"The address of connection '{conn_id}' lacks {', '.join(missing)}.", remedy=remedy)
    if unknown := sorted(set(options) - {*TLS, *IGNORED}):
        raise PermanentError(
            f"The address of connection '{conn_id}' has options that are not known: {', '.join(unknown)}.",
            remedy=f"Known are unix_socket, {', '.join(TLS)}.",
        )
    return Address(
        host=parts.hostname or "localhost",
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=database,
        unix_socket=unix_socket,
        tls={name: options[name] for name in TLS if name in options},
    )
