"""A real HTTP server on the loopback interface that misbehaves on demand, and a FHIR server on top of it."""

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)

    def one(self, name: str, default: str = "") -> str:
        """The value of a query parameter that is given once."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Told:
    """An answer."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


Fault = Callable[["Handler", Told], None]
"""Sends something else than the answer, or less of it."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: "Web"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = Asked(parts.path, parse_qs(parts.query, keep_blank_values=True), dict(self.headers))
        self.web.asked.append(asked)
        told = self.web.answer(asked)
        fault = self.web.faults.pop(0) if self.web.faults else None
        (fault or Handler.send)(self, told)

    def send(self, told: Told, length: int | None = None) -> None:
        """The whole answer; `length` is the size that its header promises."""
        content, headers = told.content, {"Content-Type": told.content_type, **told.headers}
        if self.web.gzip:
            content, headers = gzip.compress(content), {**headers, "Content-Encoding": "gzip"}
        self.send_response(told.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the requests are recorded."""


@dataclass
class Web:
    """A running server. Each request takes one of `faults`, as long as there are some; None: no fault."""

    server: ThreadingHTTPServer
    answer: Callable[[Asked], Told] = lambda _: Told(status=404)
    faults: list[Fault | None] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    gzip: bool = False
    scheme: str = "http"

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}"

    def use_tls(self, certificate: Path, key: Path) -> None:
        """Speak HTTPS from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https"


@contextmanager
def web_server() -> Iterator[Web]:
    """A server on a free port."""
    handler = type("WebHandler", (Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a reader that went away is what tests want
        handler.web = Web(server)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield handler.web
        server.shutdown()
        thread.join()


def status(code: int, body: str = "", content_type: str = "text/html", **headers: str) -> Fault:
    """Answers with this status."""
    told = Told(body, code, {name.replace("_", "-"): value for name, value in headers.items()}, content_type)
    return lambda handler, _: handler.send(told)


def reset(handler: Handler, told: Told) -> None:
    """Sends half of the body, then resets the connection."""
    handler.send(Told(told.content[: len(told.content) // 2], content_type=told.content_type), len(told.content))
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def cut_short(handler: Handler, told: Told) -> None:
    """Sends the first half of the body as if it were all."""
    handler.send(Told(told.content[: len(told.content) // 2], content_type=told.content_type))


def hang(handler: Handler, told: Told) -> None:
    """Sends half of the body and then nothing, until the reader goes away."""
    handler.send(Told(told.content[: len(told.content) // 2], content_type=told.content_type), len(told.content))
    handler.connection.recv(1)
    handler.close_connection = True


@dataclass
class FhirServer:
    """Answers searches with the resources, given as JSON text, in pages whose links hold a token."""

    web: Web
    resources: Sequence[str]
    says_total: bool = True
    knows_count: bool = True
    page_limit: int = 1_000
    extra: dict[int, str] = field(default_factory=dict)
    """Entries, as JSON text, that are added to the page of this number."""

    def __call__(self, asked: Asked) -> Told:
        type_ = asked.path.rpartition("/")[2]
        found = [text for text in self.resources if self._matches(json.loads(text), type_, asked)]
        if asked.one("_summary") == "count":
            told = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
            return Told(json.dumps(told)) if self.knows_count else Told(status=400)
        size, number = min(int(asked.one("_count", "20")), self.page_limit), int(asked.one("token", "0"))
        page = found[number * size : (number + 1) * size]
        entries = [f'{{"resource": {text}, "search": {{"mode": "match"}}}}' for text in page]
        entries += [self.extra[number]] if number in self.extra else []
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": []}
        if self.says_total:
            bundle["total"] = len(found)
        if (number + 1) * size < len(found):
            query = urlencode({**asked.query, "token": [str(number + 1)]}, doseq=True)
            bundle["link"] = [{"relation": "next", "url": f"{self.web.address}{asked.path}?{query}"}]
        head = json.dumps(bundle)[:-1]
        return Told(f'{head}, "entry": [{", ".join(entries)}]}}', content_type="application/fhir+json; charset=utf-8")

    @staticmethod
    def _matches(resource: dict[str, Any], type_: str, asked: Asked) -> bool:
        updated = resource.get("meta", {}).get("lastUpdated", "")
        compare = {"ge": updated.__ge__, "lt": updated.__lt__}
        return resource["resourceType"] == type_ and all(
            compare[bound[:2]](bound[2:]) for bound in asked.query.get("_lastUpdated", [])
        )
