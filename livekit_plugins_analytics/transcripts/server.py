"""The LiveKit server that a room is watched on: what it knows, and tokens for it."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import AnalyticsError

if TYPE_CHECKING:
    from livekit import api, rtc

_Answer = TypeVar("_Answer")

# Attributes of an agent that give its name: the documented one, and one of livekit-server's.
_AGENT_NAMES = ("lk.agent.name", "lk.agent_name")
_VARIABLES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
# One answer of the server's, in seconds.
_ANSWER = 10.0


class RoomError(AnalyticsError):
    """A room cannot be watched; the message says what to do."""


@dataclass(frozen=True)
class Credentials:
    """Where the LiveKit server is, and the key pair of its project."""

    url: str
    key: str
    secret: str

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Credentials:
        """Read ``LIVEKIT_URL``, ``LIVEKIT_API_KEY`` and ``LIVEKIT_API_SECRET``.

        Raises:
            RoomError: One of them is not set.
        """
        values = [environment.get(name, "").strip() for name in _VARIABLES]
        if missing := [name for name, value in zip(_VARIABLES, values, strict=True) if not value]:
            raise RoomError(
                f"{', '.join(missing)} not set: copy LIVEKIT_URL, LIVEKIT_API_KEY and "
                "LIVEKIT_API_SECRET from the project's settings, or name a file with --env-file"
            )
        return cls(*values)

    def client(self) -> api.LiveKitAPI:
        """A client of the server API, to be made inside a loop and closed by the caller.

        Raises:
            RoomError: The URL is none.
        """
        from livekit import api

        try:
            return api.LiveKitAPI(self.url, self.key, self.secret)
        except ValueError:
            raise unreachable("LIVEKIT_URL is no address such as wss://x.livekit.cloud") from None

    def recorder_token(self, room: str) -> str:
        """A token to join a room as a hidden recorder that sends nothing."""
        from livekit import api

        # "recorder" is deprecated as a name, yet only it (or the kind agent) keeps a hidden one
        # from being company: with "hidden" alone the room and the agent's job never end.
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            hidden=True,
            recorder=True,
            can_subscribe=True,
            can_publish=False,
            can_publish_data=False,
        )
        return (
            api.AccessToken(self.key, self.secret)
            # A second one of a name would put the first one out.
            .with_identity(f"analytics-watcher-{uuid.uuid4().hex[:12]}")
            .with_grants(grants)
            .to_jwt()
        )


@dataclass(frozen=True)
class Presence:
    """Somebody in a room, as the server has them; the SDK announces some up to 3 s late."""

    identity: str
    active: bool
    """Whether it gets what is sent; who only just joined does not."""
    joined_at: float
    """Unix seconds by the server's clock."""
    agent: bool
    name: str | None
    """An agent's."""


async def sid_of(server: api.LiveKitAPI, room: str) -> str | None:
    """The sid of a room of this name, or None where there is none.

    Raises:
        RoomError: The server is out of reach or refuses the key.
    """
    from livekit import api

    answer = await _asked(server.room.list_rooms(api.ListRoomsRequest(names=[room])))
    return answer.rooms[0].sid if answer.rooms else None


async def present(server: api.LiveKitAPI, room: str) -> list[Presence]:
    """Who is in a room now, hidden ones too.

    Raises:
        RoomError: The server is out of reach, refuses the key, or has no such room.
    """
    from livekit import api

    answer = await _asked(server.room.list_participants(api.ListParticipantsRequest(room=room)))
    return [
        Presence(
            identity=who.identity,
            active=who.state == api.ParticipantInfo.State.ACTIVE,
            # Servers before 1.9 know whole seconds only.
            joined_at=(who.joined_at_ms or who.joined_at * 1000) / 1000,
            agent=who.kind == api.ParticipantInfo.Kind.AGENT,
            name=agent_name(who.attributes),
        )
        for who in answer.participants
    ]


def agent_name(attributes: Mapping[str, str]) -> str | None:
    """What an agent is called."""
    return next(filter(None, (attributes.get(key) for key in _AGENT_NAMES)), None)


async def _asked(answer: Coroutine[Any, Any, _Answer]) -> _Answer:
    import aiohttp
    from livekit import api

    try:
        return await asyncio.wait_for(answer, _ANSWER)
    except api.TwirpError as error:
        raise _refused(error.status) from None
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
        raise unreachable(type(error).__name__) from None


def not_joined(error: rtc.ConnectError) -> RoomError | None:
    """Why a room could not be joined; None where it is not there, and no joining makes one.

    The SDK's text is not passed on: it quotes the token.
    """
    said = error.message.partition("token")[0]
    if "404" in said:
        return None
    for status in (401, 403):
        if str(status) in said:
            return _refused(status)
    return unreachable("the connection was not made")


def unreachable(why: str) -> RoomError:
    """The server cannot be asked."""
    return RoomError(
        f"the LiveKit server is out of reach ({why}): check LIVEKIT_URL and the way there "
        "(DNS, firewall, proxy, TLS)"
    )


def _refused(status: int) -> RoomError:
    if status == 401:
        return RoomError(
            "the LiveKit server refuses the key (HTTP 401): LIVEKIT_API_KEY and "
            "LIVEKIT_API_SECRET must be a pair of the project at LIVEKIT_URL"
        )
    if status == 403:
        return RoomError(
            "the LiveKit server does not permit it (HTTP 403): the key of LIVEKIT_API_KEY must be "
            "allowed to list and join rooms, and the project be active"
        )
    return RoomError(
        f"the LiveKit server answered HTTP {status}: check that LIVEKIT_URL is a LiveKit server"
    )
