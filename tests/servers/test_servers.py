"""The servers do what tests rely on, as real clients see them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import psutil  # type: ignore[import-untyped]  # has no types
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from livekit import rtc
from livekit.api import CreateRoomRequest, ListParticipantsRequest, ListRoomsRequest

from .aws import MotoServer
from .faults import FaultServer, Mode, Service
from .livekit import LiveKitServer
from .process import POLL_INTERVAL, ServerFailed, ServerProcess
from .versity import VersityGateway

# The longest a test waits for an event of a server on this machine.
WAIT = 15.0

# How soon the answers of a hanging server are given up on.
IMPATIENT = Config(read_timeout=0.3)


def put(server: FaultServer, config: Config | None = None, **headers: Any) -> Any:
    """Put one object."""
    return server.s3(config).put_object(Bucket="bucket", Key="a b/é.json", Body=b"{}", **headers)


def log(server: FaultServer, config: Config | None = None) -> Any:
    """Create a stream unless it is there, then put one event."""
    client = server.logs(config)
    with suppress(client.exceptions.ResourceAlreadyExistsException):
        client.create_log_stream(logGroupName="group", logStreamName="stream")
    return client.put_log_events(
        logGroupName="group",
        logStreamName="stream",
        logEvents=[{"timestamp": 1_700_000_000_000, "message": '{"a": 1}'}],
    )


def code(call: Callable[[], object]) -> tuple[int, str]:
    """Return status and error code boto3 reports for a call."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


class TestLiveKit:
    """livekit-server."""

    async def test_participants_see_kind_and_attributes(
        self, livekit_server: LiveKitServer
    ) -> None:
        """A caller's kind and attributes reach the others, and both see data arrive."""
        name = f"room-{uuid4()}"
        first, caller = rtc.Room(), rtc.Room()
        joined: asyncio.Future[rtc.RemoteParticipant] = asyncio.Future()
        heard: asyncio.Future[bytes] = asyncio.Future()
        first.on("participant_connected", joined.set_result)
        first.on("data_received", lambda packet: heard.set_result(packet.data))
        try:
            await first.connect(livekit_server.url, livekit_server.token("agent", name))
            token = livekit_server.token(
                "caller", name, kind="sip", attributes={"sip.callStatus": "active"}
            )
            await caller.connect(livekit_server.url, token)

            participant = await asyncio.wait_for(joined, WAIT)
            await caller.local_participant.publish_data(b"hello")

            assert participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP
            assert participant.attributes == {"sip.callStatus": "active"}
            assert await asyncio.wait_for(heard, WAIT) == b"hello"
        finally:
            await caller.disconnect()
            await first.disconnect()

    async def test_room_goes_after_departure(self, livekit_server: LiveKitServer) -> None:
        """A room ends a departure timeout after the last participant left."""
        name = f"room-{uuid4()}"
        room = rtc.Room()
        async with livekit_server.api() as api:
            await room.connect(livekit_server.url, livekit_server.token("caller", name))
            assert (await api.room.list_rooms(ListRoomsRequest(names=[name]))).rooms

            await room.disconnect()

            async def gone() -> None:
                while (await api.room.list_rooms(ListRoomsRequest(names=[name]))).rooms:
                    await asyncio.sleep(0.1)

            await asyncio.wait_for(gone(), WAIT)

    async def test_two_side_by_side(self, livekit_server: LiveKitServer) -> None:
        """A second server has rooms of its own and refuses the first one's key."""
        with LiveKitServer() as second:
            async with second.api() as api:
                await api.room.create_room(CreateRoomRequest(name="only-here"))
                (room,) = (await api.room.list_rooms(ListRoomsRequest())).rooms
                assert room.name == "only-here"
            async with livekit_server.api() as api:
                rooms = (await api.room.list_rooms(ListRoomsRequest(names=["only-here"]))).rooms
                assert not rooms
        assert second.api_secret != livekit_server.api_secret

    async def test_stops_with_a_participant_inside(self) -> None:
        """Stopping takes a few seconds even while someone is connected."""
        room = rtc.Room()
        server = LiveKitServer().start()
        try:
            await room.connect(server.url, server.token("caller", "room"))
            async with server.api() as api:
                request = ListParticipantsRequest(room="room")
                assert (await api.room.list_participants(request)).participants
            pid, start = server.pid, time.monotonic()
            await asyncio.to_thread(server.stop)
            assert time.monotonic() - start < 6
            assert not alive(pid)
        finally:
            server.stop()
            await room.disconnect()

    def test_environment(self, livekit_server: LiveKitServer) -> None:
        """The variables are those a worker reads."""
        assert livekit_server.environment() == {
            "LIVEKIT_URL": livekit_server.url,
            "LIVEKIT_API_KEY": livekit_server.api_key,
            "LIVEKIT_API_SECRET": livekit_server.api_secret,
        }


