"""The chat history that an agent uploads to LiveKit Cloud, as items of a transcript.

It is the framework's own ``session.history`` as JSON: the same things as in the API's transcript,
by other names, and the system prompt besides, which is left out.
"""

from __future__ import annotations

import re
from typing import Any

# How the framework has a model mark its tone; nobody hears that.
_EXPRESSION = re.compile(r"</?expr\b[^>]*>")

_ROLES = {"user": "ROLE_USER", "assistant": "ROLE_AGENT"}


def items_of_history(history: Any) -> list[dict[str, Any]] | None:
    """The items as the API's transcript has them, in their order.

    Args:
        history: The JSON: ``{"items": [...]}``.

    Returns:
        The items, still to be read; None where this is no chat history.
    """
    items = history.get("items") if isinstance(history, dict) else None
    if not isinstance(items, list):
        return None
    return [wire for item in items if (wire := _item(item)) is not None]


def _item(item: Any) -> dict[str, Any] | None:
    if not isinstance(item, dict):
        return {"id": 0}  # cannot be read, and is counted as such
    kind = item.get("type")
    head = {"id": item.get("id"), "timestamp": item.get("created_at")}
    if kind == "message":
        return None if item.get("role") not in _ROLES else {**head, "message": _message(item)}
    if kind == "function_call":
        names = {"name": "name", "call_id": "callId", "arguments": "arguments"}
        return {**head, "toolCall": _renamed(item, names)}
    if kind == "function_call_output":
        names = {"name": "name", "call_id": "callId", "output": "output", "is_error": "isError"}
        return {**head, "toolResult": _renamed(item, names)}
    if kind == "agent_handoff":
        return {**head, "agentHandoff": {"toAgentId": item.get("new_agent_id")}}
    if kind == "agent_config_update":
        names = {"tools_added": "toolsAdded", "tools_removed": "toolsRemoved"}
        return {**head, "configUpdate": _renamed(item, names)}
    return {**head, str(kind): {}}


def _message(item: dict[str, Any]) -> dict[str, Any]:
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    metrics = item.get("metrics")
    seconds = metrics if isinstance(metrics, dict) else {}
    text = "\n".join(part for part in parts if isinstance(part, str))
    return {
        "role": _ROLES[item["role"]],
        "text": _EXPRESSION.sub("", text) if item["role"] == "assistant" else text,
        "interrupted": item.get("interrupted"),
        "endOfTurnDelayMs": _milliseconds(seconds.get("end_of_turn_delay")),
        "e2eLatencyMs": _milliseconds(seconds.get("e2e_latency")),
    }


def _milliseconds(value: Any) -> float | None:
    return value * 1000.0 if isinstance(value, (int, float)) else None


def _renamed(item: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {new: item[old] for old, new in names.items() if old in item}
