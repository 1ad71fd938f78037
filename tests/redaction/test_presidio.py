"""Presidio's own analyzer as a redactor: no stand-in."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from livekit_plugins_analytics.redaction import (
    Masks,
    RedactionError,
    Redactor,
    Several,
    redactor,
)
from livekit_plugins_analytics.redaction.presidio import EXTRA, Presidio

MODEL = "en_core_web_sm"
INSTALLED = find_spec("presidio_analyzer") is not None

needs_presidio = pytest.mark.skipif(
    not INSTALLED, reason=f"SKIPPED FOR LACK OF PRESIDIO: pip install '{EXTRA}'"
)
# Presidio's recognisers and spaCy warn of what they themselves use.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.mark.skipif(INSTALLED, reason="Presidio is installed")
def test_without_presidio_the_error_names_the_extra() -> None:
    with pytest.raises(RedactionError, match=r"Presidio is not installed: pip install '.*presidio"):
        Presidio()


@needs_presidio
def test_presidio_finds_beside_the_built_in_redactor() -> None:
    presidio = Presidio(["US_PASSPORT", "CRYPTO", "PHONE_NUMBER"])
    masks = Masks(Several(redactor("phone,email"), presidio))

    masked = masks.text(
        "call 415-555-0123, my passport is 912803456, pay 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ, "
        "john dot doe at example dot com, four one five five five five oh one two three"
    )

    assert isinstance(presidio, Redactor)
    assert masked == (
        "call [phone-1], my passport is [us-passport-1], pay [crypto-1], [email-1], [phone-1]"
    )
    assert masks.counts == {"crypto": 1, "email": 1, "phone": 2, "us-passport": 1}


@needs_presidio
def test_it_makes_no_request_unless_asked_for_addresses() -> None:
    assert Presidio().entities == ("card", "iban", "ip", "location", "person", "phone", "ssn")


@needs_presidio
def test_what_is_not_asked_for_stays_and_no_text_makes_it_raise() -> None:
    masks = Masks(Presidio(["IP_ADDRESS"]))

    assert masks.text("\ud800 192.0.2.7 415-555-0123 é") == "\ud800 [ip-1] 415-555-0123 é"
    assert masks.text("") == ""


@needs_presidio
def test_an_unknown_entity_and_a_missing_model_are_refused() -> None:
    with pytest.raises(RedactionError, match="Presidio has no entity 'NOBODY'; there are: AGE"):
        Presidio(["NOBODY"])
    with pytest.raises(RedactionError, match="the model 'en_none' is not installed: python -m"):
        Presidio(model="en_none")


@needs_presidio
def test_an_analyzer_of_ones_own() -> None:
    from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    model = {"lang_code": "en", "model_name": "none"}
    registry = RecognizerRegistry(
        [PatternRecognizer("SEAT_CODE_2", patterns=[Pattern("seat", r"\d{1,2}[A-F]", 0.9)])]
    )
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=NoOpNlpEngine([model]))

    presidio = Presidio(analyzer=analyzer)

    assert presidio.entities == ("seat-code2",)
    assert Masks(presidio).text("row 12A") == "row [seat-code2-1]"
    with pytest.raises(RedactionError, match="no entity for Presidio; name some of: SEAT_CODE_2"):
        Presidio([], analyzer=analyzer)


@pytest.mark.skipif(
    not INSTALLED or find_spec(MODEL) is None,
    reason=f"SKIPPED FOR LACK OF A MODEL: python -m spacy download {MODEL}",
)
def test_a_model_finds_people_and_places() -> None:
    masks = Masks(Presidio(["PERSON", "LOCATION"], model=MODEL))

    assert masks.text("My name is Sarah Connor, I live in Los Angeles. Sarah Connor.") == (
        "My name is [person-1], I live in [location-1]. [person-1]."
    )
