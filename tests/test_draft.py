"""A draft takes in what comes until it is sent, and never changes afterwards."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

from livekit_plugins_analytics.call import Capture, Remarks
from livekit_plugins_analytics.delivery import Hold
from livekit_plugins_analytics.draft import Draft

from .test_assembly import capture


def never() -> None:
    return None


def with_note(text: str) -> Capture:
    return capture(remarks=Remarks(notes=[text]))


def test_without_a_hold_the_first_take_is_final() -> None:
    draft = Draft(with_note("first"), None, never)
    assert not draft.open

    assert draft.take().remarks.notes == ["first"]

    assert not draft.update(with_note("second"))
    assert draft.take() is draft.take() is draft.capture
    assert draft.capture.remarks.notes == ["first"]


def test_before_it_is_taken_it_can_be_replaced() -> None:
    draft = Draft(with_note("first"), None, never)

    assert draft.update(with_note("second"))

    assert draft.capture.remarks.notes == ["second"]
    assert draft.take().remarks.notes == ["second"]


def test_while_it_is_held_back_what_is_taken_is_not_final() -> None:
    hold = Hold(None)
    draft = Draft(with_note("first"), hold, never)
    assert draft.open

    assert draft.take().remarks.notes == ["first"]
    assert draft.open
    assert draft.update(with_note("second"))
    assert draft.take().remarks.notes == ["second"]


def test_once_it_is_released_the_next_take_is_final() -> None:
    hold = Hold(None)
    draft = Draft(with_note("first"), hold, never)
    draft.take()

    hold.release()

    assert not draft.open
    assert draft.update(with_note("third"))
    assert draft.take().remarks.notes == ["third"]
    assert not draft.update(with_note("fourth"))


def test_a_hold_whose_time_has_passed_holds_nothing() -> None:
    draft = Draft(with_note("first"), Hold(0.0), never)

    assert not draft.open
    assert draft.take().evidence.settled
    assert not draft.update(with_note("second"))


def test_the_final_one_awaits_no_more_evidence() -> None:
    hold = Hold(None)
    unsettled = dataclasses.replace(capture().evidence, settled=False)
    draft = Draft(capture(evidence=unsettled), hold, never)

    assert not draft.take().evidence.settled
    hold.release()

    assert draft.take().evidence.settled
    assert draft.take().evidence.job_ending_at is None


def test_the_final_one_knows_whether_the_job_is_ending() -> None:
    asked: list[bool] = []

    def ending() -> float:
        asked.append(True)
        return 7.0

    hold = Hold(None)
    draft = Draft(capture(), hold, ending)
    assert draft.take().evidence.job_ending_at is None
    hold.release()

    assert draft.take().evidence.job_ending_at == 7.0
    assert draft.take().evidence.job_ending_at == 7.0
    assert asked == [True]


def test_a_job_that_was_ending_already_is_not_asked() -> None:
    evidence = dataclasses.replace(capture().evidence, job_ending_at=3.0)
    hold = Hold(None)
    hold.release()

    assert Draft(capture(evidence=evidence), hold, never).take().evidence.job_ending_at == 3.0


def test_without_a_hold_the_evidence_stays_as_it_was_taken() -> None:
    evidence = dataclasses.replace(capture().evidence, settled=False)

    assert Draft(capture(evidence=evidence), None, never).take().evidence == evidence


def test_what_is_sent_is_what_every_later_update_is_refused_for() -> None:
    """The loop updates while a thread takes: either the update is in, or it is refused."""
    for _ in range(200):
        draft = Draft(with_note("first"), None, never)
        barrier = threading.Barrier(2)

        def take(draft: Draft = draft, barrier: threading.Barrier = barrier) -> Capture:
            barrier.wait()
            return draft.take()

        with ThreadPoolExecutor(1) as pool:
            taken = pool.submit(take)
            barrier.wait()
            kept = draft.update(with_note("second"))

        assert taken.result().remarks.notes == (["second"] if kept else ["first"])
