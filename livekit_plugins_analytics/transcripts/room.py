"""A hidden recorder in a room, which collects what is said there by the room's text streams."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..document import TranscriptDocument
from ..log import logger
from ..record import Privacy
from ..redaction import Masks, Redactor
from ..session_id import safe_session_id
from .conversation import Conversation, Role
from .server import (
    Credentials,
    Presence,
    RoomError,
    agent_name,
    not_joined,
    present,
    sid_of,
)

if TYPE_CHECKING:
    from livekit import api, rtc

TOPICS = ("lk.transcription", "lk.chat")
"""Whose streams are read: what is spoken and what is typed."""

_SEGMENT = "lk.segment_id"
_FINAL = "lk.transcription_final"
# Seconds between two questions whether the room is there. Whoever joins, the agent needs longer
# than that for its first word.
_POLL = 0.5
# A room that is older than this when the watcher comes may have had a call already, in seconds.
_FRESH = 5.0
# How long a room is looked for again after the connection was lost for good, in seconds.
_REJOIN = 60.0
# How long the server may take from joining to sending what is said, in seconds.
_ACTIVE = 5.0
# What is still on its way when the room goes, in seconds.
_LAST_WORDS = 2.0


@dataclass(frozen=True)
class Watched:
    """What a watcher has of a room."""

    document: TranscriptDocument
    name: str
    """The object's name under its prefix. One that has gaps gets a name of its own: it never takes
    the place of what another watcher of the same room has, who saw all of it."""
    gaps: list[str]
    """Why the transcript is not complete, in words; empty where it is."""


class RoomWatcher:
    """Watches one room from its beginning, or from now on, to its end. Used once, in one loop.

    It joins as a hidden recorder: nobody sees it, it sends nothing, and the server does not count
    it as company, so that the room and the agent's job end when they would without it. Its one
    trace is that the room says it is being recorded (``Room.is_recording``).

    Args:
        room: The room's name.
        credentials: Of the room's project; read from the environment where they are not given.
        wait: Seconds until somebody must have come.
        create: Join at once, which makes the room where it is not there: nothing is missed, but
            what comes with a room's making (agents that are dispatched to every room, the
            configuration in a caller's token) then comes without the caller. Otherwise the room is
            waited for.
        session_id: The document's, instead of the room's sid.
        redactor: Finds what is masked, before a line is anywhere but in this process' memory.
        on_line: Called with each line when it is whole: whose, and its words, masked.

    Raises:
        RoomError: There are no credentials.
    """

    def __init__(
        self,
        room: str,
        *,
        credentials: Credentials | None = None,
        wait: float = 300.0,
        create: bool = False,
        session_id: str | None = None,
        redactor: Redactor | None = None,
        on_line: Callable[[Role, str], None] = lambda _role, _text: None,
    ) -> None:
        self._name = room
        self._credentials = credentials or Credentials.of()
        self._wait = wait
        self._create = create
        self._session_id = session_id
        self._redactor = redactor
        self._on_line = on_line
        self.conversation = Conversation()
        self.participants = 0
        """How many are in the room now, this one not among them."""
        self.joined_at: float | None = None
        """Unix seconds; None while the room is waited for."""
        self._sid: str | None = None
        self._met = False
        self._gaps: dict[str, None] = {}
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[object]] = set()

    def stop(self) -> None:
        """Leave now, with what there is. In the loop's own thread; any time, any number."""
        self._stopping.set()

    async def run(self) -> Watched:
        """Watch until the room ends, or until `stop`.

        Returns:
            What was said; a transcript without lines where nothing was.

        Raises:
            RoomError: The server is out of reach or refuses the key, or nobody came in time.
        """
        until = time.monotonic() + self._wait
        async with self._credentials.client() as server:
            await sid_of(server, self._name)  # the key is right, or it is told at once
            while not await self._visited(server, until):
                pass
        return self._watched()

    async def _visited(self, server: api.LiveKitAPI, until: float) -> bool:
        """Be in the room once; whether that is all."""
        from livekit import rtc

        ends = rtc.DisconnectReason
        if not self._create and not await self._appeared(server, until):
            return True
        reason = await self._attended(server, None if self._met else until - time.monotonic())
        if self._stopping.is_set():
            self._miss("the watcher was stopped before the room's end")
            return True
        if reason in (None, ends.ROOM_CLOSED, ends.ROOM_DELETED):
            return self._met or self._waited(until)
        if reason in (ends.PARTICIPANT_REMOVED, ends.DUPLICATE_IDENTITY):
            self._miss("the watcher was removed from the room")
            return True
        self._miss("the connection was lost")
        return not await self._is_still_there(server)

    def _waited(self, until: float) -> bool:
        """Nobody has come yet: False where there is time left for the next room of this name."""
        if time.monotonic() >= until:
            raise RoomError(
                f"nobody came to the room {self._name!r} within {self._wait:.0f} s: check the name "
                "and LIVEKIT_URL, or wait longer (--wait)"
            )
        self._sid = self.joined_at = None
        self._gaps.clear()
        return False

    async def _appeared(self, server: api.LiveKitAPI, until: float) -> bool:
        """Wait for the room; False where there is no more to wait for."""
        problem: RoomError | None = None
        while not self._stopping.is_set():
            try:
                if await sid_of(server, self._name):
                    return True
                problem = None
            except RoomError as error:  # a server that is restarted; it knew the key
                problem = error
            if self._met:
                return False
            if time.monotonic() >= until:
                raise problem or RoomError(
                    f"there was no room {self._name!r} within {self._wait:.0f} s: check the name "
                    "and LIVEKIT_URL, or wait longer (--wait)"
                )
            await self._pause(_POLL)
        return False

    async def _is_still_there(self, server: api.LiveKitAPI) -> bool:
        """After the connection was lost: whether the same room can be joined again."""
        until = time.monotonic() + _REJOIN
        while time.monotonic() < until and not self._stopping.is_set():
            try:
                return await sid_of(server, self._name) == self._sid
            except RoomError:
                await self._pause(_POLL)
        return False

    async def _attended(self, server: api.LiveKitAPI, left: float | None) -> int | None:
        """Join, listen, and leave.

        Args:
            server: Is asked who is there.
            left: Seconds in which somebody must come; None: somebody was there already.

        Returns:
            Why the server ended it (``rtc.DisconnectReason``), or None: it was not this room, or
            nobody came, or the watcher was stopped.
        """
        from livekit import rtc

        room = rtc.Room()
        gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def on_disconnected(reason: int) -> None:
            if not gone.done():
                gone.set_result(reason)

        def on_stream(reader: rtc.TextStreamReader, identity: str) -> None:
            self._meet(room)
            unknown = identity not in room.remote_participants
            # It is announced later, perhaps when it has left.
            look = self._spawn(self._look(server)) if unknown else None
            self._spawn(self._read(reader, identity, time.time(), look))

        for topic in TOPICS:
            room.register_text_stream_handler(topic, on_stream)
        room.on("disconnected", on_disconnected)
        room.on("participant_connected", lambda who: self._meet(room, who))
        room.on("participant_disconnected", lambda _who: self._count(room))
        room.on("participant_attributes_changed", lambda _changed, who: self._introduce(who))
        room.on("reconnected", lambda: self._miss("the connection broke off for a moment"))
        try:
            # No media: words come over the data channel, whoever is subscribed to.
            options = rtc.RoomOptions(auto_subscribe=False)
            token = self._credentials.recorder_token(self._name)
            await room.connect(self._credentials.url, token, options)
        except rtc.ConnectError as error:
            if problem := not_joined(error):
                raise problem from None
            await self._pause(_POLL)
            return None
        try:
            if await self._entered(room, server):
                await self._until_over(gone, left)
            return gone.result() if gone.done() else None
        finally:
            await self._hear_out()
            await room.disconnect()
            self.participants = 0

    async def _until_over(self, gone: asyncio.Future[int], left: float | None) -> None:
        """Wait for the room's end, for `stop`, or for the time in which nobody came."""
        stop = asyncio.ensure_future(self._stopping.wait())
        ends: set[asyncio.Future[object]] = {gone, stop}  # type: ignore[arg-type]  # invariant
        try:
            if left is not None:
                await asyncio.wait(ends, timeout=max(left, 0), return_when="FIRST_COMPLETED")
            if self._met:
                await asyncio.wait(ends, return_when="FIRST_COMPLETED")
        finally:
            stop.cancel()

    async def _entered(self, room: rtc.Room, server: api.LiveKitAPI) -> bool:
        """Look who is there. False where this is another room of the same name."""
        sid = await room.sid
        if self._sid not in (None, sid):
            return False
        me = room.local_participant.identity
        there = await self._active(server, me)
        if self._sid is None:
            self._sid = sid
            self.joined_at = time.time()
            if late := _lateness(there, me, room.creation_time.timestamp()):
                self._miss(late)
            logger.info("watching the room %s", sid)
        if any(who.identity in room.remote_participants for who in there):
            self._meet(room)
        return True

    async def _active(self, server: api.LiveKitAPI, me: str) -> list[Presence]:
        """Wait until the server sends this one what is said; who is there then."""
        until = time.monotonic() + _ACTIVE
        while True:
            there = await self._look(server)
            gets_it = any(who.active for who in there if who.identity == me)
            if gets_it or self._stopping.is_set() or time.monotonic() > until:
                return there if gets_it else []
            await self._pause(_ACTIVE / 50)

    async def _look(self, server: api.LiveKitAPI) -> list[Presence]:
        """Ask who is in the room, and note the agents; nobody where that cannot be asked."""
        try:
            there = await present(server, self._name)
        except RoomError:
            return []
        for who in there:
            if who.agent:
                self.conversation.agent(who.identity, who.name)
        return there

    def _introduce(self, who: rtc.Participant) -> None:
        from livekit import rtc

        if who.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self.conversation.agent(who.identity, agent_name(who.attributes))

    def _meet(self, room: rtc.Room, who: rtc.Participant | None = None) -> None:
        self._met = True
        self._count(room)
        if who:
            self._introduce(who)

    def _count(self, room: rtc.Room) -> None:
        self.participants = len(room.remote_participants)

    def _spawn(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _read(
        self,
        reader: rtc.TextStreamReader,
        identity: str,
        at: float,
        look: asyncio.Task[object] | None,
    ) -> None:
        """Take one stream; whose it is may be known only when ``look`` is done."""
        segment = (reader.info.attributes or {}).get(_SEGMENT) or reader.info.stream_id
        grow = self.conversation.opened(segment, identity, at)
        try:
            async for text in reader:
                if grow:
                    grow(text)
        except Exception:  # the SDK's own: its sender, or the room, went in the middle
            final = False
        else:
            # What nobody marks is one message, whole.
            final = (reader.info.attributes or {}).get(_FINAL, "true") != "false"
        self.conversation.ended(segment, final)
        if look:
            await asyncio.wait({look})
        if final and (line := self.conversation.line(segment)):
            role, words = line
            if self._redactor:
                words = Masks(self._redactor, stable=False).text(words)
            self._on_line(role, words)

    async def _hear_out(self) -> None:
        """Read what has arrived already."""
        tasks = list(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_WORDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the watcher is stopped."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _miss(self, why: str) -> None:
        self._gaps[why] = None

    def _watched(self) -> Watched:
        if self._sid is None or self.joined_at is None:
            raise RoomError(f"stopped before anybody was in the room {self._name!r}")
        said = self.conversation
        if unfinished := said.unfinished:
            self._miss(f"the end of {unfinished} line{'s' * (unfinished > 1)} never came")
        masks = Masks(self._redactor) if self._redactor else None
        transcript = said.transcript(complete=not self._gaps, masks=masks)
        if not transcript.complete and not self._gaps:
            self._miss("more was said than a transcript holds")
        start = datetime.fromtimestamp(self.joined_at, timezone.utc)
        document = TranscriptDocument(
            session_id=self._session_id or safe_session_id(self._sid),
            room_name=masks.text(self._name) if masks else self._name,
            room_sid=self._sid,
            agent_name=said.agent_name,
            start_time=start,
            end_time=max(start, datetime.now(timezone.utc)),
            transcript=transcript,
            privacy=Privacy(redacted=bool(masks), counts=masks.counts if masks else {}),
        )
        name = document.name
        if self._gaps:
            name = f"{name.removesuffix('.json.gz')}-{uuid.uuid4().hex[:8]}.json.gz"
        return Watched(document, name, list(self._gaps))


async def watch(
    room: str,
    *,
    credentials: Credentials | None = None,
    wait: float = 300.0,
    create: bool = False,
    session_id: str | None = None,
    redactor: Redactor | None = None,
) -> Watched:
    """Watch a room to its end; the arguments and errors are `RoomWatcher`'s.

    Cancelling it loses what was heard: use a `RoomWatcher` and its `stop`.
    """
    return await RoomWatcher(
        room,
        credentials=credentials,
        wait=wait,
        create=create,
        session_id=session_id,
        redactor=redactor,
    ).run()


def _lateness(there: list[Presence], me: str, created_at: float) -> str | None:
    """Why something may have been said before the watcher came; all times are the server's."""
    joined_at = next((who.joined_at for who in there if who.identity == me), None)
    if joined_at is None:
        return "the server did not say who was there before the watcher"
    if any(who.agent for who in there):
        return "an agent was there before the watcher"
    if joined_at - created_at > _FRESH:
        return "the room was there before the watcher"
    return None
