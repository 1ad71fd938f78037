"""What can be wrong with what a team asks to have masked."""

from __future__ import annotations

from ..errors import SettingsError


class RedactionError(SettingsError):
    """An entity or a pattern cannot be used. The message names it and the fix."""
