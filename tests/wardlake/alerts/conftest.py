"""A mail server and a web server that keep what they are sent, and a run with something to tell."""

import email
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Mailbox:
    """A mail server on a free port: what it was sent, and to whom."""

    address: str = ""
    messages: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


@dataclass
class Hook:
    """A web server on a free port: what was posted to it, and what it answers."""

    address: str = ""
    posted: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A running mail server."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        """The few commands of RFC 5321 that a client needs."""

        def handle(self) -> None:
            self.say("220 test")
            while line := self.rfile.readline().decode().strip():
                command = line.split(":")[0].upper()
                if command == "DATA":
                    self.say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    box.messages.append(email.message_from_bytes(b"".join(lines)))
                if command == "RCPT TO":
                    box.recipients.append(line.split("<")[1].split(">")[0])
                self.say("221 bye" if command == "QUIT" else "250 ok")
                if command == "QUIT":
                    return

        def say(self, answer: str) -> None:
            self.wfile.write(f"{answer}\r\n".encode())

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        box.address = f"smtp://127.0.0.1:{port}"
        yield box


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A running web server."""
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        """Keeps the JSON of each POST."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.posted.append({"path": self.path, **json.loads(body)})
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        found.address = f"http://127.0.0.1:{port}/hooks/secret-token"
        yield found


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    """Serve in a thread; gives the port."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
