"""Erasure: what is stored of a person, found, and deleted or stripped of all that is personal."""

from .blanking import ERASED, blanked
from .person import Person
from .place import Version, Whereabouts, whereabouts
from .search import Erasure, Finding, Outcome
from .spools import SpoolErasure

__all__ = [
    "ERASED",
    "Erasure",
    "Finding",
    "Outcome",
    "Person",
    "SpoolErasure",
    "Version",
    "Whereabouts",
    "blanked",
    "whereabouts",
]
