"""What a journal says of a call: the lines of `pages`, read in their order."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from . import call as _call
from .call import Capture, Found, Remarks
from .collectors.conversation import Talk
from .collectors.transcript import Line
from .ending import Evidence
from .pages import SETTINGS, UNWRITTEN, VERSION
from .parts import Signal
from .settings import Settings


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
    if parts.get("journal") != VERSION:
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
    return Replay(capture, {name: known[name] for name in SETTINGS if name in known})


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


def _ordered(elements: dict[int, Any]) -> list[Any]:
    return [elements[index] for index in sorted(elements)]


@cache
def _hints() -> dict[str, Any]:
    return typing.get_type_hints(Capture, vars(_call))


@cache
def _field_names() -> frozenset[str]:
    return frozenset(f.name for f in dataclasses.fields(Capture)) - UNWRITTEN


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
