"""A user's own rates go first, say what is wrong with them, and are never converted."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import pickle
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics import Rate, RateCard, RatesError, Settings
from livekit_plugins_analytics.costs import (
    NAMES,
    UNITS,
    Connections,
    Costs,
    UsageLine,
    parse_card,
    price,
    service_lines,
)
from livekit_plugins_analytics.rates import load_rates, load_rates_leniently

from .test_costs import AT, LINES, MOMENTS, PRICED

DATA_CONTRACT = """
[[rates]]
vendor = "openai"
unit = "token"
price = 1.50
per = 1_000_000

[[rates]]
vendor = "deepgram"
unit = "audio_minute"
price = 0.0043

[[rates]]
vendor = "elevenlabs"
unit = "character"
price = 0.15
per = 1_000_000
"""

EXAMPLE = [
    UsageLine(
        "llm", "api.openai.com", "gpt-4o-mini", {"input_tokens": 14000, "output_tokens": 1000}
    ),
    UsageLine("stt", "Deepgram", "nova-3", {"audio_duration": 450.0}),
    UsageLine("tts", "ElevenLabs", "eleven_flash_v2_5", {"characters_count": 2500}),
]

GPT = UsageLine("llm", "api.openai.com", "gpt-4.1", {"input_tokens": 1000})


def priced(card: RateCard, *lines: UsageLine, at: datetime = AT) -> Costs:
    return price(lines, at, [card], currency=card.currency)


def only(card: RateCard, line: UsageLine, at: datetime = AT) -> tuple[str | None, str | None]:
    """Amount and source of a line that is one cost line."""
    (cost,) = priced(card, line, at=at).lines
    return None if cost.amount is None else f"{cost.amount.normalize():f}", cost.source


def day(*date: int) -> datetime:
    year, month, number, *clock = date
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    return datetime(year, month, number, hour, minute, second, tzinfo=timezone.utc)


# -- the data contract's example


def test_the_contracts_own_unit_prices_give_the_contracts_own_figures() -> None:
    """15,000 tokens at 1.50 a million, 7.5 minutes at 0.0043, 2,500 characters at 0.15 a million
    are 0.0225, 0.03225 and 0.000375."""
    costs = priced(parse_card(DATA_CONTRACT, "contract.toml"), *EXAMPLE)

    assert costs.summary == {
        "openai_tokens": 15000,
        "openai_cost": Decimal("0.022500"),
        "deepgram_minutes": 7.5,
        "deepgram_cost": Decimal("0.032250"),
        "elevenlabs_characters": 2500,
        "elevenlabs_cost": Decimal("0.000375"),
        "total_estimated_cost": Decimal("0.055125"),
        "currency": "USD",
        "complete": True,
    }
    # The contract shows four decimals, half to even.
    assert round(Decimal("0.032250"), 4) == Decimal("0.0322")


def test_list_prices_give_what_the_services_charge() -> None:
    """0.0021 + 0.0006, 450 x 0.00008, 2500 x 0.00004: two and a half times the contract's."""
    costs = priced(RateCard(), *EXAMPLE)

    assert costs.summary["openai_cost"] == Decimal("0.0027")
    assert costs.summary["deepgram_cost"] == Decimal("0.036")
    assert costs.summary["elevenlabs_cost"] == Decimal("0.1")
    assert costs.summary["total_estimated_cost"] == Decimal("0.1387")


# -- what a rate covers


