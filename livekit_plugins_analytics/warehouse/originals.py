"""The objects that Parquet was made of: on which days they are, and how they are deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from typing import Any

from .bucket import Bucket, s3_client
from .directory import Directory
from .listing import has_records, is_record
from .objects import Object
from .partition import Span, dates
from .problem import Problem

# DeleteObjects takes so many.
_AT_ONCE = 1000


def days(source: Directory | Bucket, span: Span, problems: list[Problem]) -> dict[date, list[str]]:
    """The folders of each day, by ``year=/month=/day=`` in their paths.

    Args:
        source: Where to look.
        span: Which days.
        problems: Takes objects that lie in no such folder: they are in no partition.

    Raises:
        LakeError: The root cannot be listed.
    """
    found: dict[date, list[str]] = {}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        if day := _day(source, folder):
            if span.meets(_whole(source, folder)):
                found.setdefault(day, []).append(folder)
            continue
        look = source.look(folder, False)
        problems.extend(look.problems)
        for each in look.objects:
            if is_record(each.name):
                problems.append(Problem(each.name, None, "not below year=/month=/day=: left alone"))
        waiting += [each for each in look.folders if _wanted(source, each, span)]
    return {day: sorted(found[day]) for day in sorted(found)}


def objects(
    source: Directory | Bucket, folders: Iterable[str], problems: list[Problem]
) -> dict[str, Object]:
    """The records' objects in these folders and below, by name and in its order.

    Args:
        source: Where to look.
        folders: Of one day.
        problems: Takes names that no record has, and folders that cannot be listed.

    Raises:
        LakeError: They cannot be listed.
    """
    found: dict[str, Object] = {}
    waiting = list(folders)
    while waiting:
        look = source.look(waiting.pop(), True)
        problems.extend(look.problems)
        waiting += [each for each in look.folders if _last(each)[:1] not in "._"]
        for each in look.objects:
            if is_record(each.name):
                found[each.name] = each
            elif _last(each.name)[:1] not in "._":
                problems.append(
                    Problem(each.name, None, "not named as records are: left alone", "warning")
                )
    return {name: found[name] for name in sorted(found)}


def version(each: Object) -> str:
    """What changes when the object does."""
    return each.etag or f"{each.modified.isoformat()} {each.size}"


def delete(source: Directory | Bucket, condemned: list[Object]) -> dict[str, str]:
    """Delete objects that are still what they were.

    S3 itself is told the ETag, so that a revision which comes at this moment stays; a store that
    does not know that condition had its listing compared a moment before.

    Returns:
        What went wrong, by name.
    """
    if isinstance(source, Bucket):
        return dict(_deleted(source, condemned))
    failed = {}
    for each in condemned:
        path = source.local(each.name)
        with suppress(FileNotFoundError):
            try:
                path.unlink()
            except OSError as error:
                failed[each.name] = error.strerror or type(error).__name__
    return failed


def _deleted(source: Bucket, condemned: list[Object]) -> Iterator[tuple[str, str]]:
    from botocore.exceptions import BotoCoreError, ClientError

    client = s3_client(source.path)
    bucket, _, path = source.path.removeprefix("s3://").partition("/")
    start = path.rstrip("/") + "/" if path.strip("/") else ""
    for at in range(0, len(condemned), _AT_ONCE):
        some = condemned[at : at + _AT_ONCE]
        keys: list[dict[str, Any]] = [
            {"Key": start + each.name, "ETag": each.etag} for each in some
        ]
        try:
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        except (BotoCoreError, ClientError) as error:
            response = getattr(error, "response", None) or {}
            code = str(response.get("Error", {}).get("Code") or type(error).__name__)
            yield from ((each.name, code) for each in some)
            continue
        for wrong in answer.get("Errors", []):
            yield wrong["Key"].removeprefix(start), str(wrong.get("Code", "unknown"))


def _wanted(source: Directory | Bucket, folder: str, span: Span) -> bool:
    last = _last(folder)
    return has_records(last) and span.meets(_whole(source, folder))


def _day(source: Directory | Bucket, folder: str) -> date | None:
    """The day of a folder; None where its path does not name one wholly."""
    whole = _whole(source, folder)
    if not all(f"{part}=" in whole for part in ("year", "month", "day")):
        return None
    found = dates(whole)
    return found[0] if found and found[0] == found[1] else None


def _whole(source: Directory | Bucket, folder: str) -> str:
    """The path with what is above the root: that may be a folder of one year already."""
    return f"{source.path.rstrip('/')}/{folder}"


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
