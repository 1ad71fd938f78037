"""A hidden recorder hears what the session hears, and the room ends as if it were not there."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit import api, rtc

from livekit_plugins_analytics.transcripts.room import RoomWatcher, Watched, watch
from livekit_plugins_analytics.transcripts.server import Credentials, RoomError
from tests.calls import agents
from tests.calls.caller import PATIENCE
from tests.calls.office import Office
from tests.servers import LiveKitServer


def credentials(server: LiveKitServer) -> Credentials:
    """The server's own key."""
    return Credentials(server.url, server.api_key, server.api_secret)


class Watching:
    """A watcher at work."""

    def __init__(self, server: LiveKitServer, room: str, **options: Any) -> None:
        self.watcher = RoomWatcher(room, credentials=credentials(server), **options)
        self.task = asyncio.create_task(self.watcher.run())

    async def joins(self) -> None:
        """Wait until it is in the room."""
        await until(lambda: self.watcher.joined_at is not None or self.task.done())
        assert not self.task.done()

    async def hears(self, text: str) -> None:
        """Wait until it has heard this."""
        lines = self.watcher.conversation
        await until(lambda: text in lines.transcript(complete=False).text)

    async def ends(self) -> Watched:
        """What it has when the room is over."""
        return await asyncio.wait_for(self.task, PATIENCE)