@pytest.mark.parametrize(
    ("vendor", "model", "line", "covered"),
    [
        ("openai", "*", GPT, True),
        ("OpenAI ", "GPT-4.1", GPT, True),
        ("openai", "gpt-4*", GPT, True),
        ("openai", "gpt-4.?", GPT, True),
        ("openai", "gpt-4", GPT, False),
        ("api.openai.com", "*", GPT, True),
        ("openai", "*", UsageLine("llm", "eu.api.openai.com", "m", GPT.quantities), True),
        ("eu.api.openai.com", "*", GPT, False),
        (
            "azure",
            "gpt-4o",
            UsageLine("llm", "me.openai.azure.com", "gpt-4o", GPT.quantities),
            True,
        ),
        ("google", "*", UsageLine("llm", "Vertex AI", "gemini-2.5-pro", GPT.quantities), True),
        ("vertex ai", "*", UsageLine("llm", "Gemini", "gemini-2.5-pro", GPT.quantities), False),
        (
            "localhost",
            "llama*",
            UsageLine("llm", "localhost:11434", "llama3", GPT.quantities),
            True,
        ),
        ("localhost:11434", "*", UsageLine("llm", "localhost:11434", "x", GPT.quantities), True),
        # LiveKit bills what it resells.
        (
            "livekit",
            "openai/*",
            UsageLine("llm", "livekit", "openai/gpt-4.1", GPT.quantities),
            True,
        ),
        ("openai", "*", UsageLine("llm", "livekit", "openai/gpt-99", GPT.quantities), False),
    ],
)
def test_a_rate_covers_a_vendor_and_a_glob_of_models(
    vendor: str, model: str, line: UsageLine, covered: bool
) -> None:
    card = RateCard([Rate(vendor=vendor, model=model, unit="input_token", price="0.5")])

    amount, source = only(card, line)

    assert (amount == "500" and source == "rates#1") is covered


def test_the_first_rate_that_covers_it_wins() -> None:
    card = RateCard(
        [
            Rate(vendor="openai", model="gpt-4.1", unit="output_token", price="9"),
            Rate(vendor="openai", model="gpt-4.1", unit="input_token", price="0.001"),
            Rate(vendor="openai", unit="token", price="0.002"),
        ]
    )

    costs = priced(card, UsageLine("llm", "openai", "gpt-5", GPT.quantities), GPT)

    assert [(c.amount, c.source) for c in costs.lines] == [
        (Decimal("2.000"), "rates#3"),
        (Decimal("1.000"), "rates#2"),
    ]


@pytest.mark.parametrize(
    ("at", "source"),
    [
        (day(2026, 9, 30, 23, 59, 59), None),
        (day(2026, 10, 1), "rates#1"),
        (day(2026, 10, 31, 23, 59, 59), "rates#1"),
        (day(2026, 11, 1), "rates#2"),
        (day(2030, 1, 1), "rates#2"),
    ],
)
def test_a_rate_holds_from_its_first_moment_until_before_its_last(
    at: datetime, source: str | None
) -> None:
    card = RateCard(
        [
            Rate(
                vendor="mine",
                unit="token",
                price=1,
                valid_from=datetime(2026, 10, 1),
                valid_until=day(2026, 11, 1),
            ),
            Rate(vendor="mine", unit="token", price=2, valid_from=day(2026, 11, 1)),
        ]
    )

    assert only(card, UsageLine("llm", "mine", "m", {"input_tokens": 1}), at)[1] == source


def test_a_rate_may_be_for_a_kind_or_a_way_of_transcribing() -> None:
    card = RateCard(
        [
            Rate(vendor="deepgram", kind="tts", unit="audio_second", price="9"),
            Rate(vendor="deepgram", mode="batch", unit="audio_second", price="0.2"),
            Rate(vendor="deepgram", kind="stt", unit="audio_hour", price="1080"),
        ]
    )
    heard = {"audio_duration": 10}

    assert only(card, UsageLine("stt", "Deepgram", "nova-3", heard, mode="batch"))[0] == "2"
    assert only(card, UsageLine("stt", "Deepgram", "nova-3", heard, mode="mixed"))[0] == "3"
    assert only(card, UsageLine("stt", "Deepgram", "nova-3", heard))[0] == "3"


def test_a_rate_decides_how_a_model_is_billed() -> None:
    """gpt-4o-mini-tts is listed by the token; whoever pays by the character says so."""
    line = UsageLine(
        "tts",
        "api.openai.com",
        "gpt-4o-mini-tts",
        {"input_tokens": 500, "output_tokens": 6000, "characters_count": 2500},
    )
    card = RateCard([Rate(vendor="openai", unit="character", price="0.00002")])

    assert only(card, line) == ("0.05", "rates#1")


