"""Who is to be forgotten, and whether a stored record is of that person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

# Shorter runs of digits are no telephone number (E.164 with the country's code).
_SHORTEST_NUMBER = 7
_PARTITION = re.compile(r"year=(\d{4})/month=(\d{2})/day=(\d{2})/")


@dataclass(frozen=True)
class Person:
    """Everything that a person is known by; a record that has one of these is theirs.

    Emails are compared whatever their case, telephone numbers by their digits. An email counts as
    the person's where it is the record's ``user_email``, a participant's identity, name or
    attribute, or a value in ``user_metadata``; one that stands elsewhere (in a tool's arguments,
    in what was said) is a mention: the call may be somebody else's.
    """

    emails: frozenset[str] = frozenset()
    session_ids: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    first: date | None = None
    """The first UTC day of calls that are looked at."""
    last: date | None = None
    """The last one."""

    @classmethod
    def of(
        cls,
        *,
        emails: Iterable[str] = (),
        session_ids: Iterable[str] = (),
        identities: Iterable[str] = (),
        phones: Iterable[str] = (),
        first: date | None = None,
        last: date | None = None,
    ) -> Person:
        """What a user typed, made comparable.

        Raises:
            ValueError: Nothing is given, or something that would match what is not the person's.
        """
        given = [*emails, *session_ids, *identities, *phones]
        if not given:
            raise ValueError(
                "nobody is named: give --user-email, --session-id, --identity, --phone"
            )
        if not all(each.strip() for each in given):
            raise ValueError("an empty value would match everybody without one")
        for email in emails:
            if "@" not in email:
                raise ValueError(f"{email} is no email address")
        for phone in phones:
            if len(_digits(phone)) < _SHORTEST_NUMBER:
                raise ValueError(f"{phone} is no telephone number with its country code")
        if first and last and first > last:
            raise ValueError(f"--from {first} is after --to {last}")
        return cls(
            emails=frozenset(_folded(email) for email in emails),
            session_ids=frozenset(each.strip() for each in session_ids),
            identities=frozenset(each.strip() for each in identities),
            phones=frozenset(_digits(phone) for phone in phones),
            first=first,
            last=last,
        )

    def may_be_at(self, name: str) -> bool:
        """Whether an object of this name can be of a day that is looked at."""
        if found := _PARTITION.search(name):
            year, month, day = map(int, found.groups())
            try:
                return self._in_time(date(year, month, day))
            except ValueError:
                return True
        return True

    def is_in_time(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is of a day that is looked at; one without a time is."""
        start = record.get("start_time")
        return not isinstance(start, str) or self._in_time(_day(start))

    def is_in(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is the person's."""
        if not self.is_in_time(record):
            return False
        if record.get("session_id") in self.session_ids:
            return True
        participants = [p for p in _list(record.get("participants")) if isinstance(p, dict)]
        if any(p.get("identity") in self.identities for p in participants):
            return True
        known = list(_texts([record.get("user_email"), record.get("user_metadata"), participants]))
        if self.emails and any(_folded(text) in self.emails for text in known):
            return True
        return bool(self.phones) and any(_digits(text) in self.phones for text in known)

    def is_mentioned_in(self, record: Mapping[str, Any]) -> bool:
        """Whether anything that the person is known by stands anywhere in the record."""
        text = json.dumps(record, ensure_ascii=False)
        folded = text.casefold()
        if any(email in folded for email in self.emails):
            return True
        if any(json.dumps(each, ensure_ascii=False)[1:-1] in text for each in self.identities):
            return True
        if not self.phones:
            return False
        runs = [_digits(run) for run in re.findall(r"\+?\d[\d ()./-]{5,}\d", text)]
        return any(phone in run for run in runs for phone in self.phones)

    def _in_time(self, day: date | None) -> bool:
        if day is None:
            return True
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _folded(text: str) -> str:
    return text.strip().casefold()


def _digits(text: str) -> str:
    """A number's digits, without the plus or the zeros that stand for it: +49 and 0049 are one."""
    return re.sub(r"\D", "", text).lstrip("0")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
