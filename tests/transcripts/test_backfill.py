"""Fetched transcripts in stored records: whose, which, and what stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics import SessionRecord, Settings
from livekit_plugins_analytics.assembly import assemble
from livekit_plugins_analytics.lines import compressed, line
from livekit_plugins_analytics.redaction import redactor
from livekit_plugins_analytics.stored import packed, parsed, stored
from livekit_plugins_analytics.transcripts import Backfill, Fetched, Period, Summary, Terms
from tests.test_assembly import capture

from .cloud_server import SETTLING, CloudServer, Session, failure, said
from .places import Folder, Place, name_of, record, record_of
from .test_cloud import RM, TALK, client

OCTOBER = Period.parse("2026-10-01", "2026-11-01")

Into = Callable[..., Summary]


@pytest.fixture
def into(cloud: CloudServer, monkeypatch: pytest.MonkeyPatch) -> Into:
    """Fill up the records of a place from the cloud."""

    def filled(place: Place, **arguments: Any) -> Summary:
        for name, value in place.variables.items():
            monkeypatch.setenv(name, value)
        terms = Terms(
            replace=arguments.pop("replace", False),
            redactor=redactor(mask) if (mask := arguments.pop("mask", None)) else None,
        )
        arguments.setdefault("period", None if "session" in arguments else OCTOBER)
        with client(cloud, settled=0.0, attempts=2) as transcripts:
            return Backfill(
                arguments.pop("store", None) or stored(place.path),
                transcripts.fetch,
                terms=terms,
                **arguments,
            ).run()

    return filled


def reasons(summary: Summary) -> list[str]:
    """Why records were left alone."""
    return sorted(str(each.reason) for each in summary.left)


def test_a_record_without_a_transcript_gets_it_and_keeps_the_rest(
    into: Into, cloud: CloudServer, place: Place
) -> None:
    cloud.sessions[RM] = Session(TALK)
    before = record(f"{RM}-AJ_1", RM)
    place.put(name_of(f"{RM}-AJ_1"), before)
    place.put(name_of("RM_else-AJ_2"), record("RM_else-AJ_2", "RM_else"))

    done = into(place, session=RM)

    name = name_of(f"{RM}-AJ_1")
    assert done == Summary(merged=[place.named(name)])
    after = record_of(place, name)
    assert {key for key in after if after[key] != before[key]} == {"revision", "transcript"}
    assert list(after) == list(before)
    assert after["revision"] == 2
    assert (after["transcript"]["source"], after["transcript"]["complete"]) == ("cloud", True)
    assert [item["role"] for item in after["transcript"]["items"]] == ["agent", "user", "agent"]
    assert place.get(name)[:2] == b"\x1f\x8b"
    assert record_of(place, name_of("RM_else-AJ_2"))["revision"] == 1


def test_a_range_of_dates_is_filled_and_the_same_command_goes_on(
    into: Into, cloud: CloudServer, place: Place
) -> None:
    """Three calls in October; one fails at first, and one is of November."""
    sids = ["RM_a", "RM_b", "RM_c"]
    for sid in sids:
        place.put(name_of(f"{sid}-AJ"), record(f"{sid}-AJ", sid))
    november = record("RM_n-AJ", "RM_n", start_time="2026-11-01T00:00:00.000Z")
    place.put("year=2026/month=11/day=01/RM_n-AJ.json.gz", november)
    place.put(name_of("console"), record("console", None))
    for sid in ("RM_a", "RM_c", "RM_n"):
        cloud.sessions[sid] = Session(TALK)

    first = into(place)
    asked = {each.path.split("/")[5] for each in cloud.requests}
    cloud.requests.clear()
    cloud.sessions["RM_b"] = Session(TALK, states=[SETTLING])
    second = into(place)

    assert asked == set(sids)
    assert len(first.merged) == 2
    (failed,) = first.failed
    assert failed.name == "RM_b" and "no such session" in str(failed.reason)
    # What was merged already is not asked for again.
    assert {each.path.split("/")[5] for each in cloud.requests} == {"RM_b"}
    assert second.merged == [place.named(name_of("RM_b-AJ"))]
    assert list(second.incomplete) == ["RM_b"]
    assert second.failed == []
    assert reasons(second) == ["has a complete transcript"] * 2 + [
        "it has no room_sid: no call through LiveKit"
    ]
    assert record_of(place, name_of("RM_b-AJ"))["transcript"]["complete"] is False


def test_an_incomplete_transcript_is_replaced_by_a_better_one_only(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    name = name_of("a")
    folder.put(name, record("a", RM))
    session = cloud.sessions[RM] = Session(TALK[:2], states=[SETTLING])

    def revision() -> int:
        assert into(folder, session=RM).failed == []
        return int(record_of(folder, name)["revision"])

    assert revision() == 2
    assert revision() == 2  # the same
    session.items = TALK
    assert revision() == 3  # more
    session.items = TALK[:1]
    assert revision() == 3  # less
    session.states = ["DATA_STATE_SETTLED"]
    assert revision() == 4  # less, but all there is
    session.items = TALK
    assert revision() == 4  # a complete one stays
    assert len(record_of(folder, name)["transcript"]["items"]) == 1


@pytest.mark.parametrize("source", ["session", "room", "cloud"])
def test_a_complete_transcript_is_replaced_only_where_that_is_asked_for(
    into: Into, cloud: CloudServer, folder: Folder, source: str
) -> None:
    cloud.sessions[RM] = Session(TALK)
    own = {"source": source, "complete": True, "text": "", "items": []}
    folder.put(name_of("a"), record("a", RM, transcript=own))

    left = into(folder, session=RM)
    asked = len(cloud.requests)
    replaced = into(folder, session=RM, replace=True)

    assert reasons(left) == ["has a complete transcript"] and asked == 0
    assert len(replaced.merged) == 1
    assert record_of(folder, name_of("a"))["transcript"]["source"] == "cloud"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"privacy": {"redacted": False, "withheld": ["transcript"]}}, "privacy.withheld"),
        ({"privacy": {"redacted": True, "withheld": ["signals.text"]}}, "privacy.withheld"),
        ({"consent_obtained": False}, "consent_obtained"),
        ({"transcript_uri": "s3://words/x.json.gz"}, "transcript_uri"),
        ({"privacy": {"redacted": True, "counts": {}, "withheld": []}}, "as its agent has it"),
    ],
)
def test_what_was_kept_out_of_a_record_stays_out(
    into: Into, cloud: CloudServer, folder: Folder, changes: dict[str, Any], reason: str
) -> None:
    cloud.sessions[RM] = Session(TALK)
    folder.put(name_of("a"), record("a", RM, **changes))
    before = folder.get(name_of("a"))

    done = into(folder, session=RM, replace=True)

    assert done.failed == []
    assert reason in reasons(done)[0]
    assert folder.get(name_of("a")) == before
    assert cloud.requests == []


def test_a_masked_record_gets_masked_words(into: Into, cloud: CloudServer, folder: Folder) -> None:
    """The masks' numbers are none that stand for something else in the record."""
    cloud.sessions[RM] = Session(
        [
            said(1, "ROLE_AGENT", "Your e-mail address?"),
            said(2, "ROLE_USER", "John.Smith@acme.com", second=3),
            said(3, "ROLE_AGENT", "So john.smith@acme.com.", second=6),
        ]
    )
    privacy = {"redacted": True, "counts": {"email": 2}, "withheld": []}
    tools = [{"tool": "send", "arguments": {"to": "[email-1]", "cc": "[email-2]"}}]
    folder.put(name_of("a"), record("a", RM, privacy=privacy, tool_calls=tools))

    done = into(folder, session=RM, mask="email")
    again = into(folder, session=RM, mask="email", replace=True)

    assert len(done.merged) == 1
    after = record_of(folder, name_of("a"))
    assert after["transcript"]["text"] == (
        "Agent: Your e-mail address?\nUser: [email-3]\nAgent: So [email-3]."
    )
    assert after["privacy"] == {
        "redacted": True,
        "counts": {"email": 4},
        "withheld": [],
    }
    assert reasons(again) == ["has one that is no poorer"]
    assert after["revision"] == 2


