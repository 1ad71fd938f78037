"""What is said in an invented call, and the signals that are heard in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..parts import Signal
from . import business
from .business import Desk
from .chance import Chance

_CRM = {"salesforce", "hubspot", "pipedrive", "microsoft_dynamics"}


@dataclass
class Interview:
    """The script of a call: first what gives signals, then what does not."""

    greeting: str
    told: list[tuple[str, str]]
    """What the caller says, and what the agent replies, in this order."""
    small_talk: list[tuple[str, str]]
    values: dict[str, Any] = field(default_factory=dict)
    """What each signal would be, did the caller come so far."""
    signals: list[Signal] = field(default_factory=list)

    def exchange(self, turn: int) -> tuple[str, str]:
        """The agent's reply of this turn, and the caller's words before it."""
        if turn < len(self.told):
            said, reply = self.told[turn]
        else:
            said, reply = self.small_talk[turn % len(self.small_talk)]
        return reply, said

    def heard(
        self, items: Mapping[str, datetime], *, quote: bool
    ) -> tuple[dict[str, Any], list[Signal]]:
        """Values and mentions, as far as the caller came.

        Args:
            items: What was said, and when, by its id.
            quote: Whether the mentions have the caller's words.
        """
        signals = [
            s.model_copy(update={"at": items[s.item_id], "text": s.text if quote else None})
            for s in self.signals
            if s.item_id and s.item_id in items
        ]
        names = {s.name for s in signals if s.chosen}
        values = {name: value for name, value in self.values.items() if name in names}
        large = values.get("team_size", 0) >= 5 or values.get("monthly_volume", 0) >= 100
        if large or _CRM & set(values.get("integration_needs", [])):
            values["qualification_tier"] = "qualified"
        elif names & {"team_size", "monthly_volume"}:
            values["qualification_tier"] = "self_serve"
        return values, signals


def interview(chance: Chance, desk: Desk, person: str) -> Interview:
    """Write the script of a call to this desk."""
    talk = Interview(
        greeting=f"Hello, this is {desk.agent} at Acme. This call may be recorded. "
        "How can I help you?",
        told=[(f"hi, this is {person}, yes that is fine", "Thank you. What can I do for you?")],
        small_talk=[(chance.one(desk.answers), question) for question in desk.questions],
    )
    if desk.signals:
        _qualify(chance, talk)
    return talk


def _qualify(chance: Chance, talk: Interview) -> None:
    """Callers tell less the longer the questions go on: this makes a funnel."""
    if chance.happens(0.86):
        case = chance.one(business.USE_CASES)
        _tell(talk, "use_case", case, "use-case", f"we need help with our {_said(case)}")
    if chance.happens(0.74):
        size = chance.one(business.TEAM_SIZES)
        if chance.happens(0.12):
            _mention(talk, "team_size", size * 3, "team-of-n", "not a team of", "negated")
        _tell(talk, "team_size", size, "team-of-n", f"we are a team of {size}")
    if chance.happens(0.55):
        volume = chance.one(business.VOLUMES)
        _tell(talk, "monthly_volume", volume, "docs-per-period", f"about {volume} a month")
    if chance.happens(0.48):
        needs = chance.some(business.INTEGRATIONS, 3)
        _tell(
            talk, "integration_needs", needs, needs[0], f"we use {' and '.join(map(_said, needs))}"
        )
    if chance.happens(0.52):
        pains = chance.some(business.PAINS, 2)
        _tell(talk, "pain_points", pains, pains[0].replace(" ", "-"), f"it is the {pains[0]}")
    if chance.happens(0.4):
        urgency = chance.one(business.URGENCIES)
        _tell(talk, "urgency", urgency, "urgency", f"for us this is {urgency} priority")
    if chance.happens(0.45):
        trade = chance.one(business.INDUSTRIES)
        _tell(talk, "industry", trade, "industry", f"we are in {_said(trade)}")


def _tell(talk: Interview, name: str, value: Any, rule: str, words: str) -> None:
    talk.values[name] = value
    for each in value if isinstance(value, list) else [value]:
        _mention(talk, name, each, rule, words, "affirmed")
    talk.told.append((words, "I see. And what else should I know?"))


def _mention(talk: Interview, name: str, value: Any, rule: str, words: str, status: str) -> None:
    item = f"item_{2 * len(talk.told) + 2}"  # the greeting is the first, replies in between
    talk.signals.append(
        Signal(
            name=name,
            value=value,
            status=status,
            chosen=status == "affirmed",
            rule=rule,
            item_id=item,
            text=words,
            asked=True,
        )
    )


def _said(name: str) -> str:
    return name.replace("_", " ")
