"""E-mail addresses, written or spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .said import Said
from .span import Span

_WRITTEN = re.compile(
    r"(?<![a-z0-9._%+'-])[a-z0-9_%+'&*/=?^{}~!#$-][a-z0-9._%+'&*/=?^{}~!#$-]{0,63}"
    r"@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}"
)


def find(said: Said) -> Iterator[Span]:
    """The addresses of a text."""
    if "@" in said.plain:
        for match in _WRITTEN.finditer(said.plain):
            yield Span(match.start(), match.end(), "email")
