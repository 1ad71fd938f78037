"""RE2 for redaction: linear time on whatever a caller says."""

from __future__ import annotations

import re2

from .errors import RedactionError

# A list of 40 words has about 300; with the text's length it bounds the time of a search.
MAX_PROGRAM = 2_000
MAX_PATTERN_CHARS = 1_000


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1024 * 1024
    return options


_OPTIONS = _options()


class Pattern:
    """One compiled pattern in RE2's syntax.

    Args:
        written: The pattern.

    Raises:
        RedactionError: RE2 refuses it, it is too large, or it matches the empty text.
    """

    __slots__ = ("_group", "_regexp")

    def __init__(self, written: str) -> None:
        if len(written) > MAX_PATTERN_CHARS:
            raise RedactionError(
                f"longer than {MAX_PATTERN_CHARS} characters; make it several patterns"
            )
        try:
            self._regexp = re2.compile(written.encode(), _OPTIONS)
        except re2.error as error:
            raise RedactionError(_explained(error)) from None
        except UnicodeEncodeError:
            raise RedactionError("a lone surrogate; write the character itself") from None
        if self._regexp.programsize > MAX_PROGRAM:
            raise RedactionError(
                f"compiles to {self._regexp.programsize} instructions, {MAX_PROGRAM} are allowed; "
                "make it several patterns or lower the repetition counts"
            )
        if any((m := self._regexp.search(t)) and m.end() == m.start() for t in (b"", b"zz")):
            raise RedactionError("matches the empty text; something in it must be required")
        self._group = self._regexp.groupindex.get(b"value", 0)

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Where it matches, or its group ``value`` does, left to right, in bytes of UTF-8."""
        found = (m.span(self._group) for m in self._regexp.finditer(data))
        return [(start, end) for start, end in found if start < end]


def _explained(error: Exception) -> str:
    # RE2 speaks bytes: b"missing ): foo(".
    raw = error.args[0] if error.args else ""
    message = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    if "(?=" in message or "(?!" in message or "(?<" in message:
        return (
            f"{message}; RE2 has no lookaround: name what is masked (?P<value>...) and write "
            "what is around it outside, or use 'context'"
        )
    return message or "RE2 refuses it"
