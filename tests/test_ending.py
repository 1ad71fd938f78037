"""How a call ended is told truly or not at all, and its end is when the caller was gone."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.ending import Evidence, Gone, end_cause, end_time
from livekit_plugins_analytics.parts import EndCause

# The moment of what ended the call, in unix seconds; the tables count from here.
T = 1_800_000_000.0

PARENT = "parent process shutdown"
ROOM_GONE = "room disconnected"
CRASH = "job crashed"
OWN = "goal reached"

HUNG_UP = [Gone(T, "CLIENT_INITIATED")]


def seen(
    close: tuple[float, str] | None = None,
    *,
    gone: list[Gone] | None = None,
    room: tuple[float, str] | None = None,
    told: str | None = None,
    now: float = 120.0,
    present: int = 0,
    **more: Any,
) -> Evidence:
    """Evidence with times in seconds after `T`, as the job's last hook has it."""
    return Evidence(
        now=T + now,
        close_reason=close[1] if close else None,
        closed_at=T + close[0] if close else None,
        gone=gone or [],
        callers_present=present,
        room_reason=room[1] if room else None,
        room_gone_at=T + room[0] if room else None,
        shutdown_reason=told,
        job_ending_at=T + (close[0] if close else 0.0) if told is not None else None,
        **more,
    )


P_D = "participant_disconnected"
U_I = "user_initiated"