def test_a_connection_may_be_billed_by_its_length() -> None:
    """A realtime voice at 0.05 a minute: 90 s are 0.075, whatever tokens it reports."""
    card = RateCard([Rate(vendor="xai", unit="session_second", price="0.05", per=60)])

    for tokens in (0, 1000):
        used = {"session_duration": 90.0, "input_tokens": tokens}
        assert only(card, UsageLine("llm", "xAI", "grok-voice", used)) == ("0.075", "rates#1")


def test_what_the_card_has_not_the_public_lists_have() -> None:
    card = RateCard([Rate(vendor="deepgram", unit="audio_second", price="1")])

    amount, source = only(card, GPT)

    assert amount == "0.002"
    assert source and source.startswith("voice-prices@")


def test_a_rate_of_zero_is_a_price() -> None:
    """The user's own: what is included costs nothing, and the sums are complete."""
    costs = priced(RateCard([Rate(vendor="openai", unit="token", price=0)]), GPT)

    assert costs.lines[0].amount == 0
    assert costs.summary["openai_cost"] == 0
    assert costs.summary["complete"] is True


def test_a_price_per_minute_is_exact_where_it_ends_and_has_18_decimals_where_not() -> None:
    card = RateCard([Rate(vendor="deepgram", unit="audio_minute", price="0.0043")])

    exact, endless = priced(
        card,
        UsageLine("stt", "Deepgram", "nova-3", {"audio_duration": 450.0}),
        UsageLine("stt", "Deepgram", "nova-3", {"audio_duration": 1.0}),
    ).lines

    assert str(exact.amount) == "0.03225"
    assert str(endless.amount) == str(exact.unit_price) == "0.000071666666666667"


# -- currencies


def test_nothing_is_converted() -> None:
    """A card in EUR makes a record in EUR, in which list prices (USD) have no place."""
    card = RateCard([Rate(vendor="deepgram", unit="audio_second", price="0.0001")], currency="EUR")

    costs = priced(card, *EXAMPLE)

    assert costs.summary["currency"] == "EUR"
    assert costs.summary["deepgram_cost"] == Decimal("0.045")
    assert costs.summary["total_estimated_cost"] == Decimal("0.045")
    assert costs.summary["openai_cost"] is costs.summary["elevenlabs_cost"] is None
    assert costs.summary["complete"] is False
    assert {item["reason"] for item in costs.unpriced} == {"other_currency"}


def test_a_rate_in_another_currency_hides_the_list_price() -> None:
    """What the user pays is known, in a currency that the record does not have."""
    card = RateCard([Rate(vendor="openai", unit="token", price="1", currency="GBP")])

    (cost,) = priced(card, GPT).lines

    assert (cost.unit_price, cost.amount, cost.source) == (None, None, None)


# -- minutes of what is no model

MINUTES = RateCard(
    [
        Rate(vendor="livekit", unit="session_minute", price="0.01"),
        Rate(vendor="livekit", unit="telephony_minute", price="0.004"),
        Rate(vendor="twilio", unit="telephony_minute", price="0.0085"),
        Rate(vendor="livekit", unit="recording_minute", price="0.005", valid_until=day(2026, 1, 1)),
    ]
)


def bill(card: RateCard, connections: Connections) -> Costs:
    return priced(card, *service_lines(card, connections, AT))


def test_each_connection_is_billed_by_the_begun_minute() -> None:
    """61 s are 2 minutes; two phones of 10 s and 70 s are 1 + 2."""
    costs = bill(MINUTES, Connections(session=61, telephony=[10, 70]))

    assert [(c.kind, c.provider, c.unit, c.quantity, str(c.amount)) for c in costs.lines] == [
        ("session", "livekit", "session_minute", 2, "0.02"),
        ("telephony", "livekit", "telephony_minute", 3, "0.012"),
        ("telephony", "twilio", "telephony_minute", 3, "0.0255"),
    ]
    assert costs.summary == {
        "livekit_session_minutes": 2,
        "livekit_telephony_minutes": 3,
        "livekit_cost": Decimal("0.032000"),
        "twilio_telephony_minutes": 3,
        "twilio_cost": Decimal("0.025500"),
        "total_estimated_cost": Decimal("0.057500"),
        "currency": "USD",
        "complete": True,
    }


