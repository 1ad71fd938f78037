"""A conversation as WebVTT: captions for the call's recording.

A turn has the time when it began, and none when it ended: a caption stays until the next one
begins, but no longer than it takes to read it slowly. The last one stays until the call's end.
"""

from __future__ import annotations

from ..parts import iso
from ..session_id import safe_session_id
from .dialogue import Dialogue, Turn
from .formats import speaker, visible

# Seconds. Captioners show no caption for less than about a second; half a second keeps those
# legible that come at one moment, and costs no order.
_SHORTEST = 0.5
# A caption of a few words stays this long in silence.
_LONGEST_OF_FEW = 5.0
# Characters by second: slow speech, and slow reading.
_PACE = 10.0


def captions(dialogue: Dialogue) -> str:
    """The file's text: a cue for everything that user and agent said, none for tools.

    Times are relative to the session's start; what began before it, or has no time, begins with
    what stands before it.
    """
    cues = _cues(dialogue)
    began = "" if dialogue.start is None else f", began {iso(dialogue.start)}"
    parts = ["WEBVTT", f"NOTE\nSession {safe_session_id(dialogue.session_id)}{began}"]
    for number, (start, turn) in enumerate(cues):
        following = cues[number + 1][0] if number + 1 < len(cues) else _end(dialogue)
        stays = max(_LONGEST_OF_FEW, len(turn.text) / _PACE)
        end = start + stays if following is None else min(following, start + stays)
        end = max(end, start + _SHORTEST)
        parts.append(
            f"{number + 1}\n{_clock(start)} --> {_clock(end)}\n"
            f"<v {_escaped(speaker(turn))}>{_payload(turn.text)}</v>"
        )
    return "\n\n".join(parts) + "\n"


def _cues(dialogue: Dialogue) -> list[tuple[float, Turn]]:
    cues = []
    last = 0.0
    for turn in dialogue.turns:
        if turn.at is not None and dialogue.start is not None:
            last = max(0.0, (turn.at - dialogue.start).total_seconds())
        if turn.role in ("user", "agent") and turn.text.strip():
            cues.append((last, turn))
    return sorted(cues, key=lambda cue: cue[0])


def _end(dialogue: Dialogue) -> float | None:
    if dialogue.start is None or dialogue.end is None:
        return None
    return (dialogue.end - dialogue.start).total_seconds()


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _escaped(text: str) -> str:
    line = " ".join(visible(text).split())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _payload(text: str) -> str:
    """The words on as many lines; a blank line would end the cue."""
    lines = (_escaped(line) for line in visible(text).split("\n"))
    return "\n".join(line for line in lines if line)
