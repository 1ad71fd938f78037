"""The built-in redactor: the entities that are asked for, each with its finder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from . import card, email, iban, ip, phone, ssn
from .canonical import canonical
from .entities import ENTITIES, NAME
from .errors import RedactionError
from .said import Said
from .span import Span, merged


class Detector:
    """Finds the built-in entities. Made by `redactor`.

    Args:
        entities: Which, by name.
        region: The country whose phone numbers are written without a country code.
    """

    def __init__(self, entities: Sequence[str], region: str) -> None:
        self._entities = tuple(entities)
        self._region = region
        finders: dict[str, Callable[[Said], Iterable[Span]]] = {
            "email": email.find,
            "phone": lambda said: phone.find(said, region),
            "card": card.find,
            "iban": iban.find,
            "ssn": ssn.find,
            "ip": ip.find,
        }
        self._finders = [finders[e] for e in self._entities]

    @property
    def entities(self) -> Sequence[str]:
        """The names of its spans."""
        return self._entities

    def find(self, text: str) -> list[Span]:
        """The spans of a text, in order and without overlap. Never raises."""
        said = Said(text)
        return merged(span for finder in self._finders for span in finder(said))

    def canonical(self, entity: str, text: str) -> str:
        """The form that all spellings of a value share."""
        return canonical(entity, text, self._region)


def redactor(names: Sequence[str] | str, *, region: str = "US") -> Detector:
    """The built-in redactor for some entities.

    Args:
        names: Entities, as a list or separated by commas: ``"email,phone,card"``. A name that
            ends in ``.toml`` is a file with patterns of your own.
        region: The country (ISO 3166, two letters) whose phone numbers are written without a
            country code.

    Raises:
        RedactionError: A name or a file is wrong; the message says which and how to mend it.
    """
    listed = names.split(",") if isinstance(names, str) else names
    wanted = list(dict.fromkeys(n.strip() for n in listed if n.strip()))
    if not wanted:
        raise RedactionError(f"no entity to redact; name some of: {', '.join(ENTITIES)}")
    for name in wanted:
        if name not in ENTITIES:
            near = get_close_matches(name.lower(), ENTITIES, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise RedactionError(
                f"no entity {name!r}; {hint}there are: {', '.join(ENTITIES)}, and files of your "
                "own patterns (./redact.toml)"
            )
    return Detector(wanted, region)


__all__ = ["NAME", "Detector", "redactor"]
