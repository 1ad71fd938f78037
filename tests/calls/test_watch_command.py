"""``livekit-analytics transcripts watch`` in a process of its own: signals, files, sinks, spool."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from livekit_plugins_analytics.document import TranscriptDocument
from tests.calls.caller import PATIENCE
from tests.calls.test_watch import new_room, puppet
from tests.cli.conftest import environment
from tests.servers import FaultServer, LiveKitServer, MotoServer

# Then it says when it is in the room, and what it has heard.
TALKATIVE = ("--verbose", "--show")
WATCH = [sys.executable, "-m", "livekit_plugins_analytics.cli", "transcripts", "watch", *TALKATIVE]


class Command:
    """The command, running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    async def joins(self) -> None:
        """Wait until its recorder gets what is said."""
        await self.writes("watching the room RM_")

    async def writes(self, text: str) -> str:
        """Wait for a line on stderr."""
        assert self.process.stderr
        while line := await asyncio.to_thread(self.process.stderr.readline):
            if text in line:
                return line
        raise AssertionError("it ended before")

    async def ends(self) -> tuple[int, str, str]:
        """Its exit code, and what it wrote."""
        out, err = await asyncio.to_thread(self.process.communicate, timeout=PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def command(
    server: LiveKitServer, folder: Path, *arguments: str, **variables: str
) -> Iterator[Command]:
    """Run it in a folder."""
    process = subprocess.Popen(
        [*WATCH, *arguments],
        cwd=folder,
        env=environment({**server.environment(), "TMPDIR": str(folder), **variables}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Command(process)
    finally:
        process.kill()
        process.communicate()


async def say_and_end(running: Command, server: LiveKitServer, room: str, text: str) -> None:
    """A room in which an agent says one thing."""
    async with puppet(server, room) as agent:
        await agent.stream(text, segment="s1")
        await running.writes(f"agent: {text}")
        async with server.api() as client:
            await client.room.delete_room(api.DeleteRoomRequest(room=room))


def document(body: bytes) -> TranscriptDocument:
    """What was stored; fails unless it is one line of it."""
    (text,) = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).splitlines()
    return TranscriptDocument.model_validate(json.loads(text))


async def test_a_file_has_the_transcript_and_stdout_one_object(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    room, file = new_room(), "sub/out.json.gz"
    options = ("--room", room, "--create", "-o", file, "--json", "--session-id", "call-7")
    with command(livekit_server, tmp_path, *options) as running:
        await running.joins()
        await say_and_end(running, livekit_server, room, "Grüß Gott.")
        code, out, err = await running.ends()

    assert (code, "Grüß" in err) == (0, False)
    stored = document((tmp_path / file).read_bytes())
    assert json.loads(out) == {
        "ok": True,
        "session_id": "call-7",
        "room_name": room,
        "room_sid": stored.room_sid,
        "complete": True,
        "gaps": [],
        "lines": {"agent": 1, "user": 0},
        "places": {"file": file},
        "waiting": [],
        "sent_before": [],
    }
    assert stored.transcript.text == "Agent: Grüß Gott."
    assert stored.session_id == "call-7"
    assert not (tmp_path / "analytics").exists()
    assert (tmp_path / file).stat().st_mode & 0o077 == 0, "others may read what was said"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_what_was_said(
    livekit_server: LiveKitServer, tmp_path: Path, number: signal.Signals
) -> None:
    room = new_room()
    options = ("--room", room, "--create", "-o", "out.json")
    masking = {"ANALYTICS_REDACT": "email"}
    with command(livekit_server, tmp_path, *options, **masking) as running:
        await running.joins()
        async with puppet(livekit_server, room) as agent:
            await agent.stream("Hello a@b.example.", segment="s1")
            await running.writes("agent: Hello [email].")
            running.process.send_signal(number)
            code, out, _ = await running.ends()

    assert code == 0
    assert "not complete" in out
    assert "the watcher was stopped before the room's end" in out
    assert "Hello" not in out
    stored = document((tmp_path / "out.json").read_bytes())
    assert stored.transcript.text == "Agent: Hello [email-1]."
    assert (stored.privacy.redacted, stored.privacy.counts) == (True, {"email": 1})


async def test_the_sinks_have_it_beside_the_records_and_the_log_has_not(
    livekit_server: LiveKitServer, moto: MotoServer, tmp_path: Path
) -> None:
    room, bucket, group = new_room(), f"words-{uuid.uuid4().hex[:8]}", f"/w/{uuid.uuid4().hex[:8]}"
    moto.create_bucket(bucket)
    moto.create_log_group(group)
    variables = {
        **moto.environment(),
        "ANALYTICS_S3_BUCKET": bucket,
        "ANALYTICS_S3_PREFIX": "voice/sessions/",
        "ANALYTICS_LOG_GROUP": group,
        "ANALYTICS_DIRECTORY": "local",
    }
    options = ("--room", room, "--create")
    with command(livekit_server, tmp_path, *options, **variables) as running:
        await running.joins()
        await say_and_end(running, livekit_server, room, "Hello.")
        code, out, err = await running.ends()

    assert code == 0
    assert "Hello" not in err + out, "it was shown once"
    ((key, body),) = moto.objects(bucket).items()
    stored = document(body)
    assert key == f"voice/transcripts/{stored.name}"
    assert f"s3://{bucket}/{key}" in out
    (file,) = (p for p in (tmp_path / "local").rglob("*") if p.is_file())
    assert file == tmp_path / "local/voice/transcripts" / stored.name
    assert file.read_bytes() == body
    assert moto.events(group) == []
    assert not list((tmp_path / ".analytics-spool").rglob("*.parcel"))


async def test_what_a_sink_does_not_take_waits_and_goes_with_the_next(
    livekit_server: LiveKitServer, faults: FaultServer, tmp_path: Path
) -> None:
    variables = {
        **faults.environment(),
        "ANALYTICS_S3_BUCKET": "words",
    }
    unreachable = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "ANALYTICS_EXPORT_BUDGET_SECONDS": "1",
    }
    outcomes: list[dict[str, Any]] = []
    for text in ("first", "second"):
        room = new_room()
        options = ("--room", room, "--create", "--json")
        here = variables if outcomes else {**variables, **unreachable}
        with command(livekit_server, tmp_path, *options, **here) as running:
            await running.joins()
            await say_and_end(running, livekit_server, room, text)
            code, out, _ = await running.ends()
        outcomes.append({**json.loads(out), "code": code})

    down, up = outcomes
    assert (down["code"], down["ok"], down["places"]) == (1, False, {})
    (waiting,) = down["waiting"]
    assert os.path.dirname(waiting) == str(tmp_path / ".analytics-spool" / "transcripts")
    assert (up["code"], up["ok"], up["waiting"]) == (0, True, [])
    assert up["sent_before"] == [down["session_id"]]
    objects = faults.objects("words")
    assert sorted(document(body).transcript.text for body in objects.values()) == [
        "Agent: first",
        "Agent: second",
    ]
    assert all(key.startswith("transcripts/year=") for key in objects)


async def test_a_file_that_cannot_be_written_costs_no_words(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    room = new_room()
    (tmp_path / "file").write_text("in the way")
    options = ("--room", room, "--create", "-o", "file/out.json", "--json", "--session-id", "c1")
    with command(livekit_server, tmp_path, *options) as running:
        await running.joins()
        await say_and_end(running, livekit_server, room, "Hello.")
        code, out, err = await running.ends()

    assert code == 0
    assert "file/out.json cannot be written" in err
    rescued = json.loads(out)["places"]["file"]
    assert document(Path(rescued).read_bytes()).transcript.text == "Agent: Hello."


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"LIVEKIT_API_SECRET": "0" * 32}, "LIVEKIT_API_SECRET must be a pair"),
        ({"ANALYTICS_LOG_GROUP": "/g"}, "No sink is set that may hold words"),
        ({"ANALYTICS_CONTENT_CONSENT": "required"}, "cannot see whether a caller consents"),
        ({"ANALYTICS_REDACT": "nothing-known"}, "ANALYTICS_REDACT"),
    ],
    ids=["wrong-secret", "no-sink", "consent", "redact"],
)
async def test_what_cannot_be_is_told_before_anything_is_watched(
    livekit_server: LiveKitServer,
    tmp_path: Path,
    variables: dict[str, str],
    message: str,
) -> None:
    with command(livekit_server, tmp_path, "--room", "r", **variables) as running:
        code, out, err = await running.ends()

    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert "eyJ" not in err, "a token"
