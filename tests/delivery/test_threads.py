"""Threads that are started from a thread: each thing is done, once, whenever it is asked for."""

from __future__ import annotations

import threading
from collections import Counter

from livekit_plugins_analytics.delivery.threads import Starter

ASKING = 8
EACH = 200


def test_a_thread_of_ours_does_what_is_asked_for() -> None:
    names: list[str] = []
    done = threading.Event()

    def work() -> None:
        names.append(threading.current_thread().name)
        done.set()

    Starter().start("courier", work, lambda: None)

    assert done.wait(30.0)
    assert names == ["analytics-courier"]


def test_all_is_done_once_whoever_asks_first() -> None:
    starter = Starter()
    counts: Counter[int] = Counter()
    lock, all_done = threading.Lock(), threading.Event()

    def work(number: int) -> None:
        with lock:
            counts[number] += 1
            if len(counts) == ASKING * EACH:
                all_done.set()

    def ask(first: int) -> None:
        for number in range(first, first + EACH):
            starter.start("courier", lambda number=number: work(number), lambda: None)  # type: ignore[misc]  # mypy cannot infer a lambda with a default

    asking = [threading.Thread(target=ask, args=(n * EACH,)) for n in range(ASKING)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()

    assert all_done.wait(30.0)
    assert set(counts.values()) == {1}