class TestMoto:
    """moto's server."""

    def test_objects(self, moto: MotoServer) -> None:
        """What is put is found, under keys of any shape."""
        moto.create_bucket("moto-objects")
        moto.s3().put_object(Bucket="moto-objects", Key="day=1/a b é.json", Body=b"{}")
        assert moto.objects("moto-objects") == {"day=1/a b é.json": b"{}"}

    def test_events(self, moto: MotoServer) -> None:
        """Events of all streams are found, parsed."""
        moto.create_log_group("moto-events")
        now = int(time.time() * 1000)
        for stream in ("a", "b"):
            moto.logs().create_log_stream(logGroupName="moto-events", logStreamName=stream)
            moto.logs().put_log_events(
                logGroupName="moto-events",
                logStreamName=stream,
                logEvents=[{"timestamp": now, "message": json.dumps({"from": stream})}],
            )
        assert sorted(moto.events("moto-events"), key=lambda event: event["stream"]) == [
            {"stream": "a", "timestamp": now, "message": {"from": "a"}},
            {"stream": "b", "timestamp": now, "message": {"from": "b"}},
        ]

    def test_environment_leads_a_child_here(self, moto: MotoServer) -> None:
        """A child process with plain boto3 clients writes to this server."""
        moto.create_bucket("moto-child")
        program = (
            "import boto3\n"
            "boto3.client('s3').put_object(Bucket='moto-child', Key='key', Body=b'child')"
        )
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        subprocess.run(
            [sys.executable, "-c", program], env={**kept, **moto.environment()}, check=True
        )
        assert moto.objects("moto-child") == {"key": b"child"}

    def test_reset(self) -> None:
        """A reset forgets everything."""
        with MotoServer() as server:
            server.create_bucket("moto-reset")
            server.reset()
            assert code(lambda: server.objects("moto-reset")) == (404, "NoSuchBucket")


class TestVersity:
    """Versity's gateway."""

    def test_objects(self, versity: VersityGateway) -> None:
        """What is put is found."""
        versity.create_bucket("versity-objects")
        versity.s3().put_object(Bucket="versity-objects", Key="day=1/a b é.json", Body=b"{}")
        assert versity.objects("versity-objects") == {"day=1/a b é.json": b"{}"}

    def test_wrong_secret(self, versity: VersityGateway) -> None:
        """A wrong secret is refused."""
        client = boto3.client(
            "s3",
            endpoint_url=versity.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=versity.access_key,
            aws_secret_access_key="wrong",
        )
        assert code(client.list_buckets) == (403, "SignatureDoesNotMatch")

    def test_wrong_checksum(self, versity: VersityGateway) -> None:
        """A body that is not the one of the checksum is refused."""
        versity.create_bucket("versity-checksum")
        assert code(
            lambda: versity.s3().put_object(
                Bucket="versity-checksum", Key="key", Body=b"hello", ChecksumCRC32="AAAAAA=="
            )
        ) == (400, "BadDigest")

    def test_if_none_match(self, versity: VersityGateway) -> None:
        """The second conditional put of a key is refused."""
        versity.create_bucket("versity-condition")

        def write() -> None:
            versity.s3().put_object(
                Bucket="versity-condition", Key="key", Body=b"hello", IfNoneMatch="*"
            )

        write()
        assert code(write) == (412, "PreconditionFailed")


