"""An S3, CloudWatch Logs and Firehose of our own that fails on demand."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from hashlib import md5
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from .endpoint import Endpoint

if TYPE_CHECKING:
    from typing_extensions import Self

Service = Literal["s3", "logs", "firehose"]

Mode = Literal[
    "ok",  # stores and answers
    "refused",  # nobody listens; the port stays ours
    "hang",  # reads the request and says nothing until release() or stop()
    "reset",  # reads the request, then resets the connection
    "lost_answer",  # stores, then resets the connection: the caller cannot know
    "slow",  # stores, then answers after `delay` seconds
    "503",  # ServiceUnavailable
    "throttle",  # SlowDown by S3, ThrottlingException by Logs and Firehose
    "access_denied",
    "expired_token",
    "missing",  # no such bucket, log group, stream
    # Logs answers 200, with the events rejected as too old, Firehose 200 with every record failed;
    # S3 stores.
    "rejected",
]

# What each service answers in a mode: status, code, message.
_ERRORS: dict[Service, dict[str, tuple[int, str, str]]] = {
    "s3": {
        "503": (503, "ServiceUnavailable", "Service is unable to handle request."),
        "throttle": (503, "SlowDown", "Please reduce your request rate."),
        "access_denied": (403, "AccessDenied", "Access Denied"),
        "expired_token": (400, "ExpiredToken", "The provided token has expired."),
        "missing": (404, "NoSuchBucket", "The specified bucket does not exist"),
    },
    "logs": {
        "503": (503, "ServiceUnavailableException", "The service cannot complete the request."),
        "throttle": (400, "ThrottlingException", "Rate exceeded"),
        "access_denied": (
            400,
            "AccessDeniedException",
            "User is not authorized to perform: logs:PutLogEvents",
        ),
        "expired_token": (
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        "missing": (
            400,
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        ),
    },
    "firehose": {
        "503": (503, "ServiceUnavailableException", "The service is unavailable."),
        "throttle": (400, "ThrottlingException", "Rate exceeded"),
        "access_denied": (
            400,
            "AccessDeniedException",
            "User is not authorized to perform: firehose:PutRecordBatch",
        ),
        "expired_token": (
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        "missing": (
            400,
            "ResourceNotFoundException",
            "Firehose calls under account 1 not found.",
        ),
    },
}

_SERVICES: tuple[Service, ...] = get_args(Service)

# The longest a test waits for something on this machine before it fails.
WAIT_TIMEOUT = 10.0

# SO_LINGER on, for 0 seconds: closing sends RST in place of FIN.
_RESET = struct.pack("ii", 1, 0)

_T = TypeVar("_T")


@dataclass(eq=False)
class Request:
    """One request the server has read.

    Attributes:
        time: When, on the clock of ``time.monotonic()``.
        service: ``s3``, ``logs`` or ``firehose``.
        operation: As the service calls it: ``PutObject``, ``PutLogEvents``.
        key: ``bucket/key`` of an object, ``group/stream`` of a log stream, the name of a Firehose
            stream; the first part alone where a request names no more.
        mode: The mode it met.
        headers: Headers, names in lower case.
        body: The body.
        stored: Whether what it brought was stored.
    """

    time: float
    service: Service
    operation: str
    key: str
    mode: Mode
    headers: dict[str, str]
    body: bytes
    stored: bool = False


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes = b""
    etag: str = ""


class FaultServer(Endpoint):
    """An endpoint for boto3 whose failures a test switches on and off while it runs.

    In the mode ``ok`` every bucket, log group and Firehose stream exists; a log stream must be
    created first, as with AWS. Signatures are not checked.

    Args:
        mode: The mode of all services at the start.

    Attributes:
        delay: Seconds before the answer in the mode ``slow``.
    """

    def __init__(self, mode: Mode = "ok") -> None:
        self.delay = 1.0
        self._modes: dict[Service, Mode] = dict.fromkeys(_SERVICES, _checked(mode))
        self._plans: dict[Service, deque[Mode]] = {service: deque() for service in _SERVICES}
        self._changed = threading.Condition()  # guards what is recorded and stored
        self._requests: list[Request] = []
        self._objects: dict[str, dict[str, bytes]] = {}
        self._streams: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._records: dict[str, list[bytes]] = {}
        # What follows belongs to the server's thread.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._reserved: socket.socket | None = None
        self._listener: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._hanging: set[asyncio.Future[None]] = set()

    def start(self) -> Self:
        """Start the server and return when it listens."""
        # Bound beside the listening socket, it keeps the port ours while nobody listens.
        self._reserved = _bound(0)
        self.endpoint_url = f"http://127.0.0.1:{self._reserved.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="fault-server", daemon=True
        )
        self._thread.start()
        self._call(self._listen(self._modes["s3"] != "refused"))
        return self

    def stop(self) -> None:
        """Reset all connections and stop, at once; does nothing when it is not running."""
        if not (self._loop and self._thread and self._reserved):
            return
        self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._reserved.close()
        self._loop = self._thread = self._reserved = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def mode(self) -> Mode:
        """The mode of all services, for the requests read from now on.

        Raises:
            ValueError: Set to something that is no mode, or read while the services differ.
        """
        if len(set(self._modes.values())) > 1:
            raise ValueError(f"the services have modes of their own: {self._modes}")
        return self._modes["s3"]

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._modes = dict.fromkeys(_SERVICES, _checked(mode))
        if self._loop:
            self._call(self._listen(mode != "refused"))

    @property
    def s3_mode(self) -> Mode:
        """The mode of S3 alone; ``refused`` is for all services only, which share a port."""
        return self._modes["s3"]

    @s3_mode.setter
    def s3_mode(self, mode: Mode) -> None:
        self._set_one("s3", mode)

    @property
    def logs_mode(self) -> Mode:
        """The mode of CloudWatch Logs alone; ``refused`` is for all services only."""
        return self._modes["logs"]

    @logs_mode.setter
    def logs_mode(self, mode: Mode) -> None:
        self._set_one("logs", mode)

    @property
    def firehose_mode(self) -> Mode:
        """The mode of Firehose alone; ``refused`` is for all services only."""
        return self._modes["firehose"]

    @firehose_mode.setter
    def firehose_mode(self, mode: Mode) -> None:
        self._set_one("firehose", mode)

    def plan(self, service: Service, *modes: Mode) -> None:
        """Give each of the next requests to a service a mode of its own, then go on as set."""
        for mode in modes:
            if _checked(mode) == "refused":
                raise ValueError("a request that is refused is never read: set mode instead")
        self._plans[service].extend(modes)

    def release(self) -> None:
        """Answer the hanging requests whose callers still wait, by the mode set (hang as ok)."""
        self._call(self._release())

    @property
    def requests(self) -> list[Request]:
        """All requests read so far, oldest first."""
        with self._changed:
            return list(self._requests)

    def wait_for(self, condition: Callable[[], bool], timeout: float = WAIT_TIMEOUT) -> None:
        """Wait until a condition on what the server recorded or stored holds.

        Blocks: call it through ``asyncio.to_thread`` where the caller shares the event loop.

        Raises:
            TimeoutError: It did not within ``timeout`` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                seen = [(r.service, r.operation, r.mode) for r in self._requests]
                raise TimeoutError(f"not within {timeout} s; the requests were {seen}")

    def wait_for_requests(
        self, count: int, timeout: float = WAIT_TIMEOUT, service: Service | None = None
    ) -> list[Request]:
        """Wait for so many requests, of one service or of all, and return them.

        Raises:
            TimeoutError: There were fewer after ``timeout`` seconds.
        """

        def found() -> list[Request]:
            return [r for r in self._requests if service in (None, r.service)]

        self.wait_for(lambda: len(found()) >= count, timeout)
        return found()

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return the content of every object stored in a bucket, by key."""
        with self._changed:
            return dict(self._objects.get(bucket, {}))

    def events(self, group: str) -> list[dict[str, Any]]:
        """Return all events stored in a log group as ``{"stream", "timestamp", "message"}``.

        ``timestamp`` is in milliseconds since 1970; ``message`` is the parsed JSON.

        Raises:
            ValueError: A message is not JSON.
        """
        with self._changed:
            return [
                {
                    "stream": stream,
                    "timestamp": event["timestamp"],
                    "message": json.loads(event["message"]),
                }
                for (each, stream), events in self._streams.items()
                if each == group
                for event in events
            ]

    def records(self, stream: str) -> list[bytes]:
        """Return the data of all records put into a Firehose stream."""
        with self._changed:
            return list(self._records.get(stream, []))

    def _set_one(self, service: Service, mode: Mode) -> None:
        if "refused" in (_checked(mode), *self._modes.values()):
            raise ValueError("the services share a port: refuse all with mode = 'refused'")
        self._modes = {**self._modes, service: mode}

    # In the server's thread from here on.

    def _call(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the server's thread and wait for it."""
        assert self._loop, "the server is not running"
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_TIMEOUT)

    async def _listen(self, listen: bool) -> None:
        if listen and not self._listener:
            assert self._reserved
            self._listener = await asyncio.start_server(
                self._connected, sock=_bound(self._reserved.getsockname()[1])
            )
        elif not listen and self._listener:
            self._listener.close()
            self._listener = None
            await self._drop()

    async def _shut(self) -> None:
        await self._listen(False)
        await self._drop()

    async def _drop(self) -> None:
        """Reset all connections and wait until nothing is left of them."""
        tasks = list(self._connections.values())
        for writer, task in self._connections.items():
            _reset(writer)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the sockets are closed one turn of the loop later

    async def _release(self) -> None:
        for each in self._hanging:
            each.set_result(None)
        self._hanging.clear()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections[writer] = asyncio.ensure_future(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, EOFError):
            pass  # the caller went away
        finally:
            del self._connections[writer]
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read a request and treat it by its mode; return whether the connection lives on."""
        method, path, headers = _head(await reader.readuntil(b"\r\n\r\n"))
        if headers.get("expect") == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        service = _service(headers)
        operation, key = _described(method, path, headers, body)
        plan = self._plans[service]
        mode = plan.popleft() if plan else self._modes[service]
        request = Request(time.monotonic(), service, operation, key, mode, headers, body)
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

        if mode == "hang":
            waiting = asyncio.get_running_loop().create_future()
            self._hanging.add(waiting)
            try:
                await waiting
            finally:
                self._hanging.discard(waiting)
            if reader.at_eof():  # the caller gave up
                return False
            mode = self._modes[service]
        if mode == "reset":
            _reset(writer)
            return False
        if error := _ERRORS[service].get(mode):
            answer = _error(service, *error)
        else:
            with self._changed:
                answer = self._stored(request, rejected=mode == "rejected")
                self._changed.notify_all()
            if mode == "lost_answer":
                _reset(writer)
                return False
            if mode == "slow":
                await asyncio.sleep(self.delay)
        # One write: a second would wait for the caller's delayed acknowledgement, 40 ms.
        writer.write(_head_of(answer, service) + (b"" if method == "HEAD" else answer.body))
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    def _stored(self, request: Request, rejected: bool) -> _Answer:
        if "transfer-encoding" in request.headers or "aws-chunked" in request.headers.get(
            "content-encoding", ""
        ):
            return _error(request.service, 501, "NotImplemented", "Send a body with a length.")
        if request.service == "s3":
            return self._s3(request)
        if request.service == "firehose":
            return self._firehose(request, json.loads(request.body), rejected)
        return self._logs(request, json.loads(request.body), rejected)

    def _s3(self, request: Request) -> _Answer:
        bucket, _, key = request.key.partition("/")
        objects = self._objects.setdefault(bucket, {})
        if request.operation in ("CreateBucket", "HeadBucket"):
            return _Answer(200)
        if request.operation == "PutObject":
            if request.headers.get("if-none-match") == "*" and key in objects:
                return _error(
                    "s3",
                    412,
                    "PreconditionFailed",
                    "At least one of the pre-conditions you specified did not hold",
                )
            objects[key] = request.body
            request.stored = True
            return _Answer(200, etag=md5(request.body).hexdigest())
        if request.operation in ("GetObject", "HeadObject"):
            if key not in objects:
                return _error("s3", 404, "NoSuchKey", "The specified key does not exist.")
            return _Answer(200, objects[key], md5(objects[key]).hexdigest())
        return _error("s3", 501, "NotImplemented", f"This server has no {request.operation}.")

    def _logs(self, request: Request, body: dict[str, Any], rejected: bool) -> _Answer:
        group, stream = body.get("logGroupName", ""), body.get("logStreamName", "")
        known = (group, stream) in self._streams
        if request.operation == "CreateLogGroup":
            return _error("logs", 400, "ResourceAlreadyExistsException", "The group exists.")
        if request.operation == "DescribeLogGroups":
            return _json({"logGroups": [{"logGroupName": body.get("logGroupNamePrefix", "")}]})
        if request.operation == "DescribeLogStreams":
            names = [name for each, name in self._streams if each == group]
            return _json({"logStreams": [{"logStreamName": name} for name in names]})
        if request.operation == "CreateLogStream":
            if known:
                return _error(
                    "logs",
                    400,
                    "ResourceAlreadyExistsException",
                    "The specified log stream already exists",
                )
            self._streams[group, stream] = []
            request.stored = True
            return _json({})
        if request.operation == "PutLogEvents":
            if not known:
                return _error(
                    "logs",
                    400,
                    "ResourceNotFoundException",
                    "The specified log stream does not exist.",
                )
            events = body["logEvents"]
            if rejected:
                return _json({"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": len(events)}})
            self._streams[group, stream] += events
            request.stored = True
            return _json({"nextSequenceToken": "0"})
        return _error(
            "logs", 400, "UnknownOperationException", f"This server has no {request.operation}."
        )

    def _firehose(self, request: Request, body: dict[str, Any], rejected: bool) -> _Answer:
        if request.operation == "ListDeliveryStreams":
            return _json({"DeliveryStreamNames": [], "HasMoreDeliveryStreams": False})
        if request.operation != "PutRecordBatch":
            return _error(
                "firehose",
                400,
                "UnknownOperationException",
                f"This server has no {request.operation}.",
            )
        data = [base64.b64decode(record["Data"]) for record in body["Records"]]
        if max(map(len, data)) > 1000 * 1024:
            return _error("firehose", 400, "InvalidArgumentException", "Record size exceeded.")
        if rejected:
            failed = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
            return _json({"FailedPutCount": len(data), "RequestResponses": [failed] * len(data)})
        self._records.setdefault(body["DeliveryStreamName"], []).extend(data)
        request.stored = True
        return _json({"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"} for _ in data]})


def _checked(mode: Mode) -> Mode:
    if mode not in get_args(Mode):
        raise ValueError(f"mode {mode!r} is none of {', '.join(get_args(Mode))}")
    return mode


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    # Lets a second socket of ours have the port, and no one else's.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


def _service(headers: dict[str, str]) -> Service:
    target = headers.get("x-amz-target")
    if target is None:
        return "s3"
    return "firehose" if target.startswith("Firehose") else "logs"


def _head(data: bytes) -> tuple[str, str, dict[str, str]]:
    """Return method, path and headers (names in lower case) of a request."""
    first, *lines = data.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = (line.partition(":") for line in lines)
    return method, path, {name.lower(): value.strip() for name, _, value in headers}


def _described(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[str, str]:
    """Return operation and key of a request, as in ``Request``."""
    if target := headers.get("x-amz-target"):
        values = json.loads(body)
        names = (
            values.get("logGroupName") or values.get("DeliveryStreamName"),
            values.get("logStreamName"),
        )
        return target.partition(".")[2], "/".join(name for name in names if name)
    key = unquote(urlsplit(path).path).strip("/")
    verb = "Create" if method == "PUT" and "/" not in key else method.capitalize()
    return f"{verb}{'Object' if '/' in key else 'Bucket'}", key


def _head_of(answer: _Answer, service: Service) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Content-Type: {'application/xml' if service == 's3' else 'application/x-amz-json-1.1'}",
        f"Content-Length: {len(answer.body)}",
    ]
    if answer.etag:
        lines.append(f'ETag: "{answer.etag}"')
    return "\r\n".join([*lines, "", ""]).encode()


def _json(body: dict[str, Any]) -> _Answer:
    return _Answer(200, json.dumps(body).encode())


def _error(service: Service, status: int, code: str, message: str) -> _Answer:
    if service != "s3":
        return _Answer(status, json.dumps({"__type": code, "message": message}).encode())
    xml = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return _Answer(status, b'<?xml version="1.0" encoding="UTF-8"?>' + xml.encode())
