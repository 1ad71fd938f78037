"""The built-in redactor: the entities that are asked for, each with its finder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from . import card, email, iban, ip, pack, phone, ssn
from .canonical import canonical
from .entities import ENTITIES
from .errors import RedactionError
from .own import Own
from .said import Said
from .span import Redactor, Span, merged


class Detector:
    """Finds the built-in entities and a team's own. Made by `redactor`.

    Args:
        entities: Which of the built-in ones.
        own: The team's own.
        region: The country whose phone numbers are written without a country code.
    """

    def __init__(self, entities: Sequence[str], own: Sequence[Own], region: str) -> None:
        self._region = region
        self._entities = (*entities, *(o.name for o in own))
        finders: dict[str, Callable[[Said], Iterable[Span]]] = {
            "email": email.find,
            "phone": lambda said: phone.find(said, region),
            "card": card.find,
            "iban": iban.find,
            "ssn": ssn.find,
            "ip": ip.find,
        }
        self._finders = [*(finders[e] for e in entities), *(o.find for o in own)]

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


class Several:
    """Several redactors as one: the built-in one and Presidio's, for instance.

    Args:
        redactors: Asked in this order; where spans overlap, the longest names the mask.
    """

    def __init__(self, *redactors: Redactor) -> None:
        self._redactors = redactors

    @property
    def entities(self) -> Sequence[str]:
        """The names of all their spans."""
        return tuple(dict.fromkeys(e for r in self._redactors for e in r.entities))

    def find(self, text: str) -> list[Span]:
        """The spans of all of them, in order and without overlap."""
        return merged(span for r in self._redactors for span in r.find(text))

    def canonical(self, entity: str, text: str) -> str:
        """The form that all spellings of a value share, by the first that knows the entity."""
        for redactor in self._redactors:
            known = getattr(redactor, "canonical", None)
            if known is not None and entity in redactor.entities:
                return str(known(entity, text))
        return canonical(entity, text)


def redactor(
    names: Sequence[str] | str, *, own: Sequence[Own] = (), region: str = "US"
) -> Detector:
    """The built-in redactor for some entities.

    Args:
        names: Entities, as a list or separated by commas: ``"email,phone,card"``. One that ends
            in ``.toml`` is a file of entities of your own (see `pack.load`); all of the file's
            are taken, and may be named beside it.
        own: Entities of your own, made in Python.
        region: The country (ISO 3166, two letters) whose phone numbers are written without a
            country code.

    Raises:
        RedactionError: A name, a file or the region is wrong; says which and how to mend it.
    """
    listed = names.split(",") if isinstance(names, str) else names
    wanted = list(dict.fromkeys(n.strip() for n in listed if n.strip()))
    files = [n for n in wanted if n.endswith(".toml")]
    mine = [*own, *(o for file in files for o in pack.load(file))]
    taken: set[str] = set()
    for entity in mine:
        if entity.name in taken:
            raise RedactionError(f"entity {entity.name!r} is defined twice; rename one")
        taken.add(entity.name)
    built_in = [n for n in wanted if n not in files and n not in taken]
    for name in built_in:
        _known(name, [*ENTITIES, *taken])
    if not built_in and not mine:
        raise RedactionError(f"no entity to redact; name some of: {', '.join(ENTITIES)}")
    return Detector(built_in, mine, _region(region))


def _known(name: str, known: Sequence[str]) -> None:
    if name in ENTITIES:
        return
    near = get_close_matches(name.lower(), known, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise RedactionError(
        f"no entity {name!r}; {hint}there are: {', '.join(known)}, and what a file of your own "
        "defines (./redact.toml)"
    )


def _region(region: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    if region.upper() not in SUPPORTED_REGIONS:
        hint = "did you mean 'GB'? " if region.upper() == "UK" else ""
        raise RedactionError(
            f"no region {region!r}; {hint}give a country as two letters (ISO 3166): US, GB, DE"
        )
    return region.upper()
