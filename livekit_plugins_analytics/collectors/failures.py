"""What failed, by component: never the text of an exception, which may quote the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..parts import Error, utc

if TYPE_CHECKING:
    from livekit.agents import ErrorEvent

# A dead provider fails several times a second; the count goes on.
_MAX_ERRORS = 1_000


class Failures:
    """Errors that the framework reported, retried ones included."""

    def __init__(self) -> None:
        self._errors: list[Error] = []
        self.dropped = 0

    def on_error(self, event: ErrorEvent) -> None:
        """A component failed, for good or before a retry."""
        if len(self._errors) >= _MAX_ERRORS:
            self.dropped += 1
            return
        error = event.error
        cause = getattr(error, "error", error)
        kind = getattr(error, "type", None)
        self._errors.append(
            Error(
                component=kind.removesuffix("_error") if isinstance(kind, str) else "unknown",
                type=type(cause).__name__,
                recoverable=getattr(error, "recoverable", None),
                at=utc(event.created_at),
            )
        )

    def result(self) -> list[Error]:
        """The errors in time order."""
        return list(self._errors)
