"""A receiver of webhooks that notes what it is sent and answers as a test says."""

from __future__ import annotations

import ssl
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Received:
    """One request: its path with the query, its headers (names in lower case), its body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """How one request is answered."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    reads: bool = True
    """Whether the body is read before the answer."""


class Receiver:
    """An HTTP server on the loopback, for as long as it is entered.

    Args:
        tls: With a certificate; None: plain HTTP.

    Attributes:
        requests: What was received, oldest first.
        replies: How the next requests are answered; 204 when there are no more. None: the
            connection is closed without an answer.
        silent: While it is set, requests are read and not answered.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.replies: deque[Reply | None] = deque()
        self.silent = threading.Event()
        self._released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False  # so that closing waits for them
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        # A caller that hangs up during the handshake is no news.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a test's
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        reply = self.replies.popleft() if self.replies else Reply(204)
        body = b""
        if reply is None or reply.reads:
            body = request.rfile.read(int(request.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Received(request.path, headers, body))
        if self.silent.is_set():
            self._released.wait()
        if reply is None:
            request.close_connection = True
            return
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.end_headers()