@pytest.mark.parametrize(("seconds", "minutes"), [(0.001, 1), (60, 1), (60.0004, 1), (60.001, 2)])
def test_a_minute_that_has_begun_counts(seconds: float, minutes: int) -> None:
    (line, *_) = bill(MINUTES, Connections(session=seconds)).lines

    assert line.quantity == minutes


def test_recording_is_billed_for_the_session() -> None:
    card = RateCard([Rate(vendor="livekit", unit="recording_minute", price="0.005")])

    (line,) = bill(card, Connections(session=120, telephony=[600])).lines

    assert (line.kind, line.quantity, str(line.amount)) == ("recording", 2, "0.010")


def test_without_a_rate_there_is_no_line_for_them() -> None:
    """Off by default: no line, nothing unpriced, nothing incomplete."""
    assert service_lines(RateCard(), Connections(session=600, telephony=[600]), AT) == []


def test_without_a_connection_there_is_none_either() -> None:
    """No phone, no telephony; a call in the console was connected to nothing."""
    assert service_lines(MINUTES, Connections(), AT) == []
    kinds = [line.kind for line in service_lines(MINUTES, Connections(session=5), AT)]
    assert kinds == ["session"]


def test_a_rate_for_a_model_is_none_for_a_service() -> None:
    card = RateCard([Rate(vendor="livekit", model="gpt*", unit="session_minute", price=1)])

    assert service_lines(card, Connections(session=60), AT) == []


@pytest.mark.parametrize(
    ("joined", "left", "seconds"),
    [
        (None, None, 100),
        (day(2026, 11, 22, 11, 59, 50), None, 110),
        (None, day(2026, 11, 22, 12, 0, 30), 30),
        (day(2026, 11, 22, 12, 0, 40), day(2026, 11, 22, 12, 0, 30), 0),
    ],
)
def test_a_phone_is_connected_while_it_is_in_the_room(
    joined: datetime | None, left: datetime | None, seconds: float
) -> None:
    start, end = day(2026, 11, 22, 12), day(2026, 11, 22, 12, 1, 40)

    assert Connections.between(start, end, [(joined, left)]) == Connections(100, [seconds])


# -- what is wrong

GOOD: dict[str, Any] = {"vendor": "openai", "unit": "input_token", "price": "0.1"}

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"vendor": ""}, 'vendor must be a text, such as vendor = "openai"'),
    ({"vendor": 7}, "vendor must be a text"),
    ({"model": " "}, "model must be a text"),
    ({"unit": "input_tokens"}, "did you mean 'input_token'?"),
    ({"unit": "furlong"}, "there is no unit 'furlong'. There are: input_token"),
    ({"price": 0.1}, "not a float"),
    ({"price": True}, "price must be an exact number"),
    ({"price": "ten"}, "price must be a number"),
    ({"price": "NaN"}, "price must be a number"),
    ({"price": "Infinity"}, "price must be a number"),
    ({"price": "-1"}, "from 0 to 1,000,000,000"),
    ({"price": "1e10"}, "per = 1_000_000"),
    ({"price": "1e-19"}, "at most 18 decimals"),
    ({"per": 0}, "per must be a whole number above 0"),
    ({"per": True}, "per must be"),
    ({"per": Decimal("1.5")}, "per must be"),
    ({"kind": "voice"}, "kind must be one of: llm, stt, tts"),
    ({"mode": "mixed"}, "mode must be one of: streaming, batch;"),
    ({"currency": "euro"}, 'currency = "EUR"'),
    ({"currency": "Eur"}, "three letters"),
    ({"currency": 3}, "three letters"),
    ({"valid_from": "2026"}, "valid_from must be a date"),
    (
        {"valid_until": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2)))},
        "valid_until must be a date",
    ),
    (
        {"valid_from": datetime(2026, 1, 1), "valid_until": day(2026, 1, 1)},
        "valid_from must be before valid_until",
    ),
    ({"note": 4711}, "note must be a text"),
]


