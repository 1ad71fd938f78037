"""A live call as lines of a journal; `replay` reads them.

Each line holds one thing that changed: an element of a list, the new length of a list that became
shorter, or the whole of a small part. Read in their order they give the capture as it last was.
A journal holds what the record would hold, under the same rules: where the record has no words,
neither has the journal.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_json

from .call import Capture, Remarks
from .collectors.transcript import Final, Line
from .discovery import Discovery
from .privacy import Discretion
from .reading import Heard
from .settings import Settings
from .trim import DEPTH_LIMIT, Trimmer

if TYPE_CHECKING:
    from .signals import Mention

VERSION = 1
# Of a capture, what is not written: it is known when the journal is read, or it is written in
# another form ("values", "evidence_of_values" and "pack" for what the rules found).
UNWRITTEN = frozenset({"status", "revision", "hear", "found"})
# What the record depends on, as it was where the call was.
SETTINGS = ("environment", "transcript", "content_consent", "consent_from")
# All that was taken was trimmed then; this is for what JSON cannot say.
_BOUNDLESS = Trimmer(text=sys.maxsize, nodes=sys.maxsize, depth=2 * DEPTH_LIMIT)


class Pages:
    """The lines of one call. Used by one thread.

    Args:
        settings: Whether the words go along, and the environment's name.
        discretion: What may be told of the call; by the settings where it is not given.
    """

    def __init__(self, settings: Settings, discretion: Discretion | None = None) -> None:
        self._settings = settings
        self._discretion = discretion or Discretion(settings)
        self._since: float | None = None
        self._lists: dict[str, list[Any]] = {}
        self._parts: dict[str, bytes] = {}
        self._discovery: Discovery | None = None
        self._known: tuple[Sequence[Mention], Remarks] | None = None

    def turn(self, capture: Capture) -> Literal["more", "less"] | None:
        """Whether something else of the call may be told now than what was written.

        The lines that come next are the whole then, and take the place of what was written.
        """
        before, since = self._since, self._discretion.since(capture)
        if before is None or before == since:
            return None
        self._lists, self._parts = {}, {}
        self._discovery = self._known = None
        return "less" if since > before else "more"

    def lines(self, capture: Capture) -> bytes:
        """What has changed since the last capture that was `written`."""
        self._since = self._discretion.since(capture)
        capture = self._discretion.of(capture)
        self._new_lists: dict[str, list[Any]] = {}
        self._new_parts: dict[str, bytes] = {}
        lines: list[bytes] = []
        for name, value in self._values(capture).items():
            if isinstance(value, list):
                lines += self._changes(name, value)
            else:
                lines += self._part(name, value)
        return b"".join(lines)

    def written(self) -> None:
        """The lines are on disk: from now on only what differs from them is new."""
        self._lists |= self._new_lists
        self._parts |= self._new_parts

    def _values(self, capture: Capture) -> dict[str, Any]:
        settings = self._settings
        values: dict[str, Any] = {
            "journal": VERSION,
            "settings": {name: getattr(settings, name) for name in SETTINGS},
        }
        for field in dataclasses.fields(Capture):
            if field.name not in UNWRITTEN:
                values[field.name] = getattr(capture, field.name)
        # The moment is the file's own time.
        values["evidence"] = dataclasses.replace(capture.evidence, now=0.0)
        # Not compiled yet: the next page has what was said until then as well.
        heard = (capture.hear and capture.hear(0.0)) or Heard()
        if heard.rules is not None or capture.remarks.signals:
            if self._discovery is None:
                self._discovery = Discovery()
            if (heard.mentions, capture.remarks) != self._known:
                self._known = (heard.mentions, capture.remarks)
                self._found = self._discovery.of(heard.rules, heard.mentions, capture.remarks)
            values["values"], values["evidence_of_values"] = self._discretion.found(*self._found)
            values["pack"] = heard.rules.id if heard.rules else None
        values["unheard"] = heard.dropped
        values["deaf"] = heard.deaf
        return values

    def _changes(self, name: str, value: list[Any]) -> Iterable[bytes]:
        before = self._lists.get(name, [])
        for index, element in enumerate(value):
            known = before[index] if index < len(before) else None
            if known is element or (known is not None and known == element):
                continue
            yield _line({"f": name, "i": index}, self._plain(name, element))
        if len(before) > len(value):
            yield _line({"f": name, "n": len(value)})
        self._new_lists[name] = value

    def _part(self, name: str, value: Any) -> Iterable[bytes]:
        line = _line({"f": name}, value)
        if self._parts.get(name) != line:
            self._new_parts[name] = line
            yield line

    def _plain(self, name: str, element: Any) -> Any:
        if name not in ("said", "finals"):
            return element
        line: Line | Final = element.line() if name == "said" else element
        text = None if line.text is None else _BOUNDLESS.text("transcript", line.text)
        return dataclasses.replace(line, text=None if self._settings.transcript == "off" else text)


def _line(entry: dict[str, Any], value: Any = ...) -> bytes:
    if value is not ...:
        entry = {**entry, "v": value}
    try:
        # NaN and infinity come back as what they were.
        return to_json(entry, inf_nan_mode="constants") + b"\n"
    except ValueError:
        return to_json(_BOUNDLESS.plain("journal", entry)) + b"\n"
