"""What the agent itself says of the call: notes, state, consent, user, outcome."""

from __future__ import annotations

import enum
import math
import numbers
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..parts import StateChange, utc
from ..trim import Trimmer

# Bounds of one call's own remarks; what comes after is counted.
_MAX_NOTES = 1_000
_MAX_KEYS = 500


class Annotations:
    """The agent's own words. Each method returns False for a value it could not keep."""

    def __init__(self, trimmer: Trimmer) -> None:
        self._trimmer = trimmer
        self.dropped = 0
        self.version = 0
        """Grows with every change, so that nobody need compare."""
        self.notes: list[str] = []
        self.note_times: list[float] = []
        self.state: str | None = None
        self.state_history: list[StateChange] = []
        self.consent: bool | None = None
        self.consent_at: float | None = None
        self.consent_method: str | None = None
        self.user_email: str | None = None
        self.user_metadata: dict[str, Any] = {}
        self.signals: dict[str, Any] = {}
        self.signal_times: dict[str, float] = {}
        self.tags: list[str] = []
        self.custom: dict[str, Any] = {}
        self.outcome: str | None = None
        self.outcome_reason: str | None = None

    def add_note(self, text: Any) -> bool:
        self.version += 1
        if not (note := self._text("conversation_notes", text)):
            return False
        if self._full(self.notes, _MAX_NOTES):
            return True
        self.notes.append(note)
        self.note_times.append(time.time())
        return True

    def set_state(self, name: Any) -> bool:
        self.version += 1
        if not (state := self._text("conversation_state", name)):
            return False
        if state != self.state:
            self.state = state
            if not self._full(self.state_history, _MAX_NOTES):
                self.state_history.append(StateChange(state=state, at=utc(time.time())))
        return True

    def record_consent(self, granted: Any, method: Any) -> bool:
        self.version += 1
        # Only True is consent: "no" is a true value as well, and a mock passes for a bool.
        if type(granted) is not bool:
            return False
        if granted is not self.consent:  # said twice, it holds since the first time
            self.consent, self.consent_at = granted, time.time()
        self.consent_method = self._text("consent_method", method)
        return method is None or self.consent_method is not None

    def set_user(self, email: Any, metadata: Any) -> bool:
        self.version += 1
        kept = True
        if email is not None:
            text = self._text("user_email", email)
            self.user_email = text or self.user_email
            kept = text is not None
        if metadata is not None:
            kept = self._merge("user_metadata", self.user_metadata, metadata) and kept
        return kept

    def set_signal(self, name: Any, value: Any) -> bool:
        self.version += 1
        kept = self._merge("discovered_signals", self.signals, {name: value})
        if kept and (key := self._text("discovered_signals", name)) in self.signals:
            self.signal_times[key] = time.time()
        return kept

    def set_custom(self, key: Any, value: Any) -> bool:
        self.version += 1
        return self._merge("custom", self.custom, {key: value})

    def add_tag(self, tag: Any) -> bool:
        self.version += 1
        if not (text := self._text("tags", tag)):
            return False
        if text not in self.tags and not self._full(self.tags, _MAX_KEYS):
            self.tags.append(text)
        return True

    def set_outcome(self, success: Any, reason: Any) -> bool:
        self.version += 1
        if type(success) is not bool:
            return False
        self.outcome = "success" if success else "fail"
        self.outcome_reason = self._text("outcome_reason", reason)
        return reason is None or self.outcome_reason is not None

    def plain(self, field: str, value: Any) -> Any:
        """A value as the record can hold it, taken now: the agent may change it later."""
        return self._trimmer.plain(field, value)

    def _merge(self, field: str, into: dict[str, Any], values: Any) -> bool:
        try:
            items = list(values.items()) if isinstance(values, Mapping) else None
        except Exception:  # a mapping of the agent's own
            items = None
        if items is None:
            return False
        kept = True
        for key, value in items:
            name = self._text(field, key)
            if not name:
                kept = False
            elif name in into or not self._full(into, _MAX_KEYS):
                into[name] = self._trimmer.plain(field, value)
        return kept

    def _text(self, field: str, value: Any) -> str | None:
        """A text, a number or an enum of these as text, or None for what is none or empty."""
        try:
            if isinstance(value, enum.Enum):
                value = value.value
            if isinstance(value, bool):
                return None
            if isinstance(value, (numbers.Real, Decimal)):
                value = str(self._trimmer.plain(field, value)) if math.isfinite(value) else None
            if not isinstance(value, str):
                return None
            return self._trimmer.text(field, value).strip() or None
        except Exception:  # an object that will not even say what it is
            return None

    def _full(self, held: Any, limit: int) -> bool:
        if len(held) < limit:
            return False
        self.dropped += 1
        return True
