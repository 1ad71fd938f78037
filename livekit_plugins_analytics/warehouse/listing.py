"""The objects of a lake, listed by partition: only the days that are asked for are looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import date
from pathlib import Path

from .bucket import Bucket
from .directory import Directory
from .objects import RECORDS, THREADS, Folder, LakeError, Object, Source
from .partition import Span, dates
from .problem import Problem

__all__ = [
    "RECORDS",
    "THREADS",
    "Bucket",
    "Directory",
    "LakeError",
    "Object",
    "Source",
    "is_firehose",
    "is_record",
    "newest_days",
    "records",
    "source",
    "walk",
]

# What the package itself keeps beside the records, which are none.
_ELSEWHERE = frozenset({"analytics-probes", "probes", "checkpoints", "transcripts"})
# Firehose's names: stream, version, the time of arrival, a random id.
_FIREHOSE = re.compile(r"\d{4}(-\d\d){5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def source(path: str) -> Directory | Bucket:
    """The objects under a directory, a file's path or ``s3://bucket/prefix``.

    Raises:
        LakeError: There is no such place, or no way to it.
    """
    if path.startswith("s3://"):
        return Bucket(path)
    root = Path(path).expanduser()
    if not root.exists():
        raise LakeError(f"{path}: no such file or directory")
    return Directory(root)


def walk(
    source: Source,
    span: Span,
    problems: list[Problem],
    *,
    wanted: Callable[[str], bool] = lambda name: True,
    entered: Callable[[str], bool] = lambda folder: True,
) -> Iterator[Object]:
    """Every object whose folder can hold something of these days, in no order.

    Args:
        source: Where to look.
        span: Which days; a folder without a date in its path is always looked into.
        problems: Takes what could not be looked into.
        wanted: Which names.
        entered: Which folders, by their last name.

    Raises:
        LakeError: The root cannot be listed.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="analytics-list") as pool:
        looks: set[Future[Folder]] = {pool.submit(source.look, "", False)}
        try:
            while looks:
                done, looks = wait(looks, return_when=FIRST_COMPLETED)
                for future in done:
                    found = future.result()
                    problems.extend(found.problems)
                    yield from (each for each in found.objects if wanted(each.name))
                    for folder in found.folders:
                        last = folder.rstrip("/").rpartition("/")[2]
                        if entered(last) and span.meets(folder):
                            looks.add(pool.submit(source.look, folder, _deep(last, span)))
        finally:
            for future in looks:
                future.cancel()


def records(
    source: Source,
    span: Span,
    problems: list[Problem],
    also: Callable[[str], bool] = lambda name: False,
) -> list[Object]:
    """The objects that can hold records of calls which began on these days, by name.

    Args:
        source: Where to look.
        span: The days.
        problems: Takes what could not be looked into.
        also: Which other names are wanted.

    Raises:
        LakeError: The source cannot be listed.
    """

    def kept(name: str) -> bool:
        if also(name):
            return True
        return is_record(name) and (span.meets(_folder(name)) or is_firehose(name))

    # What Firehose files a day late, and what was compacted with it, is in the folder after.
    found = walk(source, span.later(), problems, wanted=kept, entered=has_records)
    return sorted(found, key=lambda each: each.name)


def newest_days(
    objects: list[Object], count: int, large: Callable[[str], bool] = lambda name: False
) -> list[Object]:
    """The objects of the newest days that hold so many, and those of no day.

    Args:
        objects: To choose from.
        count: How many are enough.
        large: Which hold enough by themselves.
    """
    days: dict[date, list[Object]] = {}
    kept: list[Object] = []
    for each in objects:
        found = dates(_folder(each.name))
        (days.setdefault(found[1], []) if found else kept).append(each)
    there = len(kept)
    for day in sorted(days, reverse=True):
        if there >= count:
            break
        kept += days[day]
        there += count if any(large(each.name) for each in days[day]) else len(days[day])
    return kept


def is_record(name: str) -> bool:
    """Whether an object of this name can hold records."""
    last = name.rpartition("/")[2]
    return last.endswith(RECORDS) and last[0] not in "._"


def is_firehose(name: str) -> bool:
    """Whether Firehose has named it: then it holds the records of many calls."""
    return bool(_FIREHOSE.search(name.rpartition("/")[2]))


def has_records(folder: str) -> bool:
    """Whether a folder of that name may have records in it: not what the package keeps beside."""
    return folder not in _ELSEWHERE and folder[:1] not in "._"


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _deep(folder: str, span: Span) -> bool:
    """Whether all below a folder is wanted, so that one listing can do."""
    return folder.startswith("day=") or (span.open and folder.startswith("year="))
