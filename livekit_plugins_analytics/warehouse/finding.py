"""One call's record, among all that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from .cache import Cache
from .fetching import fetched
from .inspection import documents
from .lines import lines
from .listing import Bucket, Directory, LakeError, Object, is_firehose, records
from .partition import Span

# Ids in an error: enough to choose from.
_NAMED = 5


class NotFound(LakeError):
    """No object has the call."""


def find(
    source: Directory | Bucket,
    session: str,
    span: Span,
    cache: Cache | None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """The last revision of a call.

    Objects are named after their calls, so that one is read as a rule; where none is, those are
    searched that hold the records of many calls, and those with other names.

    Args:
        source: Where to look.
        session: Its id, or the beginning of it.
        span: The days on which it may have begun.
        cache: What is kept of a bucket.
        on_progress: Called with objects read and objects to read.

    Raises:
        NotFound: There is none.
        LakeError: The beginning fits several, or the source cannot be listed.
    """
    listed = records(source, span, [])
    named = {each.name: _stem(each.name) for each in listed}
    exact = [each for each in listed if named[each.name] == session]
    begun = {stem for stem in named.values() if stem.startswith(session)}
    if not exact and len(begun) > 1:
        raise LakeError(_ambiguous(session, begun))
    chosen = exact or [each for each in listed if named[each.name] in begun]
    many = [each for each in listed if is_firehose(each.name)]
    found = _searched(source, chosen + many, session, cache, on_progress)
    if not found and not chosen:
        found = _searched(source, listed, session, cache, on_progress)
    if not found:
        raise NotFound(f"{source.path}: no record of {session} among {len(listed)} objects")
    if len(ids := {str(each["session_id"]) for each in found}) > 1:
        raise LakeError(_ambiguous(session, ids))
    return max(found, key=_revision)


def _searched(
    source: Directory | Bucket,
    objects: list[Object],
    session: str,
    cache: Cache | None,
    on_progress: Callable[[int, int], None],
) -> list[dict[str, Any]]:
    found = []
    mark = session.encode()
    for number, each in enumerate(fetched(source, objects, cache)):
        on_progress(number, len(objects))
        for _, line in documents(lines(each.body)):
            if mark not in line:
                continue
            try:
                record = from_json(line)
            except ValueError:
                continue
            if isinstance(record, dict) and str(record.get("session_id")).startswith(session):
                found.append(record)
    same = [each for each in found if each["session_id"] == session]
    return same or found


def _ambiguous(session: str, ids: set[str]) -> str:
    some = ", ".join(sorted(ids)[:_NAMED])
    more = ", ..." if len(ids) > _NAMED else ""
    return f"{session} begins the ids of {len(ids)} sessions: {some}{more}"


def _stem(name: str) -> str:
    last = name.rpartition("/")[2].removesuffix(".gz")
    for ending in (".json", ".jsonl", ".ndjson"):
        last = last.removesuffix(ending)
    return last


def _revision(record: dict[str, Any]) -> int:
    revision = record.get("revision")
    return revision if isinstance(revision, int) else 0
