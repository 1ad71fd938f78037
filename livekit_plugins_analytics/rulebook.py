"""The signal rules of this process: a pack is read and compiled once, in a thread."""

from __future__ import annotations

import concurrent.futures
import os
import sys
import threading
from typing import TYPE_CHECKING

from .desk import hurried
from .log import logger

if TYPE_CHECKING:
    from .signals import RuleSet

OFF = "off"
"""The setting's value for no signals."""

Rules = concurrent.futures.Future["RuleSet"]
"""A pack that is compiled, or will be; its exception is a PackError."""

_lock = threading.Lock()
_rules: dict[str, Rules] = {}


def rules_for(pack: str) -> Rules | None:
    """This process' rules of a pack: a name or a file's path; None where signals are off.

    Returns at once. Compiling the sales pack takes about 0.5 s of a processor (2-core machine,
    Python 3.11), which the event loop of a call does not have: a thread does it.
    """
    if pack == OFF:
        return None
    with _lock:
        if known := _rules.get(pack):
            return known
        made = _rules[pack] = Rules()
    # No daemon, as the others are: an interpreter that ends while a daemon is in the engine's C++
    # code aborts the process. It takes a moment, and waits for nothing.
    thread = threading.Thread(target=_compile, args=(pack, made), name="analytics-rules")
    try:
        thread.start()
    except RuntimeError:  # the system gives no more threads
        _compile(pack, made)
    return made


def compile_rules(pack: str) -> None:
    """Compile a pack in this thread, for processes that will be forked from this one."""
    with _lock:
        if pack == OFF or pack in _rules:
            return
        made = _rules[pack] = Rules()
    _compile(pack, made)


def load(pack: str) -> RuleSet:
    """Read and compile a pack now: a name or a file's path.

    Raises:
        PackError: It cannot be used.
    """
    # Here, not above: the engine is a megabyte that a process without signals does not load.
    from .signals import RuleSet

    return RuleSet.load(os.path.expanduser(pack))


def ready(rules: RuleSet) -> Rules:
    """Rules that were built in Python."""
    made = Rules()
    made.set_result(rules)
    return made


def _compile(pack: str, made: Rules) -> None:
    try:
        with hurried():
            rules = load(pack)
        made.set_result(rules)
    except BaseException as error:
        logger.error(
            "ANALYTICS_SIGNALS: %s. No signals are looked for, and calls go on.", _reason(error)
        )
        made.set_exception(error)


def _reason(error: BaseException) -> str:
    from .errors import AnalyticsError

    # Whatever else it may be, its text is not ours.
    return str(error) if isinstance(error, AnalyticsError) else type(error).__name__


def _start_afresh() -> None:  # pragma: no cover  # runs in forked children
    """A forked child has no thread that would finish what its parent began.

    What failed is tried again, to be told in a log that somebody reads.
    """
    global _lock
    _lock = threading.Lock()
    for pack, rules in list(_rules.items()):
        if not rules.done() or rules.exception():
            del _rules[pack]


if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_start_afresh)
