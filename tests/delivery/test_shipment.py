"""A hold is over once and for ever; a shipment's futures are its own."""

from __future__ import annotations

import threading

from livekit_plugins_analytics.delivery import Hold, Shipment

from .sinks import PATIENCE


def waiting(hold: Hold) -> threading.Thread:
    thread = threading.Thread(target=hold.wait)
    thread.start()
    return thread


def test_a_hold_ends_when_it_is_released() -> None:
    hold = Hold(None)
    thread = waiting(hold)
    assert not hold.over

    hold.release()

    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert hold.over


def test_a_hold_ends_when_its_time_has_passed() -> None:
    hold = Hold(0.05)
    hold.wait()
    assert hold.over


def test_a_hold_can_be_made_longer_while_somebody_waits() -> None:
    hold = Hold(0.05)
    hold.extend(60)
    thread = waiting(hold)
    hold.extend(1)  # not shorter
    assert not hold.over
    hold.release()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_hold_without_an_end_stays_so() -> None:
    hold = Hold(None)
    hold.extend(0)
    assert not hold.over


def test_a_hold_that_is_over_stays_over() -> None:
    hold = Hold(0)
    hold.wait()
    hold.extend(60)
    assert hold.over
    hold.wait()


def test_a_later_shipment_supersedes_the_earlier_and_ends_its_hold() -> None:
    hold = Hold(None)
    first = Shipment(hold)
    second = Shipment(after=first)

    assert first.superseded
    assert hold.over
    assert not second.superseded
    assert second.lineage is first.lineage


def test_superseding_ends_a_pause() -> None:
    shipment = Shipment()
    thread = threading.Thread(target=shipment.pause, args=(60,))
    thread.start()

    shipment.supersede()

    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_pause_of_less_than_nothing_is_none() -> None:
    Shipment().pause(-1)


def test_nobody_who_waits_can_cancel_a_shipment() -> None:
    shipment = Shipment()
    assert not shipment.spooled.cancel()
    assert not shipment.delivered.cancel()
    shipment.delivered.set_result(True)
    assert shipment.delivered.result(0)
