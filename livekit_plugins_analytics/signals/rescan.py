"""A new pack over a stored record: what would have been found with it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .listener import Listener
from .ruleset import RuleSet


def readable(record: Mapping[str, Any]) -> str | None:
    """Why a record cannot be read again: "without transcript", "incomplete"; None where it can.

    Of an incomplete transcript the missing words may have told values that the record knows:
    reading what is left would lose them.
    """
    transcript = record.get("transcript")
    if not isinstance(transcript, Mapping):
        return "without transcript"
    items = transcript.get("items")
    if not isinstance(items, list) or not items:
        return "without transcript"
    return "incomplete" if transcript.get("complete") is False else None


def rescanned(rules: RuleSet, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record with the pack's values and evidence, one revision up.

    Values that the agent's own code had set (evidence without a rule, or keys that no rule has
    ever filled) stay as they are.

    Args:
        rules: The new pack.
        record: A stored record, as parsed from its JSON.

    Returns:
        The new record; None where it is not `readable`, or nothing changes.
    """
    if readable(record) is not None:
        return None
    listener = Listener(rules)
    for item in record["transcript"]["items"]:
        text = item.get("text") if isinstance(item, Mapping) else None
        if not isinstance(text, str):
            continue
        if item.get("role") == "agent":
            listener.agent_said(text, item.get("at"))
        elif item.get("role") == "user":
            listener.user_said(item.get("id"), text, item.get("at"))
    values, mentions = listener.result()
    evidence = [s for s in record.get("signals") or [] if isinstance(s, Mapping)]
    by_agent = [dict(s) for s in evidence if s.get("rule") is None]
    by_rules = {s.get("name") for s in evidence if s.get("rule") is not None}
    by_rules |= set(rules.signals) | {c.name for c in rules.computed}
    by_rules -= {s.get("name") for s in by_agent}
    before = record.get("discovered_signals") or {}
    kept = {k: v for k, v in before.items() if k not in by_rules}
    changed = {
        "discovered_signals": {**{k: v for k, v in values.items() if k not in kept}, **kept},
        "signals": [m.line() for m in mentions] + by_agent,
        "signal_pack": rules.id,
    }
    if all(record.get(k) == v for k, v in changed.items()):
        return None
    result = copy.deepcopy(dict(record))
    result.update(changed)
    revision = record.get("revision")
    result["revision"] = (revision if isinstance(revision, int) else 1) + 1
    return result
