"""From bytes to lines: gzip in every state."""

from __future__ import annotations

import gzip

import pytest

from livekit_plugins_analytics.warehouse.lines import lines

PACKED = gzip.compress(b"one\ntwo\nthree\n")


def test_lines_are_counted_from_one_and_blank_ones_are_no_lines() -> None:
    found = lines(b"one\n\n  \ntwo")

    assert found.lines == [(1, b"one"), (4, b"two")]
    assert found.broken is None


def test_gzip_is_known_by_its_bytes_whatever_the_name() -> None:
    assert [line for _, line in lines(PACKED).lines] == [b"one", b"two", b"three"]


def test_two_gzip_members_are_one_text() -> None:
    found = lines(gzip.compress(b"one\ntw") + gzip.compress(b"o\n"))

    assert found.lines == [(1, b"one"), (2, b"two")]


def test_of_a_truncated_gzip_the_whole_lines_are_kept() -> None:
    long = gzip.compress(b"".join(b"%d" % n * 99 + b"\n" for n in range(2000)))
    found = lines(long[: len(long) // 2])

    assert found.broken == "truncated gzip"
    assert found.breaks_at == len(found.lines) + 1
    assert all(line == b"%d" % (number - 1) * 99 for number, line in found.lines)


def test_of_a_gzip_cut_in_its_checksum_the_last_line_is_not_trusted() -> None:
    found = lines(gzip.compress(b"one\ntwo")[:-4])

    assert (found.lines, found.breaks_at) == ([(1, b"one")], 2)


@pytest.mark.parametrize(
    "content",
    [b"", gzip.compress(b""), b" \n", gzip.compress(b"\n")],
    ids=["no bytes", "gzip of none", "blank", "gzip of a blank line"],
)
def test_what_holds_nothing_is_said_to_be_empty(content: bytes) -> None:
    found = lines(content)

    assert (found.lines, found.broken) == ([], "empty")


def test_damaged_bytes_are_named_and_what_came_before_is_kept() -> None:
    found = lines(PACKED + b"\x1f\x8bno gzip at all")

    assert [line for _, line in found.lines] == [b"one", b"two", b"three"]
    assert found.broken is not None
    assert found.broken.startswith("damaged gzip")


def test_a_wrong_checksum_is_damage() -> None:
    found = lines(PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:])

    assert found.broken is not None
    assert "damaged gzip" in found.broken


def test_bytes_after_the_gzip_are_named_but_not_zeros() -> None:
    assert lines(PACKED + b"\0" * 512).broken is None
    assert lines(PACKED + b"rest").broken == "bytes that are no gzip follow the gzip"


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert lines(b"\xef\xbb\xbfone").lines == [(1, b"one")]


@pytest.mark.parametrize("members", [1, 5])
def test_a_bomb_is_not_unpacked(members: int) -> None:
    found = lines(gzip.compress(bytes(1 << 20)) * members, limit=1 << 19)

    assert (found.lines, found.broken) == ([], "more than 0.5 MiB when unpacked")
