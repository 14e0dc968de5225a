"""A proxy before the S3 server that does to chosen requests what networks and busy stores do."""

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ANSWERS = {
    "throttled": (503, "SlowDown"),
    "too many requests": (429, "TooManyRequests"),
    "internal error": (500, "InternalError"),
    "conflict": (409, "ConditionalRequestConflict"),
    "wrong time": (403, "RequestTimeTooSkewed"),
}
"""Faults that are answers of the store itself; the request does not reach it."""

FAULTS = (
    *ANSWERS,
    "reset before",  # the connection breaks before the store has the request
    "reset after",  # the store has done it, and the answer is lost
    "error after",  # the store has done it, and says that it could not
    "silence",  # no answer until the client gives up
    "cut answer",  # half of the answer's body
    "cut request",  # the store gets half of the request's body
    "portal",  # a web page of a proxy that wants a login
)

Chosen = Callable[[str, str], bool]
"""Whether a request (its method, its path with the query) is met by a fault."""


@dataclass
class FaultyStore:
    """The proxy's address, and the fault that is at work: `times` is how often each request is met by it still."""

    url: str
    fault: str | None = None
    chosen: Chosen = lambda *_: False
    times: int = 0
    met: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def failing(self, fault: str, chosen: Chosen, times: int = 10**6) -> Iterator[None]:
        """Let the fault meet each chosen request this often."""
        self.fault, self.chosen, self.times, self.met = fault, chosen, times, []
        self.over = threading.Event()
        try:
            yield
        finally:
            self.fault = None
            self.over.set()

    def fault_of(self, method: str, path: str) -> str | None:
        """The fault that meets this request, if one does."""
        with self._lock:
            if self.fault is None or not self.chosen(method, path) or self.met.count((method, path)) >= self.times:
                return None
            self.met.append((method, path))
            return self.fault


@contextmanager
def faulty_store(upstream: str) -> Iterator[FaultyStore]:
    """A proxy on a free port before the server `upstream`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    store = FaultyStore(f"http://127.0.0.1:{server.server_address[1]}")
    server.store, server.upstream = store, urlsplit(upstream)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield store
    finally:
        store.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # the client has gone
            self.close_connection = True

    def _meet(self) -> None:
        store: FaultyStore = self.server.store  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = store.fault_of(self.command, self.path)
        if fault in ANSWERS:
            self._refuse(*ANSWERS[fault])
        elif fault == "reset before":
            self._reset()
        elif fault == "silence":
            store.over.wait(20)
            self._reset()
        elif fault == "cut request":
            self._forward(body[: len(body) // 2], has_ended=False)
            self._reset()
        elif fault == "portal":
            self._answer(200, [("Content-Type", "text/html")], b"<html><body>Please log in<br></body>")
        else:
            status, headers, content = self._forward(body)
            if fault == "reset after":
                self._reset()
            elif fault == "error after":
                self._refuse(500, "InternalError")
            elif fault == "cut answer":
                self._answer(status, headers, content, sent=len(content) // 2)
                self._reset()
            else:
                self._answer(status, headers, content)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _meet  # noqa: N815  the names are the server's

    def _forward(self, body: bytes, *, has_ended: bool = True) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = self.server.upstream  # type: ignore[attr-defined]
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=30)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders(body)
            if not has_ended:
                return 0, [], b""
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _refuse(self, status: int, code: str) -> None:
        content = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        late = format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)
        date = [("Date", late)] if code == "RequestTimeTooSkewed" else []
        self._answer(status, [("Content-Type", "application/xml"), *date], content)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, *, sent: int | None = None) -> None:
        self.send_response_only(status)
        is_head = self.command == "HEAD"
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection") and (
                is_head or name.lower() != "content-length"
            ):
                self.send_header(name, value)
        if not is_head:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not is_head:
            self.wfile.write(content[:sent])

    def _reset(self) -> None:
        """Break the connection so that the client sees a reset."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
