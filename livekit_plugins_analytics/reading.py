"""Reading what was said in a call, for the signal rules: in threads, as it takes milliseconds."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .signals import Listener, Mention, RuleSet

# How long a record waits for its rules at most; compiling them takes about 0.5 s.
PATIENCE_SECONDS = 10.0
Say = Callable[["Listener"], None]
"""Tells a listener one thing that was said."""


@dataclass(frozen=True, repr=False)  # a repr would quote the caller
class Heard:
    """What the rules found in a call up to some moment."""

    rules: RuleSet | None = None
    """The pack; None where signals are off, or the pack cannot be used."""
    mentions: Sequence[Mention] = field(default_factory=list)
    """In the order of the call; which of them count is not decided yet."""
    dropped: int = 0
    """Turns and mentions beyond what one session may hold."""
    deaf: bool = False
    """Whether signals were wanted, and the pack cannot be used."""


Hear = Callable[[float], Heard | None]
"""Reads what was said up to some moment; waits so many seconds for the rules to be compiled.

For a thread: a long turn takes the rules milliseconds. None: they are not compiled yet.
"""


class Reading:
    """How far a session has been read. Threads take turns; none reads anything twice.

    Args:
        rules: The pack, perhaps not compiled yet.
        failed: Told of what the rules raise, though they should not.
    """

    def __init__(
        self,
        rules: concurrent.futures.Future[RuleSet],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._rules = rules
        self._failed = failed
        self._listener: Listener | None = None
        self._done = 0
        self._lock = threading.Lock()

    def until(self, said: list[Say | None], count: int, wait: float) -> Heard | None:
        """What was found in the first so many; see `Hear`.

        Args:
            said: All that was said so far; what has been read is taken out, and only that.
            count: Up to where.
            wait: Seconds.
        """
        try:
            rules = self._rules.result(wait)
        except concurrent.futures.TimeoutError:
            return None
        except Exception:  # whatever a pack may raise; it has been logged
            return Heard(deaf=True)
        with self._lock:
            if self._listener is None:
                from .signals import Listener  # loaded by the thread that compiled the rules

                self._listener = Listener(rules)
            while self._done < count:
                say, said[self._done] = said[self._done], None
                try:
                    if say is not None:
                        say(self._listener)
                except Exception as error:  # a turn that cannot be read costs no other
                    self._failed("signals", error)
                self._done += 1
            return Heard(rules, self._listener.mentions(), self._listener.dropped)
