"""What one check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class Check:
    """One line of the doctor's report."""

    status: Status
    detail: str
    """What was found, in words."""
    fix: str = ""
    """What to do about it; empty where there is nothing to do."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs, as JSON values."""
    name: str = ""
    """Given by the examination."""
