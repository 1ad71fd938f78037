"""A stored record under other rates: the same usage, the call's own time, the next revision."""

from __future__ import annotations

import copy
import dataclasses
import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from livekit_plugins_analytics import Rate, RateCard, SessionRecord, Settings
from livekit_plugins_analytics.assembly import assemble
from livekit_plugins_analytics.costs import Bill, Sum, repriced
from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.parts import Participant, Usage, utc

from .collectors.events import T
from .test_assembly import JOB, capture
from .test_record import parsed

USAGE = [
    Usage(
        kind="llm",
        provider="api.openai.com",
        model="gpt-4o-mini",
        quantities={"input_tokens": 14000, "output_tokens": 1000},
    ),
    Usage(
        kind="stt",
        provider="Deepgram",
        model="nova-3",
        quantities={"audio_duration": 450.0},
        mode="streaming",
    ),
    Usage(kind="tts", provider="nobody", model="x", quantities={"characters_count": 10}),
]

CHEAPER = RateCard(
    [
        Rate(vendor="deepgram", unit="audio_minute", price="0.0040"),
        Rate(vendor="nobody", unit="character", price="0.001"),
    ]
)


def stored(card: RateCard | None = None, **values: Any) -> dict[str, Any]:
    """A record as a sink has it."""
    session = assemble(capture(**{"usage": USAGE, **values}), Settings(rates=card))
    row: dict[str, Any] = parsed(line(session))
    return row


def test_the_difference_is_of_the_lines_whose_rate_changed() -> None:
    """450 s at 0.0048 a minute are 0.036, at 0.0040 0.03; ten characters get a price."""
    result = repriced(stored(), CHEAPER)

    before, after = result.before.vendors, result.after.vendors
    assert before["openai"].amount == after["openai"].amount == Decimal("0.0027")
    assert (before["deepgram"].amount, after["deepgram"].amount) == (
        Decimal("0.036"),
        Decimal("0.03"),
    )
    assert before["nobody"] == Sum(Decimal(0), unpriced=1)
    assert after["nobody"] == Sum(Decimal("0.01"))
    assert result.before.total().amount == Decimal("0.0387")
    assert result.before.total().unpriced == 1
    assert result.after.total().amount == Decimal("0.0427")


def test_bills_of_several_records_add_up() -> None:
    """Twice 0.03, 0.0027 and 0.01, and two lines without a price before."""
    all_before, all_after = Bill("USD"), Bill("USD")
    for _ in range(2):
        result = repriced(stored(), CHEAPER)
        all_before.include(result.before)
        all_after.include(result.after)

    assert {name: paid.amount for name, paid in all_after.vendors.items()} == {
        "openai": Decimal("0.0054"),
        "deepgram": Decimal("0.06"),
        "nobody": Decimal("0.02"),
    }
    assert all_before.total() == Sum(Decimal("0.0774"), unpriced=2)


def test_the_new_record_is_the_next_revision_and_else_the_same() -> None:
    old = stored()
    kept = copy.deepcopy(old)

    new = repriced(old, CHEAPER).record

    assert old == kept
    assert new is not None
    assert new["revision"] == 2
    assert new["cost_summary"]["total_estimated_cost"] == 0.0427
    assert new["cost_summary"]["complete"] is True
    assert new["unpriced"] == []
    assert new["costs"][-1] == {
        "kind": "tts",
        "provider": "nobody",
        "model": "x",
        "unit": "character",
        "quantity": 10,
        "unit_price": "0.001",
        "amount": "0.010",
        "source": "rates#2",
    }
    assert "cost_summary" in old["completeness"]["missing"]
    assert "cost_summary" not in new["completeness"]["missing"]
    changed = {key for key in new if new[key] != old[key]}
    assert changed == {"revision", "cost_summary", "costs", "unpriced", "completeness"}
    # What comes out is a record that the package itself could have made.
    SessionRecord.model_validate(new)


def test_under_the_rates_that_it_has_nothing_changes() -> None:
    result = repriced(stored(CHEAPER), CHEAPER)

    assert result.record is None
    assert result.before == result.after


