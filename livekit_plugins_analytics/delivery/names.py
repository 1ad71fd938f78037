"""What files in a spool are called.

    {session id}~{token}~{number}.parcel          a parcel
    {session id}~{token}~{number}~{sink}.done     a mark: that sink has confirmed that parcel
    {session id}~{token}~{number}.later           a mark: its turn comes after the others'
    {session id}~{token}.journal                  the journal of a live session; see `journal`

Under `dead/` a parcel has the same name, with a note of why it is there beside it:

    {session id}~{token}~{number}.json
"""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path

SUFFIX = ".parcel"
MARK = ".done"
LATER = ".later"
TEMPORARY = ".tmp"
JOURNAL = ".journal"
NOTE = ".json"

# Short enough for every file system with what comes after it, and nothing that any of them minds.
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def new_token() -> str:
    """A token that no other session has."""
    return uuid.uuid4().hex[:12]


def plain(text: str) -> str:
    """The text where it can be part of a file's name, else a digest of it."""
    if _PLAIN.fullmatch(text):
        return text
    return "=" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def session_of(path: Path) -> str:
    """The session id in a parcel's name: a digest where the id cannot be part of one."""
    return path.name.partition("~")[0].removesuffix(SUFFIX)


def mark(path: Path, sink: str) -> Path:
    """The mark which says that a sink has confirmed this parcel."""
    return labelled(path, plain(sink))


def labelled(path: Path, label: str) -> Path:
    """The mark with a label: a sink's name as it is in names of files."""
    return path.with_name(f"{_stem(path)}~{label}{MARK}")


def marked(mark: Path) -> tuple[Path, str]:
    """The parcel that a mark belongs to, and its label."""
    stem, _, label = mark.name.removesuffix(MARK).rpartition("~")
    return mark.with_name(stem + SUFFIX), label


def later(path: Path) -> Path:
    """The mark which says that a parcel's turn comes after the others'."""
    return path.with_name(_stem(path) + LATER)


def parcel_of(path: Path) -> Path:
    """The parcel that a `later` mark or a note belongs to, in the same directory."""
    return path.with_suffix(SUFFIX)


def note_of(path: Path) -> Path:
    """The note beside a parcel in ``dead/``."""
    return path.with_name(_stem(path) + NOTE)


def journal_of(path: Path) -> Path:
    """The journal of the session whose record this parcel is."""
    return path.with_name(_stem(path).rpartition("~")[0] + JOURNAL)


def successor(path: Path) -> Path:
    """The parcel that takes this one's place."""
    return _numbered(path, 1)


def forerunner(path: Path) -> Path | None:
    """The parcel whose place this one takes; None of a session's first."""
    return None if _number(path) <= 1 else _numbered(path, -1)


def _stem(path: Path) -> str:
    return path.name[: -len(SUFFIX)]


def _number(path: Path) -> int:
    number = _stem(path).rpartition("~")[2]
    # A name that is not ours has no neighbours.
    return int(number) if number.isdecimal() else 0


def _numbered(path: Path, step: int) -> Path:
    stem = _stem(path).rpartition("~")[0]
    return path.with_name(f"{stem}~{_number(path) + step}{SUFFIX}")
