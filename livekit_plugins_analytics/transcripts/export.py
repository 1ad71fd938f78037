"""Stored transcripts into a folder of files, for a model or a person to read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from ..session_id import safe_session_id
from ..stored import Stored, parsed
from .captions import captions
from .dialogue import Dialogue
from .formats import chat, text
from .loop import Progress, silently
from .period import Period, moment

Format = Literal["jsonl", "text", "vtt"]

LINES = "transcripts.jsonl"
"""The file with all conversations, one on a line."""

_FILES: dict[str, tuple[str, Callable[[Dialogue], str]]] = {
    "text": (".txt", text),
    "vtt": (".vtt", captions),
}

# Names that Windows keeps for devices, whatever follows the dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass
class Exported:
    """What became of all that was there."""

    conversations: int = 0
    turns: int = 0
    without_transcript: int = 0
    """Records without words: none were kept, or they are objects of their own elsewhere."""
    failed: dict[str, str] = field(default_factory=dict)
    """Objects that could not be read, by path or key, and why."""


class Export:
    """Writes the conversations that are stored somewhere to a folder.

    Args:
        store: Where they are: ``stored("s3://bucket/prefix")``. Records that carry their
            transcript, and transcripts that are stored by themselves, which take agent and outcome
            from their record where it was read before them.
        folder: Where to; it is made. Files of the same names are replaced.
        format: "jsonl": one file, a conversation on each line; "text" and "vtt": a file each.
        period: When the calls began.
    """

    def __init__(
        self, store: Stored, folder: Path, format: Format, *, period: Period | None = None
    ) -> None:
        self._store = store
        self._folder = folder
        self._format = format
        self._period = period or Period()
        self._taken: set[str] = set()
        # Of records without words: agent and outcome, for the transcript that comes by itself.
        self._known: dict[str, tuple[Any, Any]] = {}

    def run(
        self,
        *,
        progress: Progress = silently,
        told: Callable[[str, str], None] = lambda _, __: None,
    ) -> Exported:
        """Write them; an object that cannot be read does not end the rest.

        Args:
            progress: Shows how far it has come.
            told: Is told at once the name of what cannot be read, and why.

        Raises:
            OSError: The folder cannot be written.
            Exception: What the store raises where it cannot even be listed.
        """
        names = [name for name in self._store.names() if self._period.may_hold(name)]
        self._folder.mkdir(parents=True, exist_ok=True)
        done = Exported()
        # A run that is broken off leaves the file of an earlier one whole.
        temporary = self._folder / f".{LINES}.tmp"
        try:
            with open(temporary, "w", encoding="utf-8", newline="\n") as lines:
                for name in progress(names, "Exporting"):
                    try:
                        found = self._dialogue(name, done)
                    except Exception as error:  # one bad object must not stop the others
                        done.failed[name] = str(error) or type(error).__name__
                        told(name, done.failed[name])
                        continue
                    if found is not None:
                        self._write(found, lines)
                        done.conversations += 1
                        done.turns += len(found.turns)
            if self._format == "jsonl":
                os.replace(temporary, self._folder / LINES)
        finally:
            temporary.unlink(missing_ok=True)
        return done

    def _dialogue(self, name: str, done: Exported) -> Dialogue | None:
        record = parsed(self._store.read(name))
        session_id = str(record["session_id"])
        if session_id in self._known:
            agent_name, outcome = self._known[session_id]
            record = {**record, "agent_name": record.get("agent_name") or agent_name}
            record.setdefault("outcome", outcome)
        found = Dialogue.of(record)
        start = moment(record.get("start_time")) if found is None else found.start
        if not (self._period == Period() if start is None else self._period.holds(start)):
            return None
        if found is None:
            self._known[session_id] = record.get("agent_name"), record.get("outcome")
            done.without_transcript += 1
        return found

    def _write(self, dialogue: Dialogue, lines: IO[str]) -> None:
        if self._format == "jsonl":
            line = json.dumps(chat(dialogue), ensure_ascii=False, separators=(",", ":"))
            lines.write(_encodable(line) + "\n")
            return
        ending, written = _FILES[self._format]
        path = self._folder / self._free_name(dialogue.session_id, ending)
        path.write_bytes(_encodable(written(dialogue)).encode())

    def _free_name(self, session_id: str, ending: str) -> str:
        """A name that is safe on every system, and that no other conversation has."""
        safe = safe_session_id(session_id) or "session"
        stem = name = f"session-{safe}" if _DEVICE.match(safe) else safe
        number = 1
        # Two ids may differ by case only, which not every file system tells apart.
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name.casefold())
        return name + ending


def _encodable(line: str) -> str:
    """The text without lone surrogates, which UTF-8 cannot say."""
    return line.encode("utf-8", "replace").decode()
