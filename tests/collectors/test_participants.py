"""Everybody who was in the room is in the record, as they were while they were there."""

from __future__ import annotations

import time
from typing import Any

import pytest
from livekit import rtc

from livekit_plugins_analytics.collectors import participants as module
from livekit_plugins_analytics.collectors.participants import Participants, disconnect_reason
from livekit_plugins_analytics.parts import Sip, utc
from livekit_plugins_analytics.trim import Trimmer

from .events import T, participant

SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
HUNG_UP = rtc.DisconnectReason.CLIENT_INITIATED


@pytest.fixture
def people() -> Participants:
    return Participants(Trimmer())


def test_who_joins_is_known_with_name_and_time(people: Participants) -> None:
    people.on_connected(participant("jo", name="Jo", joined=1.5, plan="pro"))

    (jo,) = people.result()
    assert (jo.identity, jo.kind, jo.name) == ("jo", "standard", "Jo")
    assert jo.joined_at == utc(T + 1.5)
    assert (jo.left_at, jo.disconnect_reason, jo.sip) == (None, None, None)
    assert jo.attributes == {"plan": "pro"}
    assert people.callers_present == 1
    assert people.departures == []


def test_a_participant_without_a_name_or_time_has_null_and_now(people: Participants) -> None:
    before = time.time()
    people.on_connected(participant("jo", joined=None))

    (jo,) = people.result()
    assert jo.name is None
    assert jo.joined_at is not None
    assert jo.joined_at.timestamp() == pytest.approx(before, abs=5)


def test_who_leaves_leaves_with_time_and_reason(people: Participants) -> None:
    people.on_connected(participant("jo"))
    before = time.time()

    people.on_disconnected(participant("jo", left=HUNG_UP))

    (jo,) = people.result()
    assert jo.disconnect_reason == "CLIENT_INITIATED"
    assert jo.left_at is not None and jo.left_at.timestamp() >= before - 0.001
    (departure,) = people.departures
    assert (departure.identity, departure.reason) == ("jo", "CLIENT_INITIATED")
    assert people.callers_present == 0


def test_who_was_never_announced_is_known_from_the_departure(people: Participants) -> None:
    people.on_disconnected(participant("jo", left=HUNG_UP))

    assert [p.identity for p in people.result()] == ["jo"]
    assert len(people.departures) == 1


def test_who_comes_back_has_not_left(people: Participants) -> None:
    people.on_connected(participant("jo", joined=0))
    people.on_disconnected(participant("jo"))

    people.on_connected(participant("jo", joined=30))

    (jo,) = people.result()
    assert jo.joined_at == utc(T)
    assert (jo.left_at, jo.disconnect_reason) == (None, None)
    assert people.departures == []
    assert people.callers_present == 1


def test_a_list_that_still_shows_who_left_does_not_bring_them_back(people: Participants) -> None:
    people.on_connected(participant("jo"))
    people.on_disconnected(participant("jo", left=HUNG_UP))

    people.on_present(participant("jo"))

    assert people.callers_present == 0


def test_departures_are_in_the_order_in_which_they_happened(people: Participants) -> None:
    for name in ("a", "b", "c"):
        people.on_connected(participant(name))

    for name in ("b", "c", "a"):
        people.on_disconnected(participant(name))

    assert [d.identity for d in people.departures] == ["b", "c", "a"]


def test_participants_are_in_the_order_in_which_they_joined(people: Participants) -> None:
    people.on_present(participant("late", joined=9))
    people.on_present(participant("early", joined=1))

    assert [p.identity for p in people.result()] == ["early", "late"]


def test_attributes_are_kept_as_they_change_and_after_they_are_gone(people: Participants) -> None:
    people.on_connected(participant("jo", name="Jo", sip_callStatus="ringing", plan="pro"))
    people.on_present(participant("jo", sip_callStatus="active"))

    people.on_disconnected(participant("jo"))

    (jo,) = people.result()
    assert jo.name == "Jo"
    assert jo.attributes == {"sip.callStatus": "active", "plan": "pro"}