@pytest.mark.parametrize(("values", "message"), WRONG, ids=[str(values) for values, _ in WRONG])
def test_a_wrong_rate_says_what_and_the_fix(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RatesError) as failure:
        Rate(**{**GOOD, **values})

    assert message in str(failure.value)
    assert isinstance(failure.value, analytics.SettingsError)


CARDS = [
    ('currency = "USD"\n[[rates]\n', "mine.toml: not TOML: "),
    ("[[rate]]\nvendor = 'x'\n", "mine.toml: there is no 'rate'; did you mean 'rates'? There are"),
    (f"version = {'9' * 5000}", "mine.toml: "),
    ("zzz = 1", "mine.toml: there is no 'zzz'. There are: currency, version, rates"),
    ("rates = 3", "mine.toml: rates must be tables: [[rates]]"),
    ("rates = [3]", "mine.toml: rates must be tables: [[rates]]"),
    ('currency = "dollars"', "mine.toml: currency must be a code of three letters"),
    ("version = 1.5", "mine.toml: version must be a text"),
    ('version = ""', "mine.toml: version must be a text"),
    (
        '[[rates]]\nvendor = "a"\nunit = "token"\nprice = 1\n\n[[rates]]\nvendor = "b"\nprice = 1',
        "mine.toml:6, rate 2: unit is missing; a rate needs vendor, unit, price",
    ),
    (
        '\n[[ rates ]]\nvendor = "a"\nunit = "token"\nprise = 1',
        "mine.toml:2, rate 1: there is no 'prise'; did you mean 'price'?",
    ),
    (
        '[[rates]]\nvendor = "a"\nunit = "token"\nprice = inf',
        "mine.toml:1, rate 1: price must be a number",
    ),
    ('rates = [{vendor = "a", unit = "x", price = 1}]', "mine.toml, rate 1: there is no unit 'x'"),
]


@pytest.mark.parametrize(("text", "message"), CARDS, ids=[repr(m[:40]) for _, m in CARDS])
def test_a_wrong_card_names_file_line_entry_and_fix(text: str, message: str) -> None:
    with pytest.raises(RatesError) as failure:
        parse_card(text, "mine.toml")

    assert str(failure.value).startswith(message)


def test_a_wrong_card_in_code_says_so() -> None:
    with pytest.raises(RatesError, match=r"rates: currency must be a code"):
        RateCard(currency="€")


def test_an_error_can_leave_its_process() -> None:
    with pytest.raises(RatesError) as failure:
        parse_card(CARDS[9][0], "mine.toml")

    copy = pickle.loads(pickle.dumps(failure.value))

    assert str(copy) == str(failure.value)
    assert (copy.source, copy.entry, copy.line) == ("mine.toml", 2, 6)


def test_a_card_is_read_as_it_is_written() -> None:
    """Decimals never pass through floats, days begin at midnight UTC, the source names it all."""
    card = parse_card(
        """
currency = "EUR"
version = "2026-11"
[[rates]]
vendor = "openai"
model = "gpt-4.1*"
kind = "llm"
unit = "input_token"
price = 0.1234567890123456789e1
per = 1_000_000
valid_from = 2026-10-01
valid_until = 2027-01-01T00:00:00+01:00
note = "contract 4711"
""",
        "acme.toml",
    )

    (rate,) = card
    assert rate.price == Decimal("1.234567890123456789")
    assert (rate.valid_from, rate.valid_until) == (day(2026, 10, 1), day(2026, 12, 31, 23))
    assert (card.currency, card.version, len(card)) == ("EUR", "2026-11", 1)
    assert repr(card) == "RateCard('acme.toml', 1 rates, EUR)"
    assert only(card, GPT) == ("0.001234567890123457", "acme.toml@2026-11#1 contract 4711")


def test_the_readmes_card_can_be_used() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    blocks = [each.split("```")[0] for each in readme.split("```toml\n")[1:]]
    (text,) = [each for each in blocks if "[[rates]]" in each]

    card = parse_card(text, "rates.toml")

    assert only(card, GPT) == ("0.0018", "rates.toml@2026-11#1 contract 4711")
    heard = UsageLine("stt", "livekit", "deepgram/nova-3", {"audio_duration": 60})
    assert only(card, heard) == ("0.0042", "rates.toml@2026-11#2")


