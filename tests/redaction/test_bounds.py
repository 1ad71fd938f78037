"""No text can hold a thread, make the redactor raise, or keep a planted value readable."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livekit_plugins_analytics.redaction import ENTITIES, Masks, Own, redactor
from livekit_plugins_analytics.redaction.plain import plain, words

ALL = redactor(ENTITIES, own=[Own("code", [r"K-\d+", "né"])])
ELSEWHERE = redactor(ENTITIES, region="DE")

# What the finders look at, in any order: more of it than of anything a caller says.
_PIECES = st.sampled_from(
    sorted(
        words(
            """
    one two oh o zero nine ten fifteen twenty ninety double triple hundred thousand to for and uh
    plus dash dot point at @ . , - ( ) + # : :: / $ % [ ] [phone-1] [phone] j smith john gmail com
    co uk acme example is my email address phone number order social card iban ip version server
    415 555 0123 4155550123 4242 4242424242424242 212-33-4567 de89 d e 8 9 gb nwbk 10.0.0.1 1.2
    2001:db8::1 a@b.com K-7 né é \u0661 \u200b \U0001f600 \ud800 four\u00a0one as in bravo quadruple
    underscore dollars 0044 011 ext x12 sip_ call-_ \uff14\uff11\uff15
    """
        )
    )
)
_TEXTS = st.one_of(
    st.text(st.characters()),
    st.text(st.characters(categories=("Cs", "Cf", "Nd", "Mn", "Me", "Zs", "Lo", "No"))),
    st.lists(_PIECES, max_size=40).map(" ".join),
    st.lists(_PIECES, max_size=20).map("".join),
    st.lists(_PIECES, max_size=20).map("\n".join),
)
_SLOW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(_TEXTS)
@_SLOW
def test_any_text_is_taken_and_its_spans_are_within_it_and_apart(text: str) -> None:
    for finder in (ALL, ELSEWHERE):
        at = 0
        for span in finder.find(text):
            assert at <= span.start < span.end <= len(text)
            assert span.entity in finder.entities
            at = span.end


@given(_TEXTS, st.booleans())
@_SLOW
def test_what_is_masked_stays_as_it_is(text: str, stable: bool) -> None:
    masks = Masks(ALL, stable=stable)
    once = masks.text(text)

    counts = masks.counts

    # What a mask parts may be something else by itself; a third time finds nothing more.
    twice = Masks(ALL, stable=stable).text(once)
    assert Masks(ALL, stable=stable).text(twice) == twice
    assert sum(counts.values()) >= once.count("[") - text.count("[")


@given(_TEXTS)
def test_the_plain_form_is_ascii_and_as_long(text: str) -> None:
    assert plain(text).isascii()
    assert len(plain(text)) == len(text)


_VALUES = st.sampled_from(
    [
        "415-555-0123",
        "(415) 555-0123",
        "+44 20 7946 0958",
        "jo.doe@example.com",
        "4242 4242 4242 4242",
        "DE89 3704 0044 0532 0130 00",
        "212-33-4567",
        "203.0.113.9",
        "2001:db8::8a2e:370:7334",
        "four one five, five five five, oh one two three",
        "jo dot doe at example dot com",
        "four two four two, four two four two, four two four two, four two four two",
        "two one two, three three, four five six seven",
        "one ninety two dot one sixty eight dot zero dot one",
    ]
)
_TALK = st.lists(
    st.sampled_from(sorted(words("well I think it's blue, you know, for my brother. Thanks! So?"))),
    max_size=12,
).map(" ".join)


@given(_TALK, _VALUES, _TALK, _VALUES)
@_SLOW
def test_no_planted_value_stays_readable(first: str, one: str, then: str, other: str) -> None:
    said = f"{first}. It's {one}; {then}. And {other}."

    masked = Masks(ALL).text(said)

    assert one not in masked
    assert other not in masked
    assert masked == f"{first}. It's {_mask(masked, 0)}; {then}. And {_mask(masked, -1)}."


def _mask(masked: str, which: int) -> str:
    inside = masked.replace("]", "[").split("[")[1::2]
    return f"[{inside[which]}]"


_HOSTILE = {
    "a digit": "1",
    "digits apart": "1 ",
    "hyphens": "1-",
    "commas": "1,",
    "digit words": "one ",
    "half numbers": "415 555 ",
    "country codes": "+1 ",
    "brackets": "(",
    "ats": "a@",
    "dots": "a.",
    "spoken ats": "at dot ",
    "addresses": "a at b dot c ",
    "accounts": "d e 8 9 ",
    "long accounts": "de89 3704 ",
    "octets": "1.1.1.",
    "spoken octets": "one dot ",
    "colons": "::",
    "groups": "1:",
    "context": "card phone order ",
    "doubles": "double ",
    "fillers": "one uh ",
    "cards": "4242 ",
    "masks": "[phone-1] 1 ",
    "letters as in": "b as in bravo ",
    "keycaps": "\U0001f6004",
    "socials": "social 1 2 3 ",
    "own": "K-",
}


@pytest.mark.parametrize("piece", _HOSTILE.values(), ids=list(_HOSTILE))
def test_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    short, long = (piece * (size // len(piece)) for size in (2_000, 16_000))
    ALL.find(piece)

    # Of processor time, so that what else runs here does not count; the better of two.
    once, many = (min(_seconds(text) for _ in range(2)) for text in (short, long))

    # Eight times the text takes 64 times as long where time grows with its square.
    assert many < max(24 * once, 0.02)


def _seconds(text: str) -> float:
    begin = time.thread_time()
    ALL.find(text)
    return time.thread_time() - begin
