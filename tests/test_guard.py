"""No handler of ours raises into the framework; what it raised is counted, and told quietly."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from livekit.rtc import EventEmitter

from livekit_plugins_analytics.guard import Guard
from livekit_plugins_analytics.log import logger

SECRET = "my card is 4111 1111"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Guard:
    return Guard(clock)


def fail(*_: Any) -> None:
    raise TypeError(SECRET)


def test_a_guarded_handler_gets_its_arguments(guard: Guard) -> None:
    got: list[Any] = []

    guard(lambda *args: got.extend(args))(1, "two")

    assert got == [1, "two"]
    assert guard.errors == 0


@pytest.mark.parametrize("error", [TypeError, ValueError, RecursionError, asyncio.TimeoutError])
def test_a_guarded_handler_never_raises(guard: Guard, error: type[Exception]) -> None:
    def handler() -> None:
        raise error(SECRET)

    guard(handler)()

    assert guard.errors == 1


def test_a_wrong_number_of_arguments_is_an_error_like_any_other(guard: Guard) -> None:
    guard(lambda one: one)(1, 2)

    assert guard.errors == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, SystemExit])
def test_what_is_not_an_error_passes_through(guard: Guard, error: type[BaseException]) -> None:
    def handler() -> None:
        raise error

    with pytest.raises(error):
        guard(handler)()
    assert guard.errors == 0


def test_the_frameworks_emitter_does_not_see_a_type_error(guard: Guard) -> None:
    """From an unguarded handler it would: that is the reason for all this."""
    emitter = EventEmitter[Any]()
    emitter.on("close", guard(fail))
    heard: list[Any] = []
    emitter.on("close", heard.append)

    emitter.emit("close", "event")

    assert (guard.errors, heard) == (1, ["event"])
    emitter.on("close", fail)
    with pytest.raises(TypeError):
        emitter.emit("close", "event")


# -- values


def test_a_value_that_can_be_had_is_had(guard: Guard) -> None:
    assert guard.value(lambda: 1, 0, "number") == 1
    assert guard.errors == 0


def test_a_value_that_cannot_be_had_is_the_other_one(guard: Guard) -> None:
    assert guard.value(lambda: 1 // 0, 7, "number") == 7
    assert guard.errors == 1


# -- the log


def test_the_log_says_what_failed_where_but_never_the_text(
    guard: Guard, caplog: pytest.LogCaptureFixture
) -> None:
    guard(fail, "on_close")()

    (record,) = caplog.records
    message = record.getMessage()
    assert record.levelno == logging.ERROR
    assert message.startswith("analytics: on_close failed with TypeError at ")
    assert f"{__file__}:{fail.__code__.co_firstlineno + 1}" in message
    assert SECRET not in caplog.text
    assert record.exc_info is None


def test_a_handler_without_a_name_given_is_told_by_its_own(
    guard: Guard, caplog: pytest.LogCaptureFixture
) -> None:
    class Callable:
        def __call__(self) -> None:
            raise ValueError

    guard(fail)()
    Guard()(Callable())()

    assert [r.getMessage().split(" failed")[0] for r in caplog.records] == [
        "analytics: fail",
        "analytics: handler",
    ]


def test_an_error_that_was_never_raised_has_no_place(
    guard: Guard, caplog: pytest.LogCaptureFixture
) -> None:
    guard.failed("assembly", ValueError(SECRET))

    assert "assembly failed with ValueError at ?;" in caplog.text


def test_every_error_is_counted_and_one_a_minute_logged(
    guard: Guard, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    guarded = guard(fail)
    for moment in (0.0, 1.0, 59.9, 60.0, 60.1, 119.9, 120.0):
        clock.now = 100.0 + moment
        guarded()

    assert guard.errors == 7
    assert len(caplog.records) == 3


def test_the_first_error_is_logged_even_on_a_machine_that_has_just_started(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Guard(lambda: 0.0)(fail)()

    assert len(caplog.records) == 1


@pytest.fixture
def broken_log() -> Iterator[None]:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no space left")

    handler = Broken()
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.mark.usefixtures("broken_log")
def test_a_log_that_cannot_be_written_does_not_matter(guard: Guard) -> None:
    guard(fail)()

    assert guard.errors == 1


def test_the_framework_need_not_find_out_what_a_handler_takes() -> None:
    """`inspect.signature` gives what is noted; making one takes longer than most handlers do."""
    first, second = Guard()(print), Guard()(lambda: None)

    assert inspect.signature(first) is inspect.signature(second)
    (parameter,) = inspect.signature(first).parameters.values()
    assert parameter.kind is parameter.VAR_POSITIONAL
