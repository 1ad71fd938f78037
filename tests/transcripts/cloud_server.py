"""A server that speaks the documented wire format of LiveKit Cloud's session observability API."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PROJECT = "p_4711"
TOKEN = "user-session-token-7f3a91"
SIGNATURE = "signature-0b77c2"
DASHBOARD = "https://cloud.livekit.io/projects/p_4711/settings/project"

SETTLED = "DATA_STATE_SETTLED"
SETTLING = "DATA_STATE_SETTLING"
ACTIVE = "DATA_STATE_SESSION_ACTIVE"


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """By lower-case name."""
    at: float
    """``time.monotonic()``."""
    peer: tuple[str, int]
    """The client's end of the connection."""


@dataclass
class Session:
    """What LiveKit Cloud has of a session."""

    items: list[Any] = field(default_factory=list)
    states: list[str | None] = field(default_factory=lambda: [SETTLED])
    """Of each look at the first page, the last one for good; None: no state is given."""
    skipped: int | str = 0
    history: bytes | None = None
    """The file of the chat history."""
    history_headers: dict[str, str] = field(default_factory=dict)
    looks: int = 0


Answer = Callable[["_Handler"], None]
"""Writes one whole answer, right or wrong."""


def answer(
    status: int, body: Any = None, *, headers: Mapping[str, str] | None = None, packed: bool = False
) -> Answer:
    """An answer of this status: JSON, or the bytes as they are; gzip without a word of it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    raw = gzip.compress(raw) if packed else raw

    def write(handler: _Handler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(raw)

    return write


def failure(status: int, code: int, *details: Mapping[str, Any], **headers: str) -> Answer:
    """An error as the API words it; the message repeats the token, as a careless server might."""
    body = {"code": code, "message": f"no: {TOKEN}", "details": list(details)}
    return answer(status, body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def cut_off(handler: _Handler) -> None:
    """Half an answer, and the end of the connection."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"items": [')
    handler.close_connection = True


def hung_up(handler: _Handler) -> None:
    """No answer at all."""
    handler.close_connection = True


def dripping(handler: _Handler) -> None:
    """An answer of which a byte comes now and then, without end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    server = handler.server
    assert isinstance(server, _Server)
    while not server.owner.closing.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def silent(handler: _Handler) -> None:
    """A connection that is taken, and nothing else, as long as the server is there."""
    server = handler.server
    assert isinstance(server, _Server)
    server.owner.closing.wait()
    handler.close_connection = True


class CloudServer:
    """LiveKit Cloud on a port of this machine, for one test.

    Attributes:
        url: The base URL.
        sessions: What there is, by room sid.
        next_answers: Answers that are given first, in this order, one for each request.
        requests: What was asked for.
        refused: Sids of which nothing was recorded, since recording is off.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.next_answers: list[Answer] = []
        self.requests: list[Request] = []
        self.refused: set[str] = set()
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> CloudServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def transcripts(self) -> list[Request]:
        """The requests for pages of transcripts."""
        return [each for each in self.requests if each.path.endswith("/transcript")]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: CloudServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has had enough goes away: that is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Tests read the requests."""

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        cloud = self.server.owner
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        with cloud.lock:
            peer = self.client_address[0], self.client_address[1]
            cloud.requests.append(Request(parts.path, query, headers, time.monotonic(), peer))
            special = cloud.next_answers.pop(0) if cloud.next_answers else None
            write = special or _right(cloud, parts.path, query, headers)
        write(self)


def _right(cloud: CloudServer, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
    """The answer that the documentation promises."""
    pieces = path.strip("/").split("/")
    if pieces[0] == "files":
        return _file(cloud.sessions[pieces[1]], query, headers)
    if headers.get("authorization") != f"Bearer {TOKEN}":
        return failure(401, 16)
    if pieces[0] not in ("v0", "v1") or pieces[1] != "projects" or pieces[3] != "sessions":
        return answer(404, b"404 page not found")
    if pieces[2] != PROJECT:
        return failure(403, 7)
    sid, what = pieces[4], pieces[5]
    if sid in cloud.refused:
        kind = "type.googleapis.com/livekit.cloud.observability.v1.ObservabilityDisabled"
        return failure(400, 9, {"@type": kind, "dashboardUrl": DASHBOARD})
    session = cloud.sessions.get(sid)
    if session is None:
        return failure(404, 5)
    if what == "transcript":
        return answer(200, _page(session, query))
    if what == "recording-url" and query.get("fileType") == "RECORDING_FILE_TYPE_CHAT_HISTORY":
        url = f"{cloud.url}/files/{sid}?X-Signature={SIGNATURE}"
        return answer(200, {"url": url, "expiresAt": "2026-10-29T15:30:00Z"})
    return failure(400, 3)


def _page(session: Session, query: dict[str, str]) -> dict[str, Any]:
    size = int(query.get("page.pageSize", "50"))
    cursor = query.get("page.cursor")
    start = int(cursor.removeprefix("at-")) if cursor else 0
    if cursor is None:
        session.looks += 1
    state = session.states[min(session.looks, len(session.states)) - 1]
    end = start + size
    page: dict[str, Any] = {"items": session.items[start:end], "pageInfo": {}}
    if end < len(session.items):
        page["pageInfo"] = {"nextCursor": f"at-{end}", "hasMore": True}
    elif session.skipped:
        page["skippedRecords"] = session.skipped
    if state is not None:
        page["dataStatus"] = {"state": state}
    return page


def _file(session: Session, query: dict[str, str], headers: dict[str, str]) -> Answer:
    if query.get("X-Signature") != SIGNATURE or "authorization" in headers:
        return answer(403, b"<Error><Code>AccessDenied</Code></Error>")
    if session.history is None:
        return answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
    return answer(200, session.history, headers=session.history_headers)


def said(number: int, role: str, text: str, *, second: float = 0.0, **more: Any) -> dict[str, Any]:
    """A message item; its time is so many seconds after half past two."""
    at = f"2026-10-29T14:{30 + int(second) // 60:02d}:{second % 60:06.3f}Z"
    return {
        "id": f"item_{number}",
        "timestamp": at,
        "message": {"role": role, "text": text, **more},
    }