# Endings measured on a real livekit-server, by their names there: the evidence that the last
# hook had, the cause that was true (or "unknown"), and seconds from `T` to the call's true end.
MEASURED: dict[str, tuple[Evidence, EndCause, float]] = {
    "caller_hangup": (
        seen((0.0, P_D), gone=HUNG_UP, room=(19.8, "CLIENT_INITIATED"), told=PARENT),
        "caller_hung_up",
        0,
    ),
    "caller_hangup_thread": (
        seen((0.0, P_D), gone=HUNG_UP, room=(20.5, "ROOM_CLOSED"), told=PARENT),
        "caller_hung_up",
        0,
    ),
    "caller_hangup_stt": (
        seen((2.0, P_D), gone=HUNG_UP, room=(20.4, "ROOM_CLOSED"), told=PARENT),
        "caller_hung_up",
        0,
    ),
    "caller_hangup, no room event": (
        seen((0.0, P_D), gone=HUNG_UP, told=PARENT),
        "caller_hung_up",
        0,
    ),
    "caller_hangup_delete_room": (
        seen((0.0, P_D), gone=HUNG_UP, room=(0.2, "ROOM_DELETED"), told=PARENT),
        "caller_hung_up",
        0,
    ),
    "caller_removed": (
        seen(
            (19.7, U_I),
            gone=[Gone(T, "PARTICIPANT_REMOVED")],
            room=(19.7, "ROOM_CLOSED"),
            told=PARENT,
        ),
        "caller_removed",
        0,
    ),
    "caller_killed": (
        seen(
            (40.6, U_I),
            gone=[Gone(T + 20.6, "CONNECTION_TIMEOUT")],
            room=(40.6, "ROOM_CLOSED"),
            told=PARENT,
        ),
        "connection_lost",
        20.6,
    ),
    "caller_hangup_stays_open": (
        seen((20.3, U_I), gone=HUNG_UP, room=(20.3, "ROOM_CLOSED"), told=PARENT),
        "caller_hung_up",
        0,
    ),
    "caller_rejoins": (
        # As the last hook has it: the second visit, which is after the close and not this call's.
        seen((0.0, P_D), gone=[Gone(T + 20, "CLIENT_INITIATED")], told=PARENT),
        "unknown",
        0,
    ),
    "duplicate_identity": (
        seen(
            (8.0, P_D),
            gone=[Gone(T + 8.0, "CLIENT_INITIATED")],
            room=(27.4, "ROOM_CLOSED"),
            told=ROOM_GONE,
        ),
        "caller_hung_up",
        8,
    ),
    "no_caller": (seen((4.7, U_I), room=(4.7, "ROOM_CLOSED"), told=ROOM_GONE), "unknown", 4.7),
    "ctx_shutdown": (
        seen((0.0, U_I), room=(0.0, "CLIENT_INITIATED"), told=OWN, present=1),
        "agent_ended",
        0,
    ),
    "ctx_shutdown_entry_running": (
        seen((15.0, U_I), room=(15.0, "CLIENT_INITIATED"), told=OWN, present=1),
        "agent_ended",
        15,
    ),
    "session_shutdown, at the close": (seen((0.0, U_I), now=2, present=1), "agent_ended", 0),
    "session_shutdown, at the last hook": (
        # The same evidence as a worker's shutdown: what was said at the close stays said.
        seen(
            (0.0, U_I),
            gone=[Gone(T + 25.1, "CLIENT_INITIATED")],
            room=(45.4, "ROOM_CLOSED"),
            told=PARENT,
        ),
        "unknown",
        0,
    ),
    "agent_delete_room": (
        seen((0.1, U_I), room=(0.1, "ROOM_DELETED"), told=PARENT, present=1),
        "room_deleted",
        0.1,
    ),
    "agent_room_disconnect": (
        seen((0.0, U_I), room=(0.0, "CLIENT_INITIATED"), told=ROOM_GONE, present=1),
        "agent_ended",
        0,
    ),
    "room_deleted": (
        seen((0.0, U_I), room=(0.0, "ROOM_DELETED"), told=PARENT),
        "room_deleted",
        0,
    ),
    "room_deleted, the caller's departure first": (
        seen((0.0, P_D), gone=[Gone(T, "ROOM_DELETED")], told=PARENT),
        "room_deleted",
        0,
    ),
    "room_deleted, the caller's departure last": (
        seen((0.0, U_I), gone=[Gone(T + 0.3, "ROOM_DELETED")], told=PARENT),
        "room_deleted",
        0,
    ),
    "room_deleted_thread": (
        seen((0.0, U_I), room=(0.0, "CLIENT_INITIATED"), told=PARENT, present=1),
        "unknown",
        0,
    ),
    "agent_removed": (
        seen((0.0, U_I), room=(0.0, "PARTICIPANT_REMOVED"), told=PARENT, present=1),
        "unknown",
        0,
    ),
    "agent_removed, the termination first": (
        seen((0.0, U_I), room=(0.0, "CLIENT_INITIATED"), told=PARENT, present=1),
        "unknown",
        0,
    ),
    "dispatch_deleted": (seen((0.0, U_I), told=PARENT, present=1), "unknown", 0),
    "server_killed": (
        seen(
            (18.8, U_I),
            gone=[Gone(T + 0.3, None)],
            room=(18.8, "UNKNOWN_REASON"),
            told=ROOM_GONE,
        ),
        "connection_lost",
        0.3,
    ),
    "server_restarted": (
        seen(
            (40.0, P_D),
            gone=[Gone(T + 40, "CLIENT_INITIATED")],
            room=(60.2, "ROOM_CLOSED"),
            told=ROOM_GONE,
        ),
        "caller_hung_up",
        40,
    ),
    "entry_raises_before_start": (
        seen(None, told=CRASH, entrypoint_failed=True, now=0.5),
        "crashed",
        0.5,
    ),
    "entry_raises_after": (
        seen((0.0, U_I), told=CRASH, entrypoint_failed=True, present=1),
        "crashed",
        0,
    ),
    "entry_raises_after, task not known": (seen((0.0, U_I), told=CRASH), "crashed", 0),
    "entry raises because the room went": (
        seen((0.0, U_I), room=(0.0, "CLIENT_INITIATED"), told=CRASH, entrypoint_failed=False),
        "unknown",
        0,
    ),
    "tool_70s_hangup": (
        seen((70.0, P_D), gone=HUNG_UP, room=(20.2, "ROOM_CLOSED"), told=PARENT),
        "caller_hung_up",
        0,
    ),
    "tool_300s_hangup": (
        seen(None, gone=HUNG_UP, room=(19.9, "ROOM_CLOSED"), told=PARENT, now=79.9),
        "caller_hung_up",
        0,
    ),
    "tool_300s_ctx_shutdown": (
        seen(None, room=(60.0, "CLIENT_INITIATED"), told=OWN, now=60.0, present=1),
        "agent_ended",
        60,
    ),
    "close_typeerror_first": (
        seen(None, gone=HUNG_UP, room=(19.8, "ROOM_CLOSED"), told=PARENT, now=19.8),
        "caller_hung_up",
        0,
    ),
    "close_typeerror_shutdown": (seen(None, now=0.1, present=1), "unknown", 0.1),
    "llm_errors": (
        seen((3.0, "error"), gone=[Gone(T + 12, "CLIENT_INITIATED")], told=PARENT),
        "error",
        3,
    ),
    "two_sessions s2": (
        seen((0.0, "job_shutdown"), room=(0.0, "CLIENT_INITIATED"), told=OWN, present=1),
        "agent_ended",
        0,
    ),
    "two_sessions_hangup s2": (
        seen((20.0, "job_shutdown"), gone=HUNG_UP, told=PARENT),
        "caller_hung_up",
        0,
    ),
    "sigterm_start_drain5": (seen((5.0, U_I), told=PARENT, present=1), "unknown", 5),
    "sigterm_start_drain5_thread": (
        seen((5.0, U_I), room=(5.0, "CLIENT_INITIATED"), told=PARENT, present=1),
        "unknown",
        5,
    ),
    "sigterm_then_sigkill, the sentinel": (seen(None, now=10.2, present=1), "unknown", 10.2),
    "room_reused_while_open #1: the caller is back, and leaves again": (
        seen((0.0, P_D), gone=[Gone(T + 9.1, "CLIENT_INITIATED")], told=ROOM_GONE),
        "unknown",
        0,
    ),
    "sigint_job": (
        seen(
            (4.1, P_D),
            gone=[Gone(T + 4.1, "CLIENT_INITIATED")],
            room=(23.9, "CLIENT_INITIATED"),
            told=PARENT,
        ),
        "caller_hung_up",
        4.1,
    ),
}