def test_without_a_version_the_source_names_the_state_of_the_text() -> None:
    first, second = (parse_card(DATA_CONTRACT + end, "x.toml").version for end in ("", "\n#"))

    assert first != second
    assert len(first) == len(second) == 8


def test_an_empty_card_is_a_card() -> None:
    assert only(parse_card("", "x.toml"), GPT)[0] == "0.002"
    assert bool(RateCard()) is True


# -- the settings' card


def write(path: Path, price: str) -> Path:
    path.write_text(f'[[rates]]\nvendor = "openai"\nunit = "token"\nprice = {price}\n')
    return path


def test_the_settings_name_a_file_or_hold_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_RATES", str(write(tmp_path / "rates.toml", "0.5")))
    card = RateCard()

    assert only(load_rates(Settings.load()), GPT)[0] == "500"
    assert load_rates(Settings(rates=card)) is card
    monkeypatch.delenv("ANALYTICS_RATES")
    assert len(load_rates(Settings.load())) == 0


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path = write(tmp_path / "rates.toml", "0.5")
    settings = Settings(rates=path)

    first = load_rates(settings)
    assert load_rates(settings) is first
    write(path, "0.25")
    os.utime(path, ns=(1, 1))  # whatever the clock's grain

    assert only(load_rates(settings), GPT)[0] == "250"


def test_a_mark_at_the_files_beginning_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "rates.toml"
    path.write_text(DATA_CONTRACT, encoding="utf-8-sig")

    assert len(load_rates(Settings(rates=path))) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not a text in UTF-8"),
    ],
    ids=["missing", "a directory", "not a text"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, make: Any, message: str) -> None:
    path = tmp_path / "rates.toml"
    make(path)

    with pytest.raises(RatesError) as failure:
        load_rates(Settings(rates=path))

    assert str(failure.value).startswith(f"{path}: {message}")


def test_at_the_workers_start_a_wrong_card_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANALYTICS_RATES", str(write(tmp_path / "rates.toml", "'dear'")))

    with pytest.raises(RatesError, match=r"rates\.toml:1, rate 1: price must be a number"):
        analytics.prewarm()


def test_off_the_main_thread_it_is_logged_and_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As in a job's process: the framework calls the set-up there, and a call must not fail."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANALYTICS_RATES", str(write(tmp_path / "rates.toml", "'dear'")))
    failures: list[BaseException] = []

    def prewarm() -> None:
        try:
            analytics.prewarm(object())  # type: ignore[arg-type]  # any process
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=prewarm)
    with caplog.at_level(logging.ERROR, logger="livekit.plugins.analytics"):
        thread.start()
        thread.join()

    assert failures == []
    assert "ANALYTICS_RATES is ignored" in caplog.text
    assert "rate 1: price must be a number" in caplog.text


def test_what_is_wrong_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(rates=tmp_path / "none.toml")

    with caplog.at_level(logging.ERROR, logger="livekit.plugins.analytics"):
        assert load_rates_leniently(settings) is None
        assert load_rates_leniently(settings) is None

    assert len(caplog.records) == 1


# -- properties

RATES = st.builds(
    Rate,
    vendor=st.sampled_from(["openai", "deepgram", "livekit", "elevenlabs", "nobody.example"]),
    model=st.sampled_from(["*", "gpt*", "nova-3", "*/*"]),
    unit=st.sampled_from(NAMES),
    price=st.decimals(0, 1000, places=6),
    per=st.sampled_from([1, 7, 60, 1000, 1_000_000]),
    currency=st.sampled_from([None, "USD", "EUR"]),
)
LISTS = st.builds(RateCard, st.lists(RATES, max_size=6), currency=st.sampled_from(["USD", "EUR"]))
USED = st.lists(LINES | st.sampled_from([line for line, _ in PRICED] + EXAMPLE), max_size=5)


