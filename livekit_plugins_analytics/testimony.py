"""What the agent's code says of a call, by the recorder and by LiveKit's own tagger."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

from .call import Remarks
from .collectors.annotations import Annotations


class Testimony:
    """The remarks of one call. Asked many times while it goes on: nothing is copied twice.

    Args:
        said: What the recorder was told.
        tagger: Finds the job's tagger (livekit-agents, ``JobContext.tagger``), or None.
    """

    def __init__(self, said: Annotations, tagger: Callable[[], Any]) -> None:
        self._said = said
        self._tagger = tagger
        self._copied: tuple[int, Remarks] | None = None
        self._judged: tuple[list[Any], list[Any]] = ([], [])

    def so_far(self) -> Remarks:
        """What was said until now."""
        said = self._said
        if self._copied is None or self._copied[0] != said.version:
            self._copied = (said.version, _own(said))
        remarks = self._copied[1]
        tagger = self._tagger()
        if tagger is None:
            return remarks
        raw = list(tagger.evaluations)
        if [id(e) for e in raw] != [id(e) for e in self._judged[0]]:
            self._judged = (raw, said.plain("evaluations", raw) or [])
        outcome, reason = remarks.outcome, remarks.outcome_reason
        if outcome is None and tagger.outcome:
            outcome, reason = tagger.outcome, tagger.outcome_reason
        return dataclasses.replace(
            remarks,
            tags=remarks.tags + sorted(t for t in tagger.tags if t not in remarks.tags),
            evaluations=self._judged[1],
            outcome=outcome,
            outcome_reason=reason,
        )


def _own(said: Annotations) -> Remarks:
    return Remarks(
        notes=list(said.notes),
        note_times=list(said.note_times),
        state=said.state,
        state_history=list(said.state_history),
        consent=said.consent,
        consent_at=said.consent_at,
        consent_method=said.consent_method,
        user_email=said.user_email,
        user_metadata=copy.deepcopy(said.user_metadata),
        signals=copy.deepcopy(said.signals),
        signal_times=dict(said.signal_times),
        tags=list(said.tags),
        custom=copy.deepcopy(said.custom),
        outcome=said.outcome,
        outcome_reason=said.outcome_reason,
    )
