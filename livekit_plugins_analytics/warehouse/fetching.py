"""Objects read in parallel: from the disk, from a bucket, or from what is kept of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from .cache import Cache
from .listing import THREADS, Bucket, Directory, LakeError, Object

# Bytes of objects that are being read or wait to be taken: bounds the memory, whatever their size.
_AHEAD_BYTES = 256 << 20
AHEAD = 4 * THREADS
"""Objects that are read ahead of the one that is taken."""


@dataclass(frozen=True)
class Fetched:
    """An object that was read, or was to be."""

    object: Object
    body: bytes
    cached: bool = False
    """Whether it was on this machine already."""
    failure: str | None = None
    """Why it could not be read."""


def fetched(
    source: Directory | Bucket, objects: Iterable[Object], cache: Cache | None = None
) -> Iterator[Fetched]:
    """Read objects with some threads; they come in the order that was given.

    Args:
        source: Where they are.
        objects: As they were listed.
        cache: What is kept of a bucket; null: everything is read anew.
    """
    waiting: deque[tuple[Future[Fetched], int]] = deque()
    ahead = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="analytics-fetch") as pool:
        try:
            for each in objects:
                while waiting and (ahead + each.size > _AHEAD_BYTES or len(waiting) >= AHEAD):
                    future, size = waiting.popleft()
                    ahead -= size
                    yield future.result()
                waiting.append((pool.submit(_fetch, source, each, cache), each.size))
                ahead += each.size
            while waiting:
                yield waiting.popleft()[0].result()
        finally:
            for future, _ in waiting:
                future.cancel()


def _fetch(source: Directory | Bucket, wanted: Object, cache: Cache | None) -> Fetched:
    place = source.identity if isinstance(source, Bucket) else ""
    if cache and place and wanted.etag:
        body = cache.get(place, wanted.name, wanted.etag, wanted.size)
        if body is not None:
            return Fetched(wanted, body, cached=True)
    try:
        body, etag = source.read(wanted.name)
    except LakeError as error:
        return Fetched(wanted, b"", failure=str(error))
    if cache and place and etag:
        # Under the ETag of what came, which may be newer than what was listed.
        cache.put(place, wanted.name, etag, body)
    return Fetched(wanted, body)
