"""Work of a loop that comes all at once is done in its order, and not all in one turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit_plugins_analytics.turns import Turns, turns


class Work:
    """Pieces that take 0.2 ms each by a clock of their own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[int] = []

    def clock(self) -> float:
        """Seconds."""
        return self.now

    def piece(self, number: int) -> Callable[[], None]:
        """One of them."""

        def work() -> None:
            self.now += 0.0002
            self.done.append(number)

        return work


async def turned() -> None:
    """The loop's next turn."""
    await asyncio.sleep(0)


async def test_what_comes_alone_is_done_at_once() -> None:
    work = Work()
    queue = Turns(work.clock)
    for number in range(3):
        queue.do(work.piece(number))
        assert work.done == list(range(number + 1))
        await turned()


async def test_much_of_it_takes_several_turns_in_its_order() -> None:
    work = Work()
    queue = Turns(work.clock)
    for number in range(8):
        queue.do(work.piece(number))
    # The third is begun within 0.5 ms.
    assert work.done == [0, 1, 2]
    await turned()
    assert work.done == [0, 1, 2, 3, 4, 5]
    queue.do(work.piece(8))  # behind those that wait
    await turned()
    assert work.done == list(range(9))


async def test_the_next_crowd_is_treated_the_same() -> None:
    work = Work()
    queue = Turns(work.clock)
    for crowd in range(2):
        for number in range(4):
            queue.do(work.piece(number))
        assert work.done == [0, 1, 2, 3] * crowd + [0, 1, 2]
        for _ in range(3):
            await turned()
        assert work.done == [0, 1, 2, 3] * (crowd + 1)


async def test_a_loop_has_one_queue() -> None:
    assert turns() is turns()
