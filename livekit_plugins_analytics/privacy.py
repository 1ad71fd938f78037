"""What may be told of a call: the caller's consent and redaction, on all that is captured.

Both are applied to the capture, in a thread, before anything is written: to the journal, to the
spool, to a sink. So no place can have more than another.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from .call import Capture, Remarks
from .collectors.transcript import Final, Line, Said
from .ending import Evidence
from .facts import Facts
from .log import logger
from .parts import Error, Handoff, Participant, Signal, StateChange, ToolCall
from .settings import Settings

if TYPE_CHECKING:
    from .redaction import Masks, Redactor

T = TypeVar("T")

WITHHELD = "[withheld]"
"""In the place of a text that has to be there."""

# What the framework itself says (livekit-agents 1.8.9, ipc/job_proc_lazy_main.py and job.py).
_OWN_REASONS = frozenset(
    {"", "job crashed", "parent process shutdown", "room disconnected", "simulation completed"}
)
_ALL, _NOTHING = 0.0, math.inf
# Texts of one call whose masked form is remembered.
_MAX_KNOWN = 20_000

Redacting = Callable[[], "Redactor | None"]
"""Finds what redacts a call; built in a thread. Raises where redaction is not possible."""


class Discretion:
    """What may be told of one call, to one reader: the journal, or one revision of the record.

    Used by one thread.

    Content is what was said and who the caller is: words, notes, arguments and results of tools,
    names, numbers, addresses. It is told from the moment on that `since` gives. What remains is
    redacted.

    Args:
        settings: Whether content needs consent, and from when on a grant applies.
        redacting: Finds what redacts; asked once. Where that fails no content is told.
    """

    def __init__(self, settings: Settings, redacting: Redacting | None = None) -> None:
        self._settings = settings
        self._redacting = redacting
        self._entities: tuple[str, ...] = ()
        self._masks: Masks | None = None
        self._unable = False
        self._since: float | None = None
        self._withheld: set[str] = set()
        self._known: dict[str, dict[int, tuple[Any, Any]]] = {}
        self._texts: dict[tuple[str, str], str] = {}

    def since(self, capture: Capture) -> float:
        """The moment (unix seconds) from which on content is told: 0 is all, infinity none."""
        self._prepare()
        settings, remarks = self._settings, capture.remarks
        if capture.facts.redaction or self._unable:
            return _NOTHING
        if settings.content_consent != "required":
            return _ALL
        if remarks.consent is not True:
            return _NOTHING
        return (remarks.consent_at or _NOTHING) if settings.consent_from == "grant" else _ALL

    def needed(self, capture: Capture) -> bool:
        """Whether something of the capture may have to be kept back, or masked."""
        return self.since(capture) != _ALL or self._masks is not None

    def of(self, capture: Capture) -> Capture:
        """The capture with what may be told. What has not changed since is the same object."""
        since = self.since(capture)
        if since != self._since:
            self._since, self._known, self._withheld = since, {}, set()
        if since == _ALL and self._masks is None:
            return capture
        self._withheld |= set(capture.withheld)
        told = dataclasses.replace(
            capture,
            facts=self._facts(capture.facts),
            evidence=self._evidence(capture.evidence),
            remarks=self._remarks(capture.remarks),
            participants=self._each("participants", capture.participants, self._participant),
            tools=self._each("tools", capture.tools, self._tool),
            said=self._lines(capture.said),
            finals=self._finals(capture.finals),
            handoffs=self._each("handoffs", capture.handoffs, self._handoff),
            errors=self._each("errors", capture.errors, self._error),
            masked=tuple(sorted({*capture.masked, *self._entities})),
        )
        return dataclasses.replace(told, withheld=tuple(sorted(self._withheld)))

    def found(
        self, values: dict[str, Any], evidence: list[Signal]
    ) -> tuple[dict[str, Any], list[Signal]]:
        """What the rules found, of the capture that was asked for last.

        The values are the pack's own words and numbers: they are told. The words in which the
        caller said it are content.
        """
        if not self._since and self._masks is None:
            return values, evidence
        told = self._each("evidence", evidence, self._signal)
        return self._value(values), told

    @property
    def silent(self) -> bool:
        """Whether no content was told of the capture that was asked for last."""
        return self._since == _NOTHING

    @property
    def withheld(self) -> list[str]:
        """Names of what was there and is not told."""
        return sorted(self._withheld)

    def _prepare(self) -> None:
        if self._redacting is None:
            return
        redacting, self._redacting = self._redacting, None
        try:
            redactor = redacting()
            if redactor is not None:
                # Here, not above: a call that is not redacted does not load it.
                from .redaction.masks import UNCHECKED, Masks

                self._entities = (*redactor.entities, UNCHECKED)
                self._masks = Masks(redactor)
        except Exception as error:  # what cannot be redacted is not told
            self._unable = True
            logger.error("analytics cannot redact (%s): no content is kept", type(error).__name__)

    def _each(self, name: str, values: Sequence[T], tell: Callable[[T, int], Any]) -> list[Any]:
        """A list's elements, each made once as long as it is the same object."""
        before, now = self._known.get(name, {}), {}
        result = []
        for index, value in enumerate(values):
            known = before.get(id(value))
            told = known[1] if known is not None and known[0] is value else tell(value, index)
            now[id(value)] = (value, told)
            result.append(told)
        self._known[name] = now
        return result

    # -- texts and values

    def _text(self, text: str, before: str = "") -> str:
        if self._masks is None or not text:
            return text
        known = self._texts.get((text, before))
        if known is None:
            known = self._masks.text(text, before=before)
            if len(self._texts) >= _MAX_KNOWN:
                self._texts.clear()
            self._texts[text, before] = known
        return known

    def _optional(self, text: str | None) -> str | None:
        return None if text is None else self._text(text)

    def _value(self, value: Any) -> Any:
        if self._masks is None:
            return value
        return self._text(value) if isinstance(value, str) else self._masks.value(value)

    def _kept_back(self, name: str, value: Any) -> bool:
        """Whether a value without a moment of its own is content that is not told."""
        if self._since != _NOTHING:
            return False
        if value:
            self._withheld.add(name)
        return True

    def _too_early(self, name: str, at: float | datetime | None, *values: Any) -> bool:
        """Whether what happened then is content that is not told."""
        moment = at.timestamp() if isinstance(at, datetime) else at or 0.0
        if self._since is None or moment >= self._since:
            return False
        if any(values):
            self._withheld.add(name)
        return True

    def _flags(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Of what the agent's code says, yes and no have no content."""
        kept = {n: v for n, v in values.items() if v is None or isinstance(v, bool)}
        if len(kept) < len(values):
            self._withheld.add(name)
        return kept

    def _open(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        if self._since == _NOTHING:
            return self._flags(name, values)
        masked: dict[str, Any] = self._value(values)
        return masked

    # -- the parts of a capture

    def _facts(self, facts: Facts) -> Facts:
        # A phone call's room has the caller's number in its name.
        hidden = self._kept_back("room_name", facts.room_name)
        return dataclasses.replace(
            facts,
            room_name=None if hidden else self._optional(facts.room_name),
            agent_name=self._optional(facts.agent_name),
        )

    def _evidence(self, evidence: Evidence) -> Evidence:
        reason = evidence.shutdown_reason
        if reason is None or reason in _OWN_REASONS:
            return evidence
        hidden = self._kept_back("shutdown_reason", reason)
        return dataclasses.replace(
            evidence, shutdown_reason=WITHHELD if hidden else self._text(reason)
        )

    def _remarks(self, remarks: Remarks) -> Remarks:
        hidden = self._kept_back
        kept = [
            (note, at)
            for note, at in _timed(remarks)
            if not self._too_early("conversation_notes", at, note)
        ]
        return dataclasses.replace(
            remarks,
            notes=[self._text(note) for note, _ in kept],
            note_times=[at for _, at in kept],
            state=self._optional(remarks.state),
            state_history=[
                StateChange(state=self._text(change.state), at=change.at)
                for change in remarks.state_history
            ],
            consent_method=self._optional(remarks.consent_method),
            user_email=None
            if hidden("user_email", remarks.user_email)
            else self._optional(remarks.user_email),
            user_metadata=self._open("user_metadata", remarks.user_metadata),
            signals=self._open("discovered_signals", remarks.signals),
            tags=[] if hidden("tags", remarks.tags) else [self._text(t) for t in remarks.tags],
            evaluations=[]
            if hidden("evaluations", remarks.evaluations)
            else [self._value(e) for e in remarks.evaluations],
            custom=self._open("custom", remarks.custom),
            outcome_reason=None
            if hidden("outcome_reason", remarks.outcome_reason)
            else self._optional(remarks.outcome_reason),
        )

    def _participant(self, participant: Participant, index: int) -> Participant:
        sip = participant.sip
        if self._since == _NOTHING:
            self._withheld.add("participants")
            return participant.model_copy(
                update={
                    "identity": f"participant-{index + 1}",
                    "name": None,
                    "attributes": {},
                    "sip": sip
                    and sip.model_copy(update={"phone_number": None, "trunk_phone_number": None}),
                }
            )
        return participant.model_copy(
            update={
                "identity": self._text(participant.identity),
                "name": self._optional(participant.name),
                "attributes": self._value(participant.attributes),
                "sip": sip
                and sip.model_copy(
                    update={
                        "phone_number": self._optional(sip.phone_number),
                        "trunk_phone_number": self._optional(sip.trunk_phone_number),
                    }
                ),
            }
        )

    def _tool(self, call: ToolCall, _: int) -> ToolCall:
        notes = call.model_extra or {}
        early = self._too_early(
            "tool_calls", call.timestamp, call.arguments, call.result, call.error
        )
        if early:
            values = {**self._flags("tool_calls", notes), "arguments": {}}
            values |= {"result": None, "error": WITHHELD if call.error else None}
        else:
            values = {
                **self._value(notes),
                "arguments": self._value(call.arguments),
                "result": self._optional(call.result),
                "error": self._optional(call.error),
            }
        # An agent may call a tool that there is not, by any name.
        values |= {"tool": self._text(call.tool), "agent": self._optional(call.agent)}
        fixed = {n: getattr(call, n) for n in ToolCall.model_fields if n not in values}
        return ToolCall.model_construct(**fixed, **values)

    def _line(self, said: Said | Line, before: str) -> Line:
        line = said.line()
        if line.text is None:
            return line
        if self._too_early("transcript", line.at, self._wants_words and line.text):
            return dataclasses.replace(line, text=None)
        text = self._text(line.text, before) if self._wants_words else None
        return dataclasses.replace(line, text=text)

    def _lines(self, said: Sequence[Said | Line]) -> list[Line]:
        def tell(each: Said | Line, index: int) -> Line:
            # The agent's question tells what a bare number is.
            asked = said[index - 1].line() if self._masks is not None and index else None
            before = asked.text if asked and asked.role == "agent" else None
            return self._line(each, before or "")

        return self._each("said", said, tell)

    def _finals(self, finals: list[Final]) -> list[Final]:
        def tell(final: Final, _: int) -> Final:
            if self._too_early("transcript", final.at, final.text):
                return dataclasses.replace(final, text=None)
            return dataclasses.replace(final, text=self._optional(final.text))

        return self._each("finals", finals, tell)

    @property
    def _wants_words(self) -> bool:
        return self._settings.transcript != "off"

    def _handoff(self, handoff: Handoff, _: int) -> Handoff:
        return handoff.model_copy(
            update={"from_agent": self._text(handoff.from_agent), "to": self._text(handoff.to)}
        )

    def _error(self, error: Error, _: int) -> Error:
        return error.model_copy(update={"type": self._text(error.type)})

    def _signal(self, signal: Signal, _: int) -> Signal:
        early = self._too_early("signals.text", signal.at, signal.text)
        return signal.model_copy(
            update={
                "value": self._value(signal.value),
                "text": None if early else self._optional(signal.text),
            }
        )


def masks_in(value: Any, entities: Iterable[str]) -> dict[str, int]:
    """How many masks there are in a value's texts, by entity."""
    names = "|".join(re.escape(name) for name in entities)
    mask = re.compile(rf"\[({names})(?:-\d+)?\]")
    counts: Counter[str] = Counter()
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            counts.update(mask.findall(each))
        elif isinstance(each, dict):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, (list, tuple)):
            left += each
    return dict(sorted(counts.items()))


def _timed(remarks: Remarks) -> Iterable[tuple[str, float]]:
    """The notes with their moments; one of a time when these were not kept is of the beginning."""
    times = [*remarks.note_times, *[0.0] * len(remarks.notes)]
    return zip(remarks.notes, times, strict=False)