@pytest.mark.parametrize(("evidence", "cause", "end"), MEASURED.values(), ids=MEASURED)
def test_a_measured_ending_is_told_truly(evidence: Evidence, cause: EndCause, end: float) -> None:
    assert end_cause(evidence) == cause
    assert end_time(evidence) == pytest.approx(T + end)


DEPARTURES = {
    "CLIENT_INITIATED": "caller_hung_up",
    "USER_REJECTED": "caller_hung_up",
    "PARTICIPANT_REMOVED": "caller_removed",
    "ROOM_DELETED": "room_deleted",
    "CONNECTION_TIMEOUT": "connection_lost",
    "SIGNAL_CLOSE": "connection_lost",
    "STATE_MISMATCH": "connection_lost",
    "JOIN_FAILURE": "connection_lost",
    "MEDIA_FAILURE": "connection_lost",
    "SIP_TRUNK_FAILURE": "connection_lost",
    "SERVER_SHUTDOWN": "connection_lost",
    # Say nothing of who ended the call.
    "MIGRATION": "unknown",
    "DUPLICATE_IDENTITY": "unknown",
    "ROOM_CLOSED": "unknown",
    "UNKNOWN_REASON": "unknown",
    "USER_UNAVAILABLE": "unknown",
    "AGENT_ERROR": "unknown",
    "REASON_99": "unknown",
    None: "unknown",
}


@pytest.mark.parametrize(("reason", "cause"), DEPARTURES.items())
def test_the_reason_of_the_last_departure_tells_the_cause(reason: str | None, cause: str) -> None:
    assert end_cause(seen((20.0, U_I), gone=[Gone(T, reason)], told=PARENT)) == cause


ROOM = {
    "ROOM_DELETED": "room_deleted",
    "SERVER_SHUTDOWN": "connection_lost",
    "STATE_MISMATCH": "connection_lost",
    "SIGNAL_CLOSE": "connection_lost",
    "CONNECTION_TIMEOUT": "connection_lost",
    "MEDIA_FAILURE": "connection_lost",
    "UNKNOWN_REASON": "connection_lost",
    "ROOM_CLOSED": "unknown",
    "PARTICIPANT_REMOVED": "unknown",
    "CLIENT_INITIATED": "unknown",
    "DUPLICATE_IDENTITY": "unknown",
    "REASON_99": "unknown",
}


@pytest.mark.parametrize(("reason", "cause"), ROOM.items())
def test_the_reason_of_the_rooms_end_tells_the_cause(reason: str, cause: str) -> None:
    assert end_cause(seen((0.0, U_I), room=(0.0, reason), told=PARENT, present=1)) == cause


def test_the_last_of_several_callers_ended_the_call() -> None:
    gone = [Gone(T - 60, "CLIENT_INITIATED"), Gone(T, "CONNECTION_TIMEOUT")]
    evidence = seen((20.0, U_I), gone=gone, told=PARENT)

    assert end_cause(evidence) == "connection_lost"
    assert end_time(evidence) == T


def test_a_caller_who_left_others_behind_did_not_end_the_call() -> None:
    evidence = seen((60.0, U_I), gone=HUNG_UP, told=OWN, present=1)

    assert end_cause(evidence) == "agent_ended"
    assert end_time(evidence) == T + 60


def test_the_caller_that_the_session_was_linked_to_ended_it_whoever_stays() -> None:
    evidence = seen((0.0, P_D), gone=HUNG_UP, told=PARENT, present=1)

    assert end_cause(evidence) == "caller_hung_up"
    assert end_time(evidence) == T


def test_who_hangs_up_right_after_the_agents_goodbye_did_not_end_the_call() -> None:
    evidence = seen((0.0, U_I), gone=[Gone(T + 0.2, "CLIENT_INITIATED")], now=2)

    assert end_cause(evidence) == "agent_ended"
    assert end_time(evidence) == T


def test_a_departure_long_after_the_close_did_not_end_the_call() -> None:
    evidence = seen((0.0, U_I), gone=[Gone(T + 1, "ROOM_DELETED")], now=2)

    assert end_cause(evidence) == "agent_ended"


def test_a_departure_without_a_known_reason_ends_the_call_but_tells_no_cause() -> None:
    evidence = seen((20.0, U_I), gone=[Gone(T, None)], told=PARENT)

    assert end_cause(evidence) == "unknown"
    assert end_time(evidence) == T


