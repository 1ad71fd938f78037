"""Whether a committed turn has the words of a final transcript."""

from __future__ import annotations

import re

# A turn's text and its finals differ in punctuation, or in a word that the agent's code changed;
# "we use Slack" and "we use Zoho" share two words of three.
_COVERED = 0.8
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def covers(turn: str, final: str) -> bool:
    """Whether a turn has a final's words, in their order. Both in one case."""
    said = _WORD.findall(turn)
    words = _WORD.findall(final)
    if not words:
        return True
    position = found = 0
    for word in words:
        try:
            position = said.index(word, position) + 1
        except ValueError:
            continue
        found += 1
    return found >= len(words) * _COVERED
