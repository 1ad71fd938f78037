"""What was discovered: the final values, and every mention as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .desk import uncollected
from .parts import Signal, lean, utc

if TYPE_CHECKING:
    from .call import Remarks
    from .signals import Mention, RuleSet


_evidence = lean(Signal)


class Discovery:
    """The values and the evidence of one call, as often as they are asked for. Used by one thread.

    What has been made of a mention is kept: a call that goes on is asked about again and again.
    """

    def __init__(self) -> None:
        self._mentions: list[Mention] = []
        """The listener's own; held so that their id() stays their own."""
        self._signals: list[Signal] = []
        """What was made of them."""

    @uncollected()
    def of(
        self, rules: RuleSet | None, mentions: Sequence[Mention], remarks: Remarks
    ) -> tuple[dict[str, Any], list[Signal]]:
        """The values and the evidence.

        What the agent's own code has set (`Recorder.set_signal`) wins over what was heard, and
        signals that are computed from others are computed from it too.

        Args:
            rules: The pack; None: nothing was listened for.
            mentions: What was heard, in the order of the call. They are not changed: another
                thread may ask about them at the same time.
            remarks: What the agent's code has set.
        """
        given = remarks.signals
        values, chosen = dict(given), set()
        if rules is not None:
            from .signals.fold import settled  # loaded with the rules

            values, rests_on = settled(rules, mentions, given)
            chosen = {id(mention) for mention in rests_on}
        known = dict(zip(map(id, self._mentions), self._signals, strict=True))
        signals = [_signal(m, id(m) in chosen, known.get(id(m))) for m in mentions]
        self._mentions, self._signals = list(mentions), signals
        return values, [*signals, *_set(remarks)]


def _signal(mention: Mention, chosen: bool, known: Signal | None) -> Signal:
    """A mention as evidence; what is known of it, unless something else was chosen since."""
    if known is None:
        at = utc(mention.at) if isinstance(mention.at, float) else None
        return _evidence(**{**mention.line(), "chosen": chosen, "at": at})
    return known if known.chosen == chosen else known.model_copy(update={"chosen": chosen})


def _set(remarks: Remarks) -> list[Signal]:
    """What the agent's code has set, as evidence."""
    times = remarks.signal_times
    return [
        Signal(
            name=name,
            value=value,
            status="affirmed",
            chosen=True,
            at=utc(times[name]) if name in times else None,
        )
        for name, value in remarks.signals.items()
    ]