def test_masks_that_nothing_here_can_make_keep_words_out(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    counts = {"person": 2, "email": 1, "unchecked": 1}
    privacy = {"redacted": True, "counts": counts, "withheld": []}
    folder.put(name_of("a"), record("a", RM, privacy=privacy))

    done = into(folder, session=RM, mask="email,phone")

    assert reasons(done)[0].endswith("does not name here: person")
    assert record_of(folder, name_of("a"))["transcript"] is None


def test_masks_for_a_record_that_had_none(into: Into, cloud: CloudServer, folder: Folder) -> None:
    cloud.sessions[RM] = Session([said(1, "ROLE_USER", "It is john.smith@acme.com.")])
    folder.put(name_of("a"), record("a", RM))

    into(folder, session=RM, mask="email,phone")

    after = record_of(folder, name_of("a"))
    assert after["transcript"]["text"] == "User: It is [email-1]."
    assert after["privacy"]["redacted"] is True
    assert (after["privacy"]["counts"], after["privacy"]["by"]) == ({"email": 1}, "tomorrow")


def test_two_sessions_of_one_room_share_its_transcript(
    into: Into, cloud: CloudServer, place: Place
) -> None:
    """One after the other, over midnight: each has its own part, and what lay between them the
    nearer one."""
    late, early = "2026-10-29T23:59:00.000Z", "2026-10-30T00:01:00.000Z"
    first = record(
        "x-1",
        RM,
        start_time=late,
        end_time="2026-10-29T23:59:30.000Z",
        closed_at="2026-10-29T23:59:40.000Z",
    )
    second = record(
        "x-2", RM, start_time=early, end_time="2026-10-30T00:02:00.000Z", closed_at=None
    )
    place.put(name_of("x-1"), first)
    place.put(name_of("x-2", "30"), second)

    def at(number: int, time: str) -> dict[str, Any]:
        return {**said(number, "ROLE_USER", str(number)), "timestamp": f"2026-10-{time}Z"}

    cloud.sessions[RM] = Session(
        [
            at(1, "29T23:59:01"),
            at(2, "29T23:59:39.999"),
            at(3, "29T23:59:50"),
            at(4, "30T00:00:55"),
            at(5, "30T00:01:00"),
            {"id": "item_6", "message": {"role": "ROLE_USER", "text": "6"}},
        ]
    )

    # Only one of the two is in the period; the other one has its share all the same.
    done = into(place, period=Period.parse("2026-10-30", "2026-10-31"))
    both = into(place, session=RM)

    assert (len(done.merged), len(both.merged)) == (1, 1)
    shares = [
        [item["text"] for item in record_of(place, name)["transcript"]["items"]]
        for name in (name_of("x-1"), name_of("x-2", "30"))
    ]
    assert shares == [["1", "2", "3"], ["4", "5", "6"]]
    assert record_of(place, name_of("x-1"))["transcript"]["complete"] is True


def test_two_sessions_at_one_time_have_all_of_it_and_say_that_it_is_not_certain(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    for session_id in ("a", "b"):
        folder.put(name_of(session_id), record(session_id, RM))

    done = into(folder, session=RM)

    assert len(done.merged) == 2
    for session_id in ("a", "b"):
        transcript = record_of(folder, name_of(session_id))["transcript"]
        assert (len(transcript["items"]), transcript["complete"]) == (3, False)
    assert len(cloud.transcripts()) == 1


def test_a_transcript_of_the_room_is_no_second_session(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    """What `transcripts watch` wrote is filled up like a record, and takes nothing from one."""
    cloud.sessions[RM] = Session(TALK)
    partly = {"source": "room", "complete": False, "text": "", "items": []}
    folder.put(name_of("a"), record("a", RM))
    folder.put(name_of(RM), {**record(RM, RM, transcript=partly), "job_id": None})

    done = into(folder)

    assert len(done.merged) == 2
    for session_id in ("a", RM):
        assert record_of(folder, name_of(session_id))["transcript"]["complete"] is True


def test_a_bad_record_is_named_and_the_others_go_on(
    into: Into, cloud: CloudServer, place: Place
) -> None:
    cloud.sessions[RM] = Session(TALK)
    place.put(name_of("a"), b"\x1f\x8bnonsense")
    place.put(name_of("b"), record("b", RM))

    done = into(place)

    (failed,) = done.failed
    assert failed.name == place.named(name_of("a"))
    assert "no session record" in str(failed.reason)
    assert done.merged == [place.named(name_of("b"))]


def test_a_refused_token_ends_the_run(into: Into, cloud: CloudServer, folder: Folder) -> None:
    for sid in ("RM_a", "RM_b", "RM_c"):
        folder.put(name_of(sid), record(sid, sid))
    cloud.next_answers = [failure(401, 16)]

    done = into(folder)

    assert len(cloud.requests) == 1
    assert (len(done.failed), done.rooms_not_tried) == (1, 2)
    assert "the token is refused" in str(done.failed[0].reason)


def test_a_session_that_fails_does_not_end_the_run(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    for sid in ("RM_a", "RM_b", "RM_c"):
        folder.put(name_of(sid), record(sid, sid))
        cloud.sessions[sid] = Session(TALK)
    cloud.refused.add("RM_a")
    cloud.next_answers = [failure(500, 13)]  # passes

    done = into(folder)

    assert [each.name for each in done.failed] == ["RM_a"]
    assert (len(done.merged), done.rooms_not_tried) == (2, 0)


class Contested:
    """A store in which somebody else writes each record just before it would be replaced."""

    def __init__(self, place: Place, times: int, change: dict[str, Any]) -> None:
        self._store = stored(place.path)
        self._place = place
        self._times = times
        self._change = change

    def names(self) -> Iterator[str]:
        return self._store.names()

    def read(self, name: str) -> bytes:
        return self._store.read(name)

    def replace(self, name: str, body: bytes) -> None:
        if self._times:
            self._times -= 1
            newer = parsed(Path(name).read_bytes())
            newer.update(self._change, revision=newer["revision"] + 1)
            Path(name).write_bytes(packed(newer, compress=True))
        self._store.replace(name, body)


def test_what_another_writes_meanwhile_is_kept(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    folder.put(name_of("a"), record("a", RM))

    done = into(folder, store=Contested(folder, 2, {"outcome": "late"}))

    after = record_of(folder, name_of("a"))
    assert len(done.merged) == 1
    assert (after["revision"], after["outcome"]) == (4, "late")
    assert after["transcript"]["complete"] is True


def test_consent_that_is_withdrawn_meanwhile_counts(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    folder.put(name_of("a"), record("a", RM))

    done = into(folder, store=Contested(folder, 1, {"consent_obtained": False}))

    assert "consent_obtained" in reasons(done)[0]
    assert record_of(folder, name_of("a"))["transcript"] is None


def test_a_record_that_another_keeps_writing_is_left_to_the_next_run(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    folder.put(name_of("a"), record("a", RM))

    done = into(folder, store=Contested(folder, 9, {}))

    (failed,) = done.failed
    assert "run the command again" in str(failed.reason)


def test_only_the_days_in_question_are_read(into: Into, cloud: CloudServer, folder: Folder) -> None:
    """A broken object of another month would be named, had it been read."""
    cloud.sessions[RM] = Session(TALK)
    folder.put("year=2026/month=09/day=29/x.json.gz", b"broken")
    folder.put("year=2026/month=12/day=01/x.json.gz", b"broken")
    folder.put(name_of("a"), record("a", RM))

    done = into(folder)

    assert (len(done.merged), done.failed) == (1, [])


def test_without_times_a_record_is_in_no_period(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    folder.put(name_of("a"), record("a", RM, start_time="long ago"))

    assert not into(folder)
    assert cloud.requests == []


def test_what_a_recorder_wrote_stays_a_record(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    sid = assembled().room_sid
    assert sid is not None
    cloud.sessions[sid] = Session(TALK)
    folder.put(name_of("a"), compressed(line(assembled())))

    done = into(folder, session=sid)

    assert len(done.merged) == 1
    after = SessionRecord.model_validate(record_of(folder, name_of("a")))
    assert after.transcript is not None and after.transcript.complete
    before = assembled().model_copy(update={"revision": 2, "transcript": after.transcript})
    assert after == before


def assembled() -> SessionRecord:
    """A record as the package makes it, without words."""
    return assemble(capture(), Settings())


def test_a_session_is_found_by_its_room_where_no_name_tells(
    into: Into, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    folder.put("flat/order-4711.json", record("order-4711", RM))
    folder.put("flat/order-4712.json", record("order-4712", "RM_else"))
    folder.put("flat/console.json", record("console", None))

    done = into(folder, session=RM)

    assert done == Summary(merged=[folder.named("flat/order-4711.json")])


def test_what_anothers_own_fetch_raises_is_one_rooms_failure(
    cloud: CloudServer, folder: Folder
) -> None:
    for sid in ("RM_a", "RM_b"):
        folder.put(name_of(sid), record(sid, sid))

    def fetch(sid: str) -> Fetched:
        raise LookupError(sid)

    done = Backfill(stored(folder.path), fetch).run()

    assert [(each.name, each.reason) for each in done.failed] == [
        ("RM_a", "RM_a"),
        ("RM_b", "RM_b"),
    ]