def test_a_failed_entrypoint_is_a_crash_before_the_shutdown_says_so() -> None:
    assert end_cause(seen((0.0, U_I), entrypoint_failed=True, present=1)) == "crashed"


def test_a_caller_who_hung_up_first_is_the_cause_of_the_crash() -> None:
    evidence = seen((0.0, P_D), gone=HUNG_UP, told=CRASH, entrypoint_failed=True)

    assert end_cause(evidence) == "caller_hung_up"


def test_an_ending_is_not_the_agents_while_more_evidence_is_awaited() -> None:
    evidence = seen((0.0, U_I), settled=False, present=1)

    assert end_cause(evidence) == "unknown"
    assert end_cause(dataclasses.replace(evidence, settled=True)) == "agent_ended"


def test_an_ending_is_not_the_agents_where_the_job_itself_is_ending() -> None:
    evidence = dataclasses.replace(seen((0.0, U_I), present=1), job_ending_at=T + 0.1)

    assert end_cause(evidence) == "unknown"


def test_an_agent_that_closed_its_session_ended_the_call_whatever_ends_the_job_later() -> None:
    later = seen((0.0, U_I), room=(25.0, "ROOM_DELETED"), told=PARENT)
    later = dataclasses.replace(later, job_ending_at=T + 25)

    assert end_cause(later) == "agent_ended"


def test_a_job_that_goes_on_is_no_evidence_without_a_close() -> None:
    evidence = dataclasses.replace(seen(None), job_ending_at=T + 25)

    assert end_cause(evidence) == "unknown"


def test_without_a_close_the_call_ended_when_the_room_went() -> None:
    assert end_time(seen(None, room=(5.0, "UNKNOWN_REASON"))) == T + 5


def test_without_any_sign_the_call_ends_now() -> None:
    assert end_time(seen(None, now=7)) == T + 7


MOMENTS = st.floats(0, 4e9)
REASONS = st.sampled_from([*DEPARTURES, "whatever"])
EVIDENCE = st.builds(
    Evidence,
    now=MOMENTS,
    close_reason=st.sampled_from(
        [None, "error", "job_shutdown", P_D, U_I, "task_completed", "new"]
    ),
    closed_at=st.none() | MOMENTS,
    gone=st.lists(st.builds(Gone, at=MOMENTS, reason=REASONS), max_size=4).map(
        lambda gone: sorted(gone, key=lambda g: g.at)
    ),
    callers_present=st.integers(0, 3),
    room_reason=REASONS,
    room_gone_at=st.none() | MOMENTS,
    shutdown_reason=st.sampled_from([None, "", PARENT, ROOM_GONE, CRASH, OWN]),
    entrypoint_failed=st.none() | st.booleans(),
    job_ending_at=st.none() | MOMENTS,
    settled=st.booleans(),
)


@given(EVIDENCE)
def test_any_evidence_gives_a_cause_of_the_contract(evidence: Evidence) -> None:
    assert end_cause(evidence) in get_args(EndCause)


@given(EVIDENCE)
def test_no_call_ends_after_its_close(evidence: Evidence) -> None:
    end = end_time(evidence)

    assert math.isfinite(end)
    assert end <= (evidence.now if evidence.closed_at is None else evidence.closed_at)


def ends_within_two_seconds(evidence: Evidence) -> bool:
    """Whether the job was ending when the session closed."""
    if evidence.job_ending_at is None:
        return not evidence.settled
    return evidence.closed_at is None or evidence.job_ending_at - evidence.closed_at <= 2.0


def room_went_later(evidence: Evidence) -> bool:
    """Whether the room went when the session had been closed for a while."""
    close, gone = evidence.closed_at, evidence.room_gone_at
    return close is not None and gone is not None and gone > close + 1.0


@given(EVIDENCE)
def test_a_guess_is_never_made(evidence: Evidence) -> None:
    """Each cause has evidence that nothing else leaves."""
    cause = end_cause(evidence)
    reasons = {evidence.room_reason, *(g.reason for g in evidence.gone)}

    if cause == "error":
        assert evidence.close_reason == "error"
    elif cause == "crashed":
        assert evidence.entrypoint_failed or evidence.shutdown_reason == CRASH
    elif cause == "agent_ended":
        went_on = evidence.close_reason == U_I and not ends_within_two_seconds(evidence)
        assert went_on or evidence.shutdown_reason not in (None, PARENT, CRASH)
        assert evidence.close_reason != P_D
        assert evidence.room_reason in (None, "CLIENT_INITIATED") or room_went_later(evidence)
    elif cause != "unknown":
        assert any(DEPARTURES.get(r) == cause or ROOM.get(r or "") == cause for r in reasons)