class TestFaults:
    """Our own fault server."""

    def test_ok(self, faults: FaultServer) -> None:
        """Everything sent is stored and recorded."""
        put(faults)
        log(faults)
        assert faults.objects("bucket") == {"a b/é.json": b"{}"}
        assert faults.events("group") == [
            {"stream": "stream", "timestamp": 1_700_000_000_000, "message": {"a": 1}}
        ]
        assert [(r.service, r.operation, r.key, r.mode, r.stored) for r in faults.requests] == [
            ("s3", "PutObject", "bucket/a b/é.json", "ok", True),
            ("logs", "CreateLogStream", "group/stream", "ok", True),
            ("logs", "PutLogEvents", "group/stream", "ok", True),
        ]

    def test_get_and_head(self, faults: FaultServer) -> None:
        """Objects can be read back, and buckets and missing keys looked for."""
        etag = put(faults)["ETag"]
        s3 = faults.s3()
        s3.head_bucket(Bucket="bucket")
        assert s3.get_object(Bucket="bucket", Key="a b/é.json")["Body"].read() == b"{}"
        assert s3.head_object(Bucket="bucket", Key="a b/é.json")["ETag"] == etag
        assert code(lambda: s3.get_object(Bucket="bucket", Key="none")) == (404, "NoSuchKey")

    def test_if_none_match(self, faults: FaultServer) -> None:
        """The second conditional put of a key is refused."""
        put(faults, IfNoneMatch="*")
        assert code(lambda: put(faults, IfNoneMatch="*")) == (412, "PreconditionFailed")

    def test_large_body(self, faults: FaultServer) -> None:
        """A body of many packets arrives whole."""
        body = os.urandom(3_000_000)
        faults.s3().put_object(Bucket="bucket", Key="large", Body=body)
        assert faults.objects("bucket") == {"large": body}

    def test_missing_stream(self, faults: FaultServer) -> None:
        """Events need a stream that was created."""
        assert code(
            lambda: faults.logs().put_log_events(
                logGroupName="group",
                logStreamName="none",
                logEvents=[{"timestamp": 1, "message": "{}"}],
            )
        ) == (400, "ResourceNotFoundException")

    @pytest.mark.parametrize(
        ("mode", "s3", "logs"),
        [
            ("503", (503, "ServiceUnavailable"), (503, "ServiceUnavailableException")),
            ("throttle", (503, "SlowDown"), (400, "ThrottlingException")),
            ("access_denied", (403, "AccessDenied"), (400, "AccessDeniedException")),
            ("expired_token", (400, "ExpiredToken"), (400, "ExpiredTokenException")),
            ("missing", (404, "NoSuchBucket"), (400, "ResourceNotFoundException")),
        ],
    )
    def test_errors(
        self, faults: FaultServer, mode: Mode, s3: tuple[int, str], logs: tuple[int, str]
    ) -> None:
        """boto3 reports the status and code of the mode, and nothing is stored."""
        log(faults)
        faults.mode = mode
        assert code(lambda: put(faults)) == s3
        assert code(lambda: log(faults)) == logs
        assert faults.objects("bucket") == {}
        assert len(faults.events("group")) == 1

    def test_missing_bucket_head(self, faults: FaultServer) -> None:
        """An error without a body is understood, and the connection goes on."""
        faults.mode = "missing"
        client = faults.s3()
        assert code(lambda: client.head_bucket(Bucket="bucket")) == (404, "404")
        faults.mode = "ok"
        client.head_bucket(Bucket="bucket")

    def test_rejected(self, faults: FaultServer) -> None:
        """Logs takes the call and rejects the events."""
        faults.mode = "rejected"
        assert log(faults)["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
        assert faults.events("group") == []

    def test_refused(self, faults: FaultServer) -> None:
        """Nobody listens, not even on a connection of before; then all is well again."""
        client = faults.s3()
        client.put_object(Bucket="bucket", Key="before", Body=b"")
        faults.mode = "refused"
        with pytest.raises(EndpointConnectionError):
            client.put_object(Bucket="bucket", Key="during", Body=b"")
        with pytest.raises(EndpointConnectionError):
            log(faults)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", int(faults.endpoint_url.rpartition(":")[2])))
        faults.mode = "ok"
        client.put_object(Bucket="bucket", Key="after", Body=b"")
        assert faults.objects("bucket") == {"before": b"", "after": b""}

    def test_refused_from_the_start(self) -> None:
        """A server can start refusing."""
        with FaultServer("refused") as server, pytest.raises(EndpointConnectionError):
            put(server)

    def test_reset(self, faults: FaultServer) -> None:
        """The request is read, then the connection reset."""
        faults.mode = "reset"
        for send in (put, log):
            with pytest.raises(ConnectionClosedError):
                send(faults)
        assert [(r.operation, r.stored) for r in faults.requests] == [
            ("PutObject", False),
            ("CreateLogStream", False),
        ]

    def test_reset_sends_rst(self, faults: FaultServer) -> None:
        """The connection ends with RST, not with FIN."""
        faults.mode = "reset"
        port = int(faults.endpoint_url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"PUT /bucket/key HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                connection.recv(1)

    def test_lost_answer(self, faults: FaultServer) -> None:
        """The caller sees a reset, yet all is stored."""
        log(faults)
        faults.mode = "lost_answer"
        with pytest.raises(ConnectionClosedError):
            put(faults)
        faults.plan("logs", "ok")  # for the stream, which exists
        with pytest.raises(ConnectionClosedError):
            log(faults)
        assert faults.objects("bucket") == {"a b/é.json": b"{}"}
        assert len(faults.events("group")) == 2

    def test_retry_after_a_lost_answer(self, faults: FaultServer) -> None:
        """botocore's own retry of a conditional put fails although the object is stored."""
        faults.plan("s3", "lost_answer")
        retrying = Config(retries={"mode": "standard", "total_max_attempts": 2})
        assert code(lambda: put(faults, retrying, IfNoneMatch="*")) == (412, "PreconditionFailed")
        assert [request.stored for request in faults.requests] == [True, False]

    def test_slow(self, faults: FaultServer) -> None:
        """The answer comes after the delay."""
        faults.mode, faults.delay = "slow", 0.2
        start = time.monotonic()
        put(faults)
        assert time.monotonic() - start >= 0.2

    def test_slower_than_the_caller_waits(self, faults: FaultServer) -> None:
        """A caller that gives up cannot know that the object is stored."""
        faults.mode, faults.delay = "slow", 60
        with pytest.raises(ReadTimeoutError):
            put(faults, IMPATIENT)
        assert faults.objects("bucket") == {"a b/é.json": b"{}"}

    def test_hang(self, faults: FaultServer) -> None:
        """Nothing is answered nor stored."""
        faults.mode = "hang"
        for send in (put, log):
            with pytest.raises(ReadTimeoutError):
                send(faults, IMPATIENT)
        faults.release()  # too late for both
        faults.mode = "ok"
        put(faults)
        assert [(r.operation, r.mode, r.stored) for r in faults.requests] == [
            ("PutObject", "hang", False),
            ("CreateLogStream", "hang", False),
            ("PutObject", "ok", True),
        ]

    def test_release(self, faults: FaultServer) -> None:
        """A caller that still waits gets its answer."""
        faults.mode = "hang"
        caller = threading.Thread(target=put, args=(faults,))
        caller.start()
        faults.wait_for_requests(1)
        faults.release()
        caller.join(WAIT)
        assert faults.objects("bucket") == {"a b/é.json": b"{}"}

    def test_stops_at_once_while_it_hangs(self) -> None:
        """Hanging connections do not delay the end; their callers see a reset."""
        errors: list[BaseException] = []

        def call() -> None:
            with pytest.raises(ConnectionClosedError) as caught:
                put(server)
            errors.append(caught.value)

        with FaultServer("hang") as server:
            callers = [threading.Thread(target=call) for _ in range(5)]
            for caller in callers:
                caller.start()
            server.wait_for_requests(5)
            start = time.monotonic()
        assert time.monotonic() - start < 0.5
        for caller in callers:
            caller.join(WAIT)
        assert len(errors) == 5

    def test_each_service_its_mode(self, faults: FaultServer) -> None:
        """One service fails while the other works."""
        faults.s3_mode = "503"
        assert code(lambda: put(faults)) == (503, "ServiceUnavailable")
        log(faults)
        faults.s3_mode, faults.logs_mode = "ok", "throttle"
        put(faults)
        assert code(lambda: log(faults)) == (400, "ThrottlingException")
        with pytest.raises(ValueError, match="modes of their own"):
            assert faults.mode

    @pytest.mark.parametrize("service", ["s3", "logs"])
    def test_one_service_cannot_refuse(self, faults: FaultServer, service: Service) -> None:
        """Both share a port."""
        with pytest.raises(ValueError, match="share a port"):
            setattr(faults, f"{service}_mode", "refused")
        with pytest.raises(ValueError, match="never read"):
            faults.plan(service, "refused")

    def test_unknown_mode(self, faults: FaultServer) -> None:
        """A mode that does not exist is no silent ok."""
        with pytest.raises(ValueError, match="'slowdown' is none of ok, refused"):
            faults.mode = "slowdown"  # type: ignore[assignment]  # wrong on purpose

    def test_plan(self, faults: FaultServer) -> None:
        """A plan lets a retry succeed."""
        faults.plan("s3", "503", "reset")
        put(faults, Config(retries={"mode": "standard", "total_max_attempts": 3}))
        assert [request.mode for request in faults.requests] == ["503", "reset", "ok"]

    def test_wait_fails(self, faults: FaultServer) -> None:
        """Waiting for what does not come ends with what came."""
        put(faults)
        with pytest.raises(TimeoutError, match=r"\('s3', 'PutObject', 'ok'\)"):
            faults.wait_for_requests(2, timeout=0.05)

    def test_wait_by_service(self, faults: FaultServer) -> None:
        """Requests of one service are waited for alone."""
        put(faults)
        log(faults)
        assert [r.operation for r in faults.wait_for_requests(2, service="logs")] == [
            "CreateLogStream",
            "PutLogEvents",
        ]


class Sleeper(ServerProcess):
    """A process that is ready at once and ignores SIGTERM."""

    term_timeouts = (0.1, 0.1)

    def __init__(self) -> None:
        super().__init__("sleeper")

    def _command(self) -> list[str]:
        program = (
            "import signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print('up', flush=True)\n"
            "time.sleep(600)"
        )
        return [sys.executable, "-c", program]

    def _ready(self) -> bool:
        return "up" in self.log


class Failing(Sleeper):
    """A process that ends at once."""

    def _command(self) -> list[str]:
        return [sys.executable, "-c", "raise SystemExit('no disk')"]


def alive(pid: int) -> bool:
    """Return whether a process runs; one that is dead but not collected does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class TestProcess:
    """What all servers in processes share."""

    def test_failed_start_shows_the_log(self) -> None:
        """A server that ends leaves its last words."""
        with pytest.raises(ServerFailed, match="ended with code 1:\nno disk"):
            Failing().start()

    def test_stop_leaves_nothing(self) -> None:
        """A server that ignores SIGTERM is killed, and its folder goes."""
        with Sleeper() as server:
            pid, folder = server.pid, server.folder
        assert not alive(pid)
        assert not folder.exists()

    def test_stop_twice(self) -> None:
        """Stopping what is stopped does nothing."""
        server = Sleeper()
        server.stop()
        with server:
            server.stop()

    @pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit()"])
    def test_ends_with_its_parent(self, end: str) -> None:
        """A server does not outlive the process that started it, however that one ended."""
        program = (
            "import os, signal, sys\n"
            "from tests.servers.test_servers import Sleeper\n"
            "server = Sleeper().start()\n"
            "print(server.pid, server.folder, flush=True)\n"
            f"{end}"
        )
        parent = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        pid, folder = parent.stdout.split()

        deadline = time.monotonic() + WAIT
        while (alive(int(pid)) or Path(folder).exists()) and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL)
        assert not alive(int(pid))
        assert not Path(folder).exists()
