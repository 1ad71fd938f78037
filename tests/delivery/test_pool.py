"""Threads that are used again, and none that waits for another."""

from __future__ import annotations

import threading

from livekit_plugins_analytics.delivery.pool import Pool

from .sinks import PATIENCE, settled


def test_a_thread_does_one_thing_after_another() -> None:
    pool, done = Pool(), threading.Semaphore(0)
    used: set[threading.Thread] = set()

    def work() -> None:
        used.add(threading.current_thread())
        done.release()

    for _ in range(20):
        pool.start(work)
        assert done.acquire(timeout=PATIENCE)

    # Not always one: it may have said so and not yet be idle.
    assert len(used) < 20
    pool.close()
    settled()


def test_what_hangs_keeps_nothing_waiting() -> None:
    pool, stuck, ended = Pool(), threading.Event(), threading.Semaphore(0)
    pool.start(stuck.wait, PATIENCE)

    for _ in range(3):
        pool.start(ended.release)
        assert ended.acquire(timeout=PATIENCE)

    stuck.set()
    pool.close()
    settled()


def test_a_thread_that_is_busy_at_the_end_ends_by_itself() -> None:
    pool, stuck = Pool(), threading.Event()
    pool.start(stuck.wait, PATIENCE)

    pool.close()

    stuck.set()
    settled()


def test_at_once_are_as_many_threads_as_things() -> None:
    pool, together = Pool(), threading.Barrier(8, timeout=PATIENCE)

    for _ in range(7):
        pool.start(together.wait)
    together.wait()

    pool.close()
    settled()
