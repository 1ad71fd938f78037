"""``livekit-analytics transcripts watch``: the words of a room whose agent cannot be changed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import AnalyticsError
from ...session_id import safe_session_id
from ...settings import Settings
from ..options import AsJson, EnvFile, Verbose, begin, give_up, settings_or_exit

if TYPE_CHECKING:
    from rich.console import Console

    from ...redaction import Redactor
    from ...transcripts.archive import Archive
    from ...transcripts.room import RoomWatcher, Watched

# Seconds between two looks at the status.
_REFRESH = 0.5


def watch(
    room: Annotated[str, typer.Option("--room", help="The room's name.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A file (.json, .json.gz) instead of the sinks of the settings."
        ),
    ] = None,
    session_id: Annotated[
        str | None, typer.Option(help="The session's id, if you know it; default: the room's sid.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds until somebody must have come.")
    ] = 300.0,
    create: Annotated[
        bool,
        typer.Option(
            "--create",
            help="Make the room if it is not there, so that nothing is missed; see the README.",
        ),
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print what is said, on stderr, as it is said.")
    ] = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Collect what is said in a room, as a hidden recorder, until the room ends.

    Ctrl-C or SIGTERM ends it earlier, with what there is. Reads LIVEKIT_URL, LIVEKIT_API_KEY and
    LIVEKIT_API_SECRET; what ANALYTICS_REDACT names is masked.

    Exits with 0 when the transcript is where it belongs, 1 when a sink has not taken it yet (it
    waits in the spool), 2 for wrong usage, a refused key, and a room to which nobody came.
    """
    begin(env_file, verbose)
    # The SDK's logger quotes tokens where a connection fails; the message is ours to give.
    logging.getLogger("livekit").setLevel(logging.CRITICAL + 1)
    if session_id is not None and safe_session_id(session_id) != session_id:
        give_up("--session-id: up to 100 letters, digits and . _ - that begin with none of them")
    settings = settings_or_exit()
    if settings.content_consent == "required":
        give_up(
            "ANALYTICS_CONTENT_CONSENT=required: a watcher cannot see whether a caller consents, "
            "so it may keep nothing; set it to off for rooms whose callers have all agreed"
        )
    redactor = _redactor_or_exit(settings)
    archive = None if output else _archive_or_exit(settings)
    sent = archive.send_waiting() if archive else []
    try:
        watched = asyncio.run(
            _watched(room, session_id, wait, create, show, redactor, quiet=as_json)
        )
    except AnalyticsError as error:
        give_up(str(error))
    places = _stored(watched, output, archive)
    waiting = [str(path) for path in archive.waiting] if archive else []
    if as_json:
        typer.echo(json.dumps(_as_object(watched, places, waiting, sent)))
    else:
        _say(watched, places, waiting, sent)
    if waiting:
        raise typer.Exit(1)


def _redactor_or_exit(settings: Settings) -> Redactor | None:
    from ...masking import load_redactor

    try:
        return load_redactor(settings)
    except AnalyticsError as error:
        give_up(f"ANALYTICS_REDACT: {error}")


def _archive_or_exit(settings: Settings) -> Archive:
    from ...transcripts.archive import Archive

    try:
        return Archive(settings)
    except AnalyticsError as error:
        give_up(str(error))


async def _watched(
    room: str,
    session_id: str | None,
    wait: float,
    create: bool,
    show: bool,
    redactor: Redactor | None,
    *,
    quiet: bool,
) -> Watched:
    from ...transcripts.room import RoomWatcher

    console = _console(stderr=True)

    def on_line(role: str, text: str) -> None:
        if show:
            console.print(f"{role}: {text}")

    watcher = RoomWatcher(
        room,
        wait=wait,
        create=create,
        session_id=session_id,
        redactor=redactor,
        on_line=on_line,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no such thing
            loop.add_signal_handler(number, watcher.stop)
    with _status(console, room, watcher, quiet):
        return await watcher.run()


@contextlib.contextmanager
def _status(console: Console, room: str, watcher: RoomWatcher, quiet: bool) -> Iterator[None]:
    """How it goes, on a terminal: counts, never words."""
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(_state(room, watcher)) as status:

        async def refresh() -> None:
            while True:
                status.update(_state(room, watcher))
                await asyncio.sleep(_REFRESH)

        task = asyncio.ensure_future(refresh())
        try:
            yield
        finally:
            task.cancel()


def _state(room: str, watcher: RoomWatcher) -> str:
    from rich.markup import escape

    name = escape(room)
    if watcher.joined_at is None:
        return f"Waiting for the room {name} (Ctrl-C to end)"
    lines = watcher.conversation.counts()
    minutes, seconds = divmod(int(time.time() - watcher.joined_at), 60)
    return (
        f"Watching {name}: {watcher.participants} in the room, {lines['agent']} lines by agents, "
        f"{lines['user']} by callers, {minutes}:{seconds:02} (Ctrl-C to end)"
    )


def _stored(watched: Watched, output: Path | None, archive: Archive | None) -> dict[str, str]:
    from ...transcripts.archive import write

    if archive:
        return archive.store(watched)
    assert output is not None
    try:
        write(watched.document, output)
    except OSError as error:
        # Not lost for a typing error: the words are nowhere else.
        rescue = Path.cwd() / f"{watched.document.session_id}.json.gz"
        typer.echo(f"{output} cannot be written ({error.strerror})", err=True)
        try:
            write(watched.document, rescue)
        except OSError as again:
            give_up(f"nor can {rescue} ({again.strerror}): the transcript is lost")
        return {"file": str(rescue)}
    return {"file": str(output)}


def _as_object(
    watched: Watched, places: dict[str, str], waiting: list[str], sent: list[str]
) -> dict[str, Any]:
    document = watched.document
    roles = [item.role for item in document.transcript.items]
    return {
        "ok": not waiting,
        "session_id": document.session_id,
        "room_name": document.room_name,
        "room_sid": document.room_sid,
        "complete": document.transcript.complete,
        "gaps": watched.gaps,
        "lines": {"agent": roles.count("agent"), "user": roles.count("user")},
        "places": places,
        "waiting": waiting,
        "sent_before": sent,
    }


def _say(watched: Watched, places: dict[str, str], waiting: list[str], sent: list[str]) -> None:
    console = _console()
    transcript = watched.document.transcript
    count = len(transcript.items)
    console.print(
        f"{count} line{'s' * (count != 1)} of {watched.document.room_sid}, "
        + ("complete" if transcript.complete else "not complete:"),
        style="green" if transcript.complete else "yellow",
    )
    for gap in watched.gaps:
        console.print(f"  {gap}", style="yellow")
    for place in places.values():
        console.print(place)
    if sent:
        console.print(f"Sent from earlier: {', '.join(sent)}")
    if waiting:
        console.print(
            f"{len(waiting)} wait for a sink, the next watch sends them: {', '.join(waiting)}",
            style="yellow",
        )


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)
