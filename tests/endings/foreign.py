"""Code that is not ours, in every place where it can raise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from livekit.agents import AgentSession, JobContext

from tests.endings import wire

_ERRORS: dict[str, type[BaseException]] = {
    e.__name__: e
    for e in (TypeError, ValueError, SystemExit, asyncio.CancelledError, KeyboardInterrupt)
}


class Foreign:
    """What raises in a call.

    Args:
        raises: The names of errors by the places in which they are raised: an event of the
            session (``session:close``), of the room (``room:disconnected``), a method of the
            agent (``on_enter``), or one of ``text_input_cb``, ``shutdown_callback``, ``task``,
            ``participant_entrypoint``. With ``first`` in front of it (``first:session:close``) an
            event's handler is registered before ours.
    """

    def __init__(self, raises: Mapping[str, str]) -> None:
        self._raises = {place: _ERRORS[error] for place, error in raises.items()}

    def at(self, place: str) -> None:
        """Raise if that is to happen here."""
        if error := self._raises.get(place):
            wire.tell("raises", place=place)
            raise error("a bug of somebody else's")

    def before(self, session: AgentSession[Any], ctx: JobContext) -> None:
        """Register what comes before our own handlers."""
        for place in self._raises:
            if place.startswith("first:session:"):
                self._on(session, place.rpartition(":")[2], self._handler(place))

    def after(self, session: AgentSession[Any], ctx: JobContext) -> None:
        """Register what comes after our own handlers."""
        for place in self._raises:
            kind, _, event = place.partition(":")
            if kind == "session":
                self._on(session, event, self._handler(place))
            elif kind == "room":
                self._on(ctx.room, event, self._handler(place))
        if "shutdown_callback" in self._raises:
            ctx.add_shutdown_callback(self._callback)
        if "participant_entrypoint" in self._raises:
            ctx.add_participant_entrypoint(self._participant)
        if "task" in self._raises:
            self._task = asyncio.create_task(self._raise_in_task())

    def _on(self, emitter: Any, event: str, handler: Callable[..., None]) -> None:
        emitter.on(event, handler)

    def _handler(self, place: str) -> Callable[..., None]:
        def raise_(event: Any = None) -> None:
            # What the agent itself says and does is not touched: the call gets under way.
            item = getattr(event, "item", None)
            if item is None or getattr(item, "role", None) == "user":
                self.at(place)

        return raise_

    async def _callback(self) -> None:
        self.at("shutdown_callback")

    async def _participant(self, ctx: JobContext, _participant: Any) -> None:
        self.at("participant_entrypoint")

    async def _raise_in_task(self) -> None:
        self.at("task")