@given(LISTS, USED, MOMENTS)
def test_with_any_card_the_sums_are_of_the_lines(
    card: RateCard, lines: list[UsageLine], at: datetime
) -> None:
    """The total is the sum of the known amounts; each is its quantity times its price, exactly."""
    costs = priced(card, *lines, at=at)
    known = [line.amount for line in costs.lines if line.amount is not None]

    assert all(type(amount) is Decimal for amount in known)
    assert costs.summary["complete"] is (len(known) == len(costs.lines))
    assert len(costs.unpriced) == len(costs.lines) - len(known)
    total = costs.summary["total_estimated_cost"]
    if known:
        assert isinstance(total, Decimal)
        exact = sum(map(Fraction, known), Fraction(0))
        assert abs(Fraction(total) - exact) <= Fraction(1, 2_000_000)
    else:
        assert total == (None if costs.lines else 0)


@given(LISTS, USED, MOMENTS)
def test_an_amount_is_quantity_times_the_cards_price(
    card: RateCard, lines: list[UsageLine], at: datetime
) -> None:
    """Computed once more with fractions from the entry that the source names."""
    entries = list(card)
    sizes = {"audio_minute": 60, "audio_hour": 3600}
    for line in priced(card, *lines, at=at).lines:
        if line.amount is None or not (line.source or "").startswith("rates#"):
            continue
        rate = entries[int((line.source or "").removeprefix("rates#")) - 1]
        per = rate.per * sizes.get(rate.unit, 1)
        exact = Fraction(rate.price) * Fraction(str(line.quantity)) / per
        assert abs(Fraction(line.amount) - exact) <= Fraction(1, 2 * 10**18)


LITERALS = st.one_of(
    st.sampled_from(
        ["0.15", "1e999999999", "-0.0", "nan", "1_000_000", "true", "2026-11-01", "07:32:00"]
        + ["2026-11-01T00:00:00Z", "0001-01-01T00:00:00+02:00", "[]", "{}", '"token"', '"USD"']
    ),
    st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=True)),
    st.integers().map(str),
)
KEYS = st.sampled_from([*(field.name for field in dataclasses.fields(Rate)), "mdoel"])


@given(st.lists(st.dictionaries(KEYS, LITERALS), max_size=3), st.text(max_size=20))
def test_any_text_is_a_card_or_says_what_is_wrong(tables: list[dict[str, str]], noise: str) -> None:
    """Nothing else is raised, and every message names the file."""
    entries = ["".join(f"{key} = {value}\n" for key, value in table.items()) for table in tables]
    for text in (noise, "".join(f"[[rates]]\n{entry}" for entry in entries)):
        try:
            card = parse_card(text, "mine.toml")
        except RatesError as error:
            assert str(error).startswith("mine.toml")
        else:
            assert all(rate.vendor and Decimal(rate.price) >= 0 for rate in card)


@given(st.sampled_from(NAMES))
def test_every_unit_that_a_card_may_name_is_billed_somewhere(name: str) -> None:
    from livekit_plugins_analytics.costs.units import meant

    assert meant(name).units <= set(UNITS)


SHADOWS = [
    ({}, {}, True),
    ({}, {"model": "gpt-4"}, True),
    ({"model": "gpt-4"}, {}, False),
    ({"model": "gpt-*"}, {"model": "gpt-4*"}, True),
    ({"model": "gpt-?"}, {"model": "gpt-*"}, False),
    ({"model": "gpt-?"}, {"model": "GPT-?"}, True),
    ({"unit": "token"}, {}, True),
    ({}, {"unit": "token"}, False),
    ({"unit": "output_token"}, {}, False),
    ({"vendor": "azure"}, {}, False),
    ({"kind": "llm"}, {}, False),
    ({}, {"kind": "llm"}, True),
    ({"mode": "batch"}, {}, False),
    ({"valid_until": day(2026, 1, 1)}, {}, False),
    ({"valid_from": day(2026, 1, 1)}, {"valid_from": day(2026, 2, 1)}, True),
]


@pytest.mark.parametrize(
    ("first", "second", "hidden"), SHADOWS, ids=[f"{a}-{b}" for a, b, _ in SHADOWS]
)
def test_an_entry_may_hide_a_later_one(
    first: dict[str, Any], second: dict[str, Any], hidden: bool
) -> None:
    assert Rate(**{**GOOD, **first}).shadows(Rate(**{**GOOD, **second})) is hidden
