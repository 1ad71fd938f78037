"""What was discovered: the final values, and every mention as evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .record import Signal, utc

if TYPE_CHECKING:
    from .call import Remarks
    from .signals import Mention, RuleSet


@dataclasses.dataclass
class _Heard:
    mention: Mention
    """The listener's own; it is not changed, and held so that its id() stays its own."""
    copy: Mention
    """Which the fold may mark."""
    chosen: bool
    signal: Signal


class Discovery:
    """The values and the evidence of one call, as often as they are asked for. Used by one thread.

    What has been made of a mention is kept: a call that goes on is asked about again and again.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Heard] = {}

    def of(
        self, rules: RuleSet | None, mentions: Sequence[Mention], remarks: Remarks
    ) -> tuple[dict[str, Any], list[Signal]]:
        """The values and the evidence.

        What the agent's own code has set (`Recorder.set_signal`) wins over what was heard, and
        signals that are computed from others are computed from it too.

        Args:
            rules: The pack; None: nothing was listened for.
            mentions: What was heard, in the order of the call. They are not changed.
            remarks: What the agent's code has set.
        """
        given = remarks.signals
        values = dict(given)
        heard = [self._heard(mention) for mention in mentions]
        self._known = {id(each.mention): each for each in heard}
        if rules is not None:
            from .signals.fold import fold  # loaded with the rules

            values = fold(rules, [each.copy for each in heard], given)
        for each in heard:
            if each.copy.chosen != each.chosen:
                each.chosen = each.copy.chosen
                each.signal = each.signal.model_copy(update={"chosen": each.chosen})
        return values, [*(each.signal for each in heard), *_set(remarks)]

    def _heard(self, mention: Mention) -> _Heard:
        if known := self._known.get(id(mention)):
            return known
        line = mention.line()
        at = line["at"]
        return _Heard(
            mention,
            dataclasses.replace(mention),
            mention.chosen,
            Signal(
                **{
                    **line,
                    "at": utc(at) if isinstance(at, float) else None,
                }
            ),
        )


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
