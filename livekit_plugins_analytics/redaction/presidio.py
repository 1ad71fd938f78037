"""Microsoft Presidio as a redactor: names and places by a language model, a hundred patterns.

Needs the extra ``presidio``. Heavy: it takes seconds to import, and a model takes memory and
milliseconds a sentence. Its recognisers know written forms only: put it beside the built-in
redactor, not in its place (see `Several`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import RedactionError
from .span import Span

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine
    from spacy.language import Language

EXTRA = "livekit-plugins-analytics[presidio]"
# Its recogniser fetches the list of all top domains when first asked.
_ONLINE = "EMAIL_ADDRESS"
# Halves of a pair, which a recogniser may try to encode.
_HALVES = re.compile("[\ud800-\udfff]")
# No word of an entity's name begins with a digit: "[code-2]" would be the second of "code".
_NUMBERED = re.compile("_+(?=[0-9])")
_LEMMAS = "livekit_plugins_analytics_lemmas"

NAMES: Mapping[str, str] = {
    "CREDIT_CARD": "card",
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip",
    "LOCATION": "location",
    "PERSON": "person",
    "PHONE_NUMBER": "phone",
    "US_SSN": "ssn",
}
"""Presidio's names and ours; all others are Presidio's in lower case: "us-passport"."""


class Presidio:
    """Presidio's analyzer as a `Redactor`.

    Args:
        entities: What to look for, by Presidio's names: ``["PERSON", "US_PASSPORT"]``. None: what
            `NAMES` has, without addresses, which the built-in redactor finds better and without a
            request; or all that your own analyzer knows.
        analyzer: An analyzer of your own. None: one with Presidio's recognisers for the language.
        model: The spaCy model that finds people and places, already installed: "en_core_web_sm".
            None: no model, and so only what patterns find.
        language: The language, as Presidio names it.
        threshold: The least score of a finding, from 0 to 1.

    Raises:
        RedactionError: Presidio or the model is not installed, or there is no such entity.
    """

    def __init__(
        self,
        entities: Sequence[str] | None = None,
        *,
        analyzer: AnalyzerEngine | None = None,
        model: str | None = None,
        language: str = "en",
        threshold: float = 0.4,
    ) -> None:
        self._analyzer = analyzer if analyzer is not None else _analyzer(model, language)
        self._language, self._threshold = language, threshold
        known = set(self._analyzer.get_supported_entities(language))
        if entities is None:
            entities = sorted(known & set(NAMES) - {_ONLINE} if analyzer is None else known)
        if not entities:
            # Presidio takes an empty list for all that it knows.
            raise RedactionError(
                f"no entity for Presidio; name some of: {', '.join(sorted(known))}"
            )
        for name in entities:
            if name not in known:
                raise RedactionError(
                    f"Presidio has no entity {name!r}; there are: {', '.join(sorted(known))}"
                )
        self._wanted = list(entities)

    @property
    def entities(self) -> Sequence[str]:
        """The names of its spans, as masks show them."""
        return tuple(_ours(name) for name in self._wanted)

    def find(self, text: str) -> list[Span]:
        """What Presidio finds in a text."""
        whole = _HALVES.sub("?", text)
        results = self._analyzer.analyze(
            whole,
            language=self._language,
            entities=self._wanted,
            score_threshold=self._threshold,
        )
        return [Span(r.start, r.end, _ours(r.entity_type)) for r in results if r.start < r.end]


def _ours(name: str) -> str:
    return NAMES.get(name) or _NUMBERED.sub("", name.lower()).replace("_", "-")


def _analyzer(model: str | None, language: str) -> AnalyzerEngine:
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        raise RedactionError(f"Presidio is not installed: pip install '{EXTRA}'") from None
    if model is not None and not spacy.util.is_package(model):
        # Presidio would fetch it while a call waits.
        raise RedactionError(
            f"the model {model!r} is not installed: python -m spacy download {model}"
        )
    engine: Any = SpacyNlpEngine(models=[{"lang_code": language, "model_name": model or "blank"}])
    if model is None:
        engine.nlp = {language: _blank(language)}
    return AnalyzerEngine(nlp_engine=engine, supported_languages=[language])


def _blank(language: str) -> Language:
    """A tokenizer alone; every word is its own lemma, so that context words count."""
    import spacy
    from spacy.language import Language
    from spacy.tokens import Doc

    def lemmas(doc: Doc) -> Doc:
        for token in doc:
            token.lemma_ = token.lower_
        return doc

    if not Language.has_factory(_LEMMAS):
        Language.component(_LEMMAS, func=lemmas)
    blank = spacy.blank(language)
    blank.add_pipe(_LEMMAS)
    return blank
