"""What the caller said, as typed values with evidence.

Pure: rules and words in, values and mentions out. Nothing here knows LiveKit, asyncio or AWS.
"""

from .errors import PackError
from .listener import Listener
from .mention import Mention, Status
from .ruleset import Hit, Rule, RuleSet, Signal
from .tier import Computed, Condition

__all__ = [
    "Computed",
    "Condition",
    "Hit",
    "Listener",
    "Mention",
    "PackError",
    "Rule",
    "RuleSet",
    "Signal",
    "Status",
]
