"""A live call as lines of a journal, and back.

Each line holds one thing that changed: an element of a list, the new length of a list that became
shorter, or the whole of a small part. Read in their order they give the capture as it last was.
A journal holds what the record would hold, under the same rules: where the record has no words,
neither has the journal.
"""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from . import call as _call
from .call import Capture, Found, Remarks
from .collectors.conversation import Talk
from .collectors.transcript import Final, Line
from .discovery import Discovery
from .ending import Evidence
from .parts import Signal
from .privacy import Discretion
from .reading import Heard
from .settings import Settings
from .trim import DEPTH_LIMIT, Trimmer

if TYPE_CHECKING:
    from .signals import Mention

_VERSION = 1
# Of a capture, what is not written: it is known when the journal is read, or it is written in
# another form ("values", "evidence_of_values" and "pack" for what the rules found).
_UNWRITTEN = frozenset({"status", "revision", "hear", "found"})
# What the record depends on, as it was where the call was.
_SETTINGS = ("environment", "transcript", "content_consent", "consent_from")
# All that was taken was trimmed then; this is for what JSON cannot say.
_BOUNDLESS = Trimmer(text=sys.maxsize, nodes=sys.maxsize, depth=2 * DEPTH_LIMIT)


class Unusable(ValueError):
    """Nothing can be made of these lines."""


@dataclasses.dataclass(frozen=True)
class Replay:
    """What a journal says."""

    capture: Capture
    settings: dict[str, str]
    """Those of the process that wrote it that the record depends on, by their names."""

    def as_it_was(self, settings: Settings) -> Settings:
        """This process' settings with what counted for the call."""
        return settings.model_copy(update=self.settings)


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
            "journal": _VERSION,
            "settings": {name: getattr(settings, name) for name in _SETTINGS},
        }
        for field in dataclasses.fields(Capture):
            if field.name not in _UNWRITTEN:
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


def replayed(lines: Iterable[bytes], last_alive: float) -> Replay:
    """What a journal says of a call whose process is dead.

    Args:
        lines: The journal's, in their order. One that cannot be read (the last may be torn) is
            counted under ``truncated["journal"]``.
        last_alive: Unix seconds of the last sign of life.

    Raises:
        Unusable: Not even the session is known.
    """
    lists: dict[str, dict[int, Any]] = {}
    parts: dict[str, Any] = {}
    torn = 0
    adapters = _adapters()
    for line in lines:
        try:
            entry = from_json(line)
            name = entry["f"]
            if "n" in entry:
                kept = lists.get(name, {})
                lists[name] = {i: v for i, v in kept.items() if i < int(entry["n"])}
            elif "i" in entry:
                adapter = adapters[name]
                lists.setdefault(name, {})[int(entry["i"])] = adapter.validate_python(entry["v"])
            elif name in adapters:
                parts[name] = adapters[name].validate_python(entry["v"])
        except (ValueError, TypeError, KeyError, ValidationError):
            torn += 1
    if parts.get("journal") != _VERSION:
        raise Unusable("no journal of this version")
    found = Found(
        values=parts.pop("values", {}),
        evidence=_ordered(lists.pop("evidence_of_values", {})),
        pack=parts.pop("pack", None),
        dropped=parts.pop("unheard", 0),
        deaf=parts.pop("deaf", False),
    )
    truncated = dict(parts.get("truncated") or {})
    if torn:
        truncated["journal"] = torn
    evidence: Evidence | None = parts.get("evidence")
    values: dict[str, Any] = {
        **_nothing(last_alive),
        **{name: _ordered(lists.get(name, {})) for name in _list_names()},
        **{name: value for name, value in parts.items() if name in _field_names()},
        "status": "recovered",
        "revision": 1,
        "hear": None,
        "found": found,
        "truncated": truncated,
    }
    if evidence is not None:
        values["evidence"] = dataclasses.replace(evidence, now=last_alive, settled=True)
    try:
        capture = Capture(**values)
    except TypeError:
        raise Unusable("it ends before the session is known") from None  # nor its start
    known = parts.get("settings") or {}
    return Replay(capture, {name: known[name] for name in _SETTINGS if name in known})


def _nothing(at: float) -> dict[str, Any]:
    """What is true of a call of which the journal says no more."""
    return {
        "evidence": Evidence(now=at),
        "remarks": Remarks(),
        "talk": Talk(),
        "llm_calls": None,
        "cancelled_llm_calls": None,
        **dict.fromkeys(
            ("unsaid", "uncounted_llm_calls", "dropped", "handler_errors", "invalid_values"), 0
        ),
    }


def _line(entry: dict[str, Any], value: Any = ...) -> bytes:
    if value is not ...:
        entry = {**entry, "v": value}
    try:
        # NaN and infinity come back as what they were.
        return to_json(entry, inf_nan_mode="constants") + b"\n"
    except ValueError:
        return to_json(_BOUNDLESS.plain("journal", entry)) + b"\n"


def _ordered(elements: dict[int, Any]) -> list[Any]:
    return [elements[index] for index in sorted(elements)]


@cache
def _hints() -> dict[str, Any]:
    return typing.get_type_hints(Capture, vars(_call))


@cache
def _field_names() -> frozenset[str]:
    return frozenset(f.name for f in dataclasses.fields(Capture)) - _UNWRITTEN


@cache
def _list_names() -> frozenset[str]:
    return frozenset(n for n in _field_names() if n == "said" or _is_list(_hints()[n]))


def _is_list(hint: Any) -> bool:
    return typing.get_origin(hint) is list


@cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    """How each part, or each element of a list, is read."""
    types: dict[str, Any] = {
        "journal": int,
        "settings": dict[str, str],
        "values": dict[str, Any],
        "evidence_of_values": Signal,
        "pack": str | None,
        "unheard": int,
        "deaf": bool,
        "said": Line,
    }
    for name in _field_names() - {"said"}:
        hint = _hints()[name]
        types[name] = typing.get_args(hint)[0] if _is_list(hint) else hint
    return {name: TypeAdapter(hint) for name, hint in types.items()}
