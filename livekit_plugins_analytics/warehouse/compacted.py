"""Compacted Parquet beside the records: what is there, and which records need not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .bucket import Bucket
from .cache import Cache
from .directory import Directory
from .fetching import fetched
from .manifest import NAME, Manifest, unpacked
from .objects import LakeError, Object
from .problem import Problem

FOLDER = "parquet"
"""What the folder of compacted records is called where none is named: ``parquet/`` beside
``sessions/``."""

_PARQUET = ".parquet"
# Parquet files are large: more at a time would only share the line.
_THREADS = 4


@dataclass
class Compacted:
    """Parquet that is to be read."""

    files: list[tuple[str, Path]] = field(default_factory=list)
    """Names, and where each is on this machine."""
    covers: set[tuple[str, str]] = field(default_factory=set)
    """Objects whose records are in there: name from ``year=`` on, and version."""

    def covered(self, each: Object) -> bool:
        """Whether the Parquet has this object's records, as the object is now."""
        tail = _tail(each.name)
        return (tail, each.etag or f"{each.modified.isoformat()} {each.size}") in self.covers

    def without(self, objects: Sequence[Object]) -> list[Object]:
        """The objects that are to be read themselves."""
        return [each for each in objects if not self.covered(each)]


def is_compacted(name: str) -> bool:
    """Whether an object of this name is Parquet or says what Parquet was made of."""
    last = name.rpartition("/")[2]
    return last == NAME or (last.endswith(_PARQUET) and last[0] not in "._")


def beside(path: str) -> str | None:
    """Where compacted records of a path are looked for; null where the path is no folder's."""
    parent, _, last = path.rstrip("/").rpartition("/")
    if (
        "=" in last
        or last == FOLDER
        or last.endswith((".gz", ".json", ".jsonl", ".ndjson", _PARQUET))
    ):
        return None
    if path.startswith("s3://") and parent in ("s3:/", "s3:", ""):
        return None  # the whole bucket: what is in it is listed anyway
    return f"{parent}/{FOLDER}/" if parent else f"{FOLDER}/"


def compacted(
    source: Directory | Bucket,
    listed: Sequence[Object],
    problems: list[Problem],
    cache: Cache | None,
    scratch: Path,
) -> Compacted:
    """Bring the Parquet of each folder to this machine.

    Of a folder with a manifest the parts that it names are taken, if all of them are there; of one
    without, every file.

    Args:
        source: Where it is.
        listed: The objects of which `is_compacted` is true.
        problems: Takes what cannot be used; its records are then read themselves.
        cache: Keeps files of a bucket.
        scratch: A folder for them where there is no cache.

    Raises:
        LakeError: A file cannot be fetched.
    """
    found = Compacted()
    folders: dict[str, dict[str, Object]] = {}
    for each in listed:
        folder, _, last = each.name.rpartition("/")
        folders.setdefault(folder, {})[last] = each
    manifests = dict(_manifests(source, folders, problems, cache))
    chosen: list[Object] = []
    for folder, files in folders.items():
        if (manifest := manifests.get(folder)) is None:
            chosen += [each for last, each in sorted(files.items()) if last != NAME]
            continue
        parts = [files.get(part.name) for part in manifest.parts]
        whole = [
            each
            for each, part in zip(parts, manifest.parts, strict=True)
            if each and each.size == part.bytes
        ]
        if len(whole) != len(parts):
            reason = "the parts are not those of the manifest: compact it again"
            problems.append(Problem(f"{folder}/{NAME}", None, reason, "warning"))
            continue
        chosen += whole
        found.covers.update(
            (_tail(entry.name), entry.version)
            for entry in manifest.entries.values()
            if entry.version
        )
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="analytics-parquet") as pool:
        paths = pool.map(lambda each: _local(source, each, cache, scratch), chosen)
        found.files = list(zip((each.name for each in chosen), paths, strict=True))
    return found


def _manifests(
    source: Directory | Bucket,
    folders: dict[str, dict[str, Object]],
    problems: list[Problem],
    cache: Cache | None,
) -> Iterator[tuple[str, Manifest]]:
    named = [files[NAME] for files in folders.values() if NAME in files]
    for each in fetched(source, named, cache):
        manifest = None if each.failure else unpacked(each.body)
        if manifest is None:
            reason = each.failure or "no manifest that this version can read"
            problems.append(Problem(each.object.name, None, reason, "warning"))
        else:
            yield each.object.name.rpartition("/")[0], manifest


def _local(source: Directory | Bucket, each: Object, cache: Cache | None, scratch: Path) -> Path:
    if isinstance(source, Directory):
        return source.local(each.name)
    etag = each.etag or ""
    if cache and (kept := cache.holds(source.identity, each.name, etag, each.size)):
        return kept
    path = scratch / each.name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "wb") as file:
            source.save(each.name, file)
    except OSError as error:
        raise LakeError(f"{each.name}: no room for it here ({error.strerror})") from None
    if cache and (kept := cache.take(source.identity, each.name, etag, path)):
        return kept
    return path


def _tail(name: str) -> str:
    """A name from its partition on: the lake may have been compacted from another folder."""
    parts = PurePosixPath(name).parts
    start = next((at for at, part in enumerate(parts) if part.startswith("year=")), 0)
    return "/".join(parts[start:])
