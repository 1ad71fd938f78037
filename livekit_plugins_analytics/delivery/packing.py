"""A parcel as bytes: a seal over all that follows, a line of JSON, the body, the event."""

from __future__ import annotations

import json
import os
import re
import zlib
from typing import IO

from ..writers import Parcel

_VERSION = 1
# Of a parcel with a transcript of its own: who does not know of it must leave it alone.
_VERSION_WITH_TRANSCRIPT = 2
# A line beyond it is none of ours.
_LONGEST_HEADER = 100_000
# Most files are less than that, and are read at once.
_ONE_READ = 65_536
_SEAL = re.compile(rb"analytics-parcel (\d+) [0-9a-f]{8} (\d+)\n")


class Unreadable(ValueError):
    """These bytes are no parcel, or not one of this version, or not all of one."""


def packed(parcel: Parcel) -> bytes:
    """The parcel as bytes."""
    header = {
        "session_id": parcel.session_id,
        "revision": parcel.revision,
        "name": parcel.name,
        "body": len(parcel.body),
        "happened_at": parcel.happened_at,
        "stream": parcel.stream,
        "probe": parcel.probe,
    }
    words = parcel.transcript
    version = _VERSION
    if words is not None:
        version, header["transcript"] = _VERSION_WITH_TRANSCRIPT, len(words)
    rest = json.dumps(header).encode() + b"\n" + parcel.body + (words or b"") + parcel.event
    return _seal(rest, version) + rest


def unpacked(file: IO[bytes]) -> Parcel:
    """Read a file from its beginning to its end.

    Raises:
        Unreadable: Every truncation and every changed byte is told.
        OSError: The disk does not give it back.
    """
    start = file.read(_ONE_READ)
    if not (seal := _SEAL.match(start, 0, 100)):
        raise Unreadable("no parcel")
    first, rest = seal[0], start[seal.end() :]
    version = int(seal[1])
    if version not in (_VERSION, _VERSION_WITH_TRANSCRIPT):
        raise Unreadable("written by another version")
    size = int(seal[2])
    if len(rest) != size or len(start) == _ONE_READ:
        # Before it is read: whatever lies there need not fit into memory.
        if size != os.fstat(file.fileno()).st_size - len(first):
            raise Unreadable("torn")
        rest += file.read()
    if _seal(rest, version) != first:
        raise Unreadable("damaged")
    try:
        return _parcel(rest)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Unreadable("no parcel, though sealed as one") from None


def described(file: IO[bytes]) -> tuple[str, int]:
    """Session id and revision, from a file's beginning, without a look at the rest.

    Raises:
        Unreadable: It does not begin as a parcel does.
        OSError: The disk does not give it back.
    """
    seal = _SEAL.fullmatch(file.readline(100))
    if not seal or int(seal[1]) not in (_VERSION, _VERSION_WITH_TRANSCRIPT):
        raise Unreadable("no parcel of this version")
    try:
        header = json.loads(file.readline(_LONGEST_HEADER))
        return str(header["session_id"]), int(header["revision"])
    except (KeyError, TypeError, ValueError):
        raise Unreadable("no parcel, though sealed as one") from None


def _parcel(rest: bytes) -> Parcel:
    line, _, content = rest.partition(b"\n")
    header = json.loads(line)
    end = int(header["body"])
    words = header.get("transcript")
    event = end + (0 if words is None else int(words))
    return Parcel(
        session_id=header["session_id"],
        revision=header["revision"],
        name=header["name"],
        body=content[:end],
        event=content[event:],
        transcript=None if words is None else content[end:event],
        happened_at=header["happened_at"],
        stream=header["stream"],
        probe=header["probe"],
    )


def _seal(rest: bytes, version: int) -> bytes:
    # CRC-32 finds every change of up to 32 bits in a row; the length finds what was cut off.
    return b"analytics-parcel %d %08x %d\n" % (version, zlib.crc32(rest), len(rest))
