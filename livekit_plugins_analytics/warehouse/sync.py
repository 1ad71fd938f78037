"""A bucket's prefix copied to a folder: only what changed, each file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PureWindowsPath

from .listing import THREADS, Bucket, Directory, LakeError, Object, walk
from .partition import Span
from .problem import Problem

# At the end of a name while a file is written; hidden, so that no reader takes it for a record.
_UNFINISHED = ".tmp"
# Threads have the next task at hand, and the list of what is to be done may have millions.
_AHEAD = 4 * THREADS


@dataclass
class Synced:
    """What one run did."""

    copied: int = 0
    """Objects that were new or had changed."""
    bytes: int = 0
    """Their size."""
    unchanged: int = 0
    deleted: list[str] = field(default_factory=list)
    """Files that no object has the name of."""
    problems: list[Problem] = field(default_factory=list)


def sync(
    source: Directory | Bucket,
    folder: Path,
    span: Span,
    *,
    delete: bool = False,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Synced:
    """Copy what is not in the folder yet, or is there with another size or time.

    A file gets its object's time, by which the next run knows it, as with the AWS command line.

    Args:
        source: What to copy: every object below it, records or not.
        folder: Where to.
        span: Only folders that can hold something of these days.
        delete: Remove files without an object, of the same days.
        dry_run: Only say what would be done.
        on_progress: Called with objects done and objects to copy.

    Raises:
        LakeError: The source cannot be listed.
    """
    done = Synced()
    there: set[str] = set()
    wanted: list[Object] = []
    for each in walk(source, span, done.problems):
        if reason := unsafe(each.name):
            done.problems.append(Problem(each.name, None, reason))
            continue
        there.add(each.name)
        if _same(folder / each.name, each):
            done.unchanged += 1
        else:
            wanted.append(each)
    if dry_run:
        done.copied, done.bytes = len(wanted), sum(each.size for each in wanted)
    else:
        _copy(source, folder, wanted, done, on_progress)
    if delete and not done.problems:  # what was not listed is not gone
        for name in _files(folder, span):
            if name not in there:
                done.deleted.append(name)
                if not dry_run:
                    (folder / name).unlink(missing_ok=True)
    return done


def unsafe(name: str) -> str | None:
    """Why an object of this name must not become a file, or null."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "its name is no path below the folder"
    if "\0" in name or "\\" in name or PureWindowsPath(name).drive:
        return "its name is no file's on every system"
    return None


def _copy(
    source: Directory | Bucket,
    folder: Path,
    wanted: list[Object],
    done: Synced,
    on_progress: Callable[[int, int], None],
) -> None:
    left = iter(wanted)
    finished = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="analytics-sync") as pool:
        running: set[Future[Problem | int]] = set()
        while True:
            for each in islice(left, _AHEAD - len(running)):
                running.add(pool.submit(_one, source, folder, each))
            if not running:
                break
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                finished += 1
                result = future.result()
                if isinstance(result, Problem):
                    done.problems.append(result)
                else:
                    done.copied += 1
                    done.bytes += result
            on_progress(finished, len(wanted))


def _one(source: Directory | Bucket, folder: Path, wanted: Object) -> Problem | int:
    """Copy an object; returns its size."""
    path = folder / wanted.name
    temporary = path.parent / f".{uuid.uuid4().hex}{_UNFINISHED}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            size = source.save(wanted.name, file)
        seconds = wanted.modified.timestamp()
        os.utime(temporary, (seconds, seconds))
        os.replace(temporary, path)
        return size
    except LakeError as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be written ({error.strerror})"
    with contextlib.suppress(OSError):
        temporary.unlink()
    return Problem(wanted.name, None, reason)


def _same(path: Path, each: Object) -> bool:
    try:
        state = path.stat()
    except OSError:
        return False
    # Whole seconds: S3 tells no more, and some disks keep no more.
    same_time = int(state.st_mtime) == int(each.modified.timestamp())
    return state.st_size == each.size and same_time


def _files(folder: Path, span: Span) -> list[str]:
    if not folder.exists():
        return []
    target = Directory(folder)
    found = walk(target, span, [])
    return sorted(each.name for each in found if span.meets(each.name.rpartition("/")[0]))