async def until(condition: Any) -> None:
    """Wait for something that nobody announces."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.02)


def new_room() -> str:
    """A name that no other test has."""
    return f"watched-{uuid.uuid4().hex[:8]}"


class Puppet:
    """An agent by its token, which sends exactly what a test wants."""

    def __init__(self) -> None:
        self.room = rtc.Room()

    async def stream(
        self, text: str, *, segment: str, final: bool | None = True, sender: str | None = None
    ) -> None:
        """One whole text stream, as livekit-agents sends them."""
        attributes = {"lk.segment_id": segment}
        if final is not None:
            attributes["lk.transcription_final"] = "true" if final else "false"
        writer = await self.room.local_participant.stream_text(
            topic="lk.transcription", attributes=attributes, sender_identity=sender
        )
        await writer.write(text)
        await writer.aclose()


async def delete(server: LiveKitServer, room: str) -> None:
    """End a room at once: one in which only agents were is left to itself for 10 s."""
    async with server.api() as client:
        await client.room.delete_room(api.DeleteRoomRequest(room=room))


@asynccontextmanager
async def puppet(server: LiveKitServer, room: str, **token: Any) -> AsyncIterator[Puppet]:
    """An agent in a room, active."""
    joined = Puppet()
    token.setdefault("kind", "agent")
    token.setdefault("attributes", {"lk.agent.name": "puppet"})
    await joined.room.connect(server.url, server.token(token.pop("identity", "bot"), room, **token))
    try:
        yield joined
    finally:
        await joined.room.disconnect()


async def test_it_has_both_sides_word_for_word_and_the_room_ends_without_it(
    office: Office,
) -> None:
    room = new_room()
    watching = Watching(office.livekit, room, create=True)
    await watching.joins()
    await office.dispatch("plain", room)
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    await caller.type("Please book a meeting")
    await caller.hears(agents.BOOKED)
    await caller.hang_up()

    # Nobody told it to leave: the room closed, though it was there, and so did the job.
    watched = await watching.ends()
    (record,) = await office.exported(room)

    document, transcript = watched.document, watched.document.transcript
    said = [(i["role"], i["text"]) for i in record["transcript"]["items"] if i["role"] != "tool"]
    assert [(i.role, i.text) for i in transcript.items] == said
    assert transcript.text == record["transcript"]["text"]
    assert watched.gaps == []
    assert (transcript.source, transcript.complete) == ("room", True)
    assert document.session_id == document.room_sid == record["room_sid"]
    assert document.room_name == room
    assert document.agent_name == office.agent_name
    assert watched.name == document.name
    assert document.start_time.timestamp() <= document.end_time.timestamp()
    assert record["end_cause"] == "caller_hung_up"
    # The caller never saw it.
    assert [p["identity"] for p in record["participants"]] == ["caller"]


async def test_one_that_comes_late_says_so_and_has_what_followed(office: Office) -> None:
    room = await office.dispatch("plain")
    caller = await office.caller(room)
    await caller.hears(agents.GREETING)
    watching = Watching(office.livekit, room)
    await watching.joins()
    await caller.type("Please book a meeting")
    await caller.hears(agents.BOOKED)
    await caller.hang_up()

    watched = await watching.ends()
    assert [i.text for i in watched.document.transcript.items] == [
        "Please book a meeting",
        agents.BOOKED,
    ]
    assert watched.gaps == ["an agent was there before the watcher"]
    assert not watched.document.transcript.complete
    assert watched.document.session_id == watched.document.room_sid
    assert watched.name != watched.document.name, "it would replace a complete one"


async def test_an_agent_that_dies_in_the_middle_of_a_line_leaves_what_it_said(
    livekit_server: LiveKitServer,
) -> None:
    room = new_room()
    watching = Watching(livekit_server, room, create=True)
    await watching.joins()
    async with puppet(livekit_server, room) as agent:
        await agent.stream("Hello.", segment="s1")
        writer = await agent.room.local_participant.stream_text(
            topic="lk.transcription",
            attributes={"lk.segment_id": "s2", "lk.transcription_final": "false"},
        )
        await writer.write("I was just about to")
        await watching.hears("about to")

    await delete(livekit_server, room)
    watched = await watching.ends()
    assert watched.document.transcript.text == "Agent: Hello.\nAgent: I was just about to"
    assert watched.gaps == ["the end of 1 line never came"]
    assert not watched.document.transcript.complete


async def test_a_callers_updates_are_one_line_and_long_ones_arrive_whole(
    livekit_server: LiveKitServer,
) -> None:
    """The agent sends the caller's words in the caller's name; 12 kB are several packets."""
    room, long = new_room(), "I have a long story to tell. " * 400
    watching = Watching(livekit_server, room, create=True)
    await watching.joins()
    async with (
        puppet(livekit_server, room) as agent,
        puppet(livekit_server, room, identity="+4930123456", kind="sip", attributes={}),
        puppet(livekit_server, room, identity="+4930999999", kind="standard", attributes={}),
    ):
        await agent.stream("I would", segment="s1", final=False, sender="+4930123456")
        await agent.stream("I would like", segment="s1", final=False, sender="+4930123456")
        await agent.stream("I'd like a quote", segment="s1", sender="+4930123456")
        await agent.stream(long, segment="s2", sender="+4930999999")
        await agent.stream("Sure.", segment="s3", final=None)
        await watching.hears("Sure.")

    watched = await watching.ends()
    transcript = watched.document.transcript
    assert transcript.text == f"User 1: I'd like a quote\nUser 2: {long}\nAgent: Sure."
    assert [i.agent for i in transcript.items] == [None, None, "puppet"]
    assert watched.gaps == []
    assert "+4930" not in transcript.model_dump_json()


async def test_one_that_is_stopped_has_what_was_said_so_far(livekit_server: LiveKitServer) -> None:
    room = new_room()
    watching = Watching(livekit_server, room, create=True, session_id="call-7")
    await watching.joins()
    async with puppet(livekit_server, room) as agent:
        await agent.stream("Hello.", segment="s1")
        await watching.hears("Hello.")
        watching.watcher.stop()
        watched = await watching.ends()
        async with livekit_server.api() as server:
            there = await server.room.list_participants(api.ListParticipantsRequest(room=room))

    assert [p.identity for p in there.participants] == ["bot"], "it has left"
    assert watched.document.session_id == "call-7"
    assert watched.document.transcript.text == "Agent: Hello."
    assert watched.gaps == ["the watcher was stopped before the room's end"]


async def test_several_watchers_of_a_room_have_the_same(livekit_server: LiveKitServer) -> None:
    room = new_room()
    several = [Watching(livekit_server, room, create=True) for _ in range(3)]
    for each in several:
        await each.joins()
    async with puppet(livekit_server, room) as agent:
        await agent.stream("Hello.", segment="s1")
        for each in several:
            await each.hears("Hello.")

    await delete(livekit_server, room)
    watched = [await each.ends() for each in several]
    assert {w.document.transcript.text for w in watched} == {"Agent: Hello."}
    assert [w.gaps for w in watched] == [[], [], []]
    assert len({w.name for w in watched}) == 1


async def test_one_that_is_put_out_says_so(livekit_server: LiveKitServer) -> None:
    room = new_room()
    watching = Watching(livekit_server, room, create=True)
    await watching.joins()
    async with puppet(livekit_server, room) as agent, livekit_server.api() as server:
        await agent.stream("Hello.", segment="s1")
        await watching.hears("Hello.")
        there = await server.room.list_participants(api.ListParticipantsRequest(room=room))
        (recorder,) = (p.identity for p in there.participants if p.identity != "bot")
        await server.room.remove_participant(
            api.RoomParticipantIdentity(room=room, identity=recorder)
        )
        watched = await watching.ends()

    assert watched.document.transcript.text == "Agent: Hello."
    assert watched.gaps == ["the watcher was removed from the room"]


async def test_a_room_that_is_deleted_is_a_room_that_ended(livekit_server: LiveKitServer) -> None:
    room = new_room()
    watching = Watching(livekit_server, room, create=True)
    await watching.joins()
    async with puppet(livekit_server, room) as agent:
        await agent.stream("Hello.", segment="s1")
        await watching.hears("Hello.")
        await delete(livekit_server, room)
        watched = await watching.ends()

    assert watched.document.transcript.complete


async def test_it_waits_for_a_room_that_somebody_else_makes(livekit_server: LiveKitServer) -> None:
    """And makes none: an agent for every room would come before its caller."""
    room = new_room()
    watching = Watching(livekit_server, room)
    async with livekit_server.api() as server:
        for _ in range(3):
            assert not (await server.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms
        await server.room.create_room(api.CreateRoomRequest(name=room))
    await watching.joins()
    async with puppet(livekit_server, room) as agent:
        await agent.stream("Hello.", segment="s1")
        await watching.hears("Hello.")

    await delete(livekit_server, room)
    assert (await watching.ends()).document.transcript.text == "Agent: Hello."


@pytest.mark.parametrize(
    ("create", "message"), [(False, "there was no room"), (True, "nobody came to the room")]
)
async def test_a_room_to_which_nobody_comes_is_an_error(
    livekit_server: LiveKitServer, create: bool, message: str
) -> None:
    with pytest.raises(RoomError, match=message) as raised:
        await watch(new_room(), credentials=credentials(livekit_server), wait=0.2, create=create)
    assert "check the name and LIVEKIT_URL" in str(raised.value)


async def test_one_that_is_stopped_while_it_waits_is_an_error(
    livekit_server: LiveKitServer,
) -> None:
    watching = Watching(livekit_server, new_room())
    watching.watcher.stop()
    with pytest.raises(RoomError, match="stopped before anybody was in the room"):
        await watching.ends()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"secret": "0" * 32}, "refuses the key.*LIVEKIT_API_SECRET must be a pair"),
        ({"key": "unknown"}, "refuses the key.*LIVEKIT_API_KEY"),
        ({"url": "ws://127.0.0.1:9"}, "out of reach.*check LIVEKIT_URL"),
    ],
    ids=["secret", "key", "url"],
)
async def test_wrong_credentials_are_told_by_name_at_once(
    livekit_server: LiveKitServer, change: dict[str, str], message: str
) -> None:
    right = {
        "url": livekit_server.url,
        "key": livekit_server.api_key,
        "secret": livekit_server.api_secret,
    }
    with pytest.raises(RoomError, match=message) as raised:
        await watch(new_room(), credentials=Credentials(**{**right, **change}), wait=30)
    assert "eyJ" not in str(raised.value), "a token"


def test_missing_credentials_are_told_by_name() -> None:
    with pytest.raises(RoomError, match="LIVEKIT_API_KEY, LIVEKIT_API_SECRET not set"):
        Credentials.of({"LIVEKIT_URL": "wss://x.livekit.cloud", "LIVEKIT_API_KEY": "  "})