def test_back_to_list_prices_it_is_incomplete_again() -> None:
    new = repriced(stored(CHEAPER), RateCard()).record

    assert new is not None
    assert new["completeness"]["missing"] == stored()["completeness"]["missing"]


def test_a_rate_that_could_not_be_read_is_not_missing_any_more() -> None:
    row = stored()
    row["completeness"]["missing"].append("costs.rates")

    new = repriced(row, CHEAPER).record

    assert new is not None
    assert "costs.rates" not in new["completeness"]["missing"]


def test_the_prices_are_of_the_calls_time() -> None:
    """The card of today has the rates of then."""
    card = RateCard(
        [
            Rate(vendor="deepgram", unit="audio_second", price=1, valid_until=utc(T)),
            Rate(vendor="deepgram", unit="audio_second", price=2, valid_from=utc(T)),
        ]
    )

    assert repriced(stored(), card).after.vendors["deepgram"].amount == 900


def test_minutes_of_services_are_priced_from_the_stored_times() -> None:
    """60 s of session; a phone from 10 s before it until 51 s after its start: 2 minutes."""
    card = RateCard(
        [
            Rate(vendor="livekit", unit="session_minute", price="0.01"),
            Rate(vendor="twilio", unit="telephony_minute", price="0.1"),
        ]
    )
    phone = Participant(identity="p", kind="sip", joined_at=utc(T - 10), left_at=utc(T + 51))
    web = Participant(identity="w", kind="standard", joined_at=utc(T))
    participants = [phone, web]

    result = repriced(stored(participants=participants), card)

    assert result.after.vendors["livekit"].amount == Decimal("0.01")
    assert result.after.vendors["twilio"].amount == Decimal("0.2")
    assert result.record is not None
    # The record made at once has the same lines.
    at_once = stored(card, participants=participants)
    assert result.record["costs"] == at_once["costs"]
    assert result.record["cost_summary"] == at_once["cost_summary"]


def test_a_simulated_call_was_connected_to_nothing() -> None:
    card = RateCard([Rate(vendor="livekit", unit="session_minute", price="0.01")])
    facts = dataclasses.replace(JOB, simulated=True)

    assert "livekit" not in repriced(stored(facts=facts), card).after.vendors
    assert "livekit_cost" not in stored(card, facts=facts)["cost_summary"]


def test_another_currency_is_another_bill() -> None:
    card = RateCard([Rate(vendor="deepgram", unit="audio_second", price="0.01")], currency="EUR")

    result = repriced(stored(), card)

    assert (result.before.currency, result.after.currency) == ("USD", "EUR")
    assert result.after.vendors["deepgram"].amount == Decimal("4.5")
    assert result.after.vendors["openai"].unpriced == 2


def test_a_record_of_an_older_release_is_priced_as_far_as_it_tells() -> None:
    """Without modes, revisions or a list of what is missing."""
    old = {
        "session_id": "s",
        "start_time": "2026-11-22T12:00:00.000Z",
        "end_time": "2026-11-22T12:01:00.000Z",
        "usage": [
            {
                "kind": "stt",
                "provider": "Deepgram",
                "model": "nova-3",
                "quantities": {"audio_duration": 60},
            }
        ],
    }

    result = repriced(old, RateCard())

    assert result.before.vendors == {}
    assert result.after.total().amount == Decimal("0.0048")
    assert result.record is not None
    assert result.record["revision"] == 2
    assert "completeness" not in result.record


@pytest.mark.parametrize(
    "values",
    [
        {"usage": None},
        {"usage": [{"kind": "llm"}]},
        {"usage": ["llm"]},
        {"start_time": None},
        {"start_time": "yesterday"},
        {"costs": [{"provider": "a", "model": "b", "amount": "a lot"}]},
        {"costs": [{}]},
        {"cost_summary": [1]},
        {"participants": ["caller"]},
    ],
    ids=json.dumps,
)
def test_what_is_no_record_of_usage_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        repriced({**stored(), **values}, RateCard())


def test_a_time_may_have_any_offset() -> None:
    row = {**stored(), "start_time": datetime.fromtimestamp(T, timezone.utc).isoformat()}

    assert repriced(row, RateCard()).record is None
