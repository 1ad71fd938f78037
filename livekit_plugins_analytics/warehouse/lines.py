"""From an object's bytes to its lines, whatever state they are in."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

MAX_BYTES = 1 << 30
"""Of an object when unpacked: what is larger was made to fill a memory, not by a call."""

_GZIP = b"\x1f\x8b"
_ANY_GZIP = 16 + zlib.MAX_WBITS
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Lines:
    """What could be had of an object."""

    lines: list[tuple[int, bytes]]
    """Lines that are not blank, each with its number."""
    broken: str | None = None
    """Why there is no more of it; null where this is all."""
    breaks_at: int | None = None
    """The line in which it breaks off."""


def lines(body: bytes, limit: int = MAX_BYTES) -> Lines:
    """Unpack an object and split it.

    Several gzip members are one text, as gzip itself has it. Of what breaks off, the whole lines
    before are given.

    Args:
        body: An object, gzip or not.
        limit: Bytes that it may have when unpacked.
    """
    if not body:
        return Lines([], "empty")
    text, broken = _unpacked(body, limit) if body[:2] == _GZIP else (body, None)
    if not text.strip() and not broken:
        return Lines([], "empty")
    split = text.removeprefix(_BOM).split(b"\n")
    number = len(split)
    if broken:
        split.pop()  # nobody knows whether it is whole
    kept = [(at, line) for at, line in enumerate(split, 1) if line.strip()]
    return Lines(kept, broken, number if broken else None)


def whole(body: list[tuple[int, bytes]]) -> bytes | None:
    """One object that stands on several lines, as one line; null where it is anything else."""
    if len(body) < 2:
        return None
    try:
        found = json.loads(b"\n".join(line for _, line in body))
    except (ValueError, RecursionError):
        return None
    return json.dumps(found).encode() if isinstance(found, dict) else None


def _unpacked(body: bytes, limit: int) -> tuple[bytes, str | None]:
    parts: list[bytes] = []
    left = limit
    too_large = f"more than {limit / (1 << 20):g} MiB when unpacked"
    while body:
        if body[:2] != _GZIP:
            # Some tools fill the last block with zeros; anything else is no gzip.
            broken = "bytes that are no gzip follow the gzip" if body.strip(b"\0") else None
            return b"".join(parts), broken
        member = zlib.decompressobj(_ANY_GZIP)
        try:
            parts.append(member.decompress(body, left))
        except zlib.error as error:
            return b"".join(parts), f"damaged gzip ({error})"
        left -= len(parts[-1])
        if not member.eof:
            over = bool(member.unconsumed_tail) and left <= 0
            return b"".join(parts), too_large if over else "truncated gzip"
        if left <= 0:
            return b"".join(parts), too_large
        body = member.unused_data
    return b"".join(parts), None