def test_a_phone_call_has_its_numbers(people: Participants) -> None:
    people.on_connected(
        participant(
            "sip_1",
            kind=SIP,
            sip_callID="SCL_1",
            sip_phoneNumber="+4930123",
            sip_trunkPhoneNumber="+4930999",
            sip_trunkID="ST_1",
            sip_ruleID="SDR_1",
        )
    )

    (caller,) = people.result()
    assert caller.kind == "sip"
    assert caller.sip == Sip(
        call_id="SCL_1",
        phone_number="+4930123",
        trunk_phone_number="+4930999",
        trunk_id="ST_1",
        rule_id="SDR_1",
    )


def test_a_hidden_phone_number_is_null(people: Participants) -> None:
    people.on_connected(participant("sip_1", kind=SIP))

    assert people.result()[0].sip == Sip()


def test_a_forwarded_call_has_its_numbers_whatever_its_kind(people: Participants) -> None:
    people.on_connected(participant("jo", sip_callID="SCL_1"))

    assert people.result()[0].sip == Sip(call_id="SCL_1")


@pytest.mark.parametrize(
    ("kind", "name", "callers"),
    [
        (rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD, "standard", 1),
        (rtc.ParticipantKind.PARTICIPANT_KIND_SIP, "sip", 1),
        (rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR, "connector", 1),
        (rtc.ParticipantKind.PARTICIPANT_KIND_BRIDGE, "bridge", 1),
        (rtc.ParticipantKind.PARTICIPANT_KIND_AGENT, "agent", 0),
        (rtc.ParticipantKind.PARTICIPANT_KIND_EGRESS, "egress", 0),
        (rtc.ParticipantKind.PARTICIPANT_KIND_INGRESS, "ingress", 0),
    ],
)
def test_only_people_are_callers(
    people: Participants, kind: rtc.ParticipantKind.ValueType, name: str, callers: int
) -> None:
    people.on_connected(participant("x", kind=kind))

    assert people.result()[0].kind == name
    assert people.callers_present == callers
    people.on_disconnected(participant("x", kind=kind))
    assert len(people.departures) == callers


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (rtc.DisconnectReason.CLIENT_INITIATED, "CLIENT_INITIATED"),
        (rtc.DisconnectReason.CONNECTION_TIMEOUT, "CONNECTION_TIMEOUT"),
        (0, "UNKNOWN_REASON"),
        (99, "REASON_99"),
        (None, None),
    ],
)
def test_a_reason_has_livekits_name(value: int | None, name: str | None) -> None:
    assert disconnect_reason(value) == name


def test_a_kind_that_livekit_added_later_has_a_number() -> None:
    assert module._kind(99) == "kind_99"


def test_long_names_and_attributes_are_cut_and_counted() -> None:
    trimmer = Trimmer(text=10)
    people = Participants(trimmer)

    people.on_connected(participant("i" * 11, name="n" * 11, x="v" * 11))

    (cut,) = people.result()
    assert cut.identity == "i" * 9 + "…"
    assert cut.name == "n" * 9 + "…"
    assert cut.attributes == {"x": "v" * 9 + "…"}
    assert trimmer.cuts == {"participants": 3}


def test_many_attributes_leave_a_valid_entry() -> None:
    people = Participants(Trimmer())
    values: Any = {f"a{n}": str(n) for n in range(module._MAX_ATTRIBUTES + 3)}
    many = participant("jo", **values)

    people.on_connected(many)
    people.on_present(many)

    assert len(people.result()[0].attributes) == module._MAX_ATTRIBUTES
    assert people.dropped == 1


def test_what_was_cut_is_counted_once_however_often_it_is_asked_for() -> None:
    trimmer = Trimmer(text=5)
    people = Participants(trimmer)
    jo = participant("jo", name="x" * 9)

    for _ in range(3):
        people.on_present(jo)
        people.result()

    assert people.result()[0].name == "xxxx…"
    assert trimmer.cuts == {"participants": 1}


def test_who_comes_after_a_crowd_is_counted(people: Participants) -> None:
    for number in range(module._MAX_PARTICIPANTS):
        people.on_connected(participant(f"guest {number}"))

    people.on_connected(participant("one more"))
    people.on_disconnected(participant("one more"))
    people.on_connected(participant("guest 0"))

    assert len(people.result()) == module._MAX_PARTICIPANTS
    assert people.dropped == 2
