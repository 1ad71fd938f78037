"""Invented records: the real schema, the same for the same seed, as many as you like."""

from __future__ import annotations

from .series import END, TEMPLATES, Dated, Series, lines, records
from .writing import Written, write, write_lines

__all__ = [
    "END",
    "TEMPLATES",
    "Dated",
    "Series",
    "Written",
    "lines",
    "records",
    "write",
    "write_lines",
]
