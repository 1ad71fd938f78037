"""``transcripts fetch``: one transcript, and many into stored records, by the real command."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics.document import TranscriptDocument
from livekit_plugins_analytics.stored import parsed
from tests.cli.conftest import Outcome, Run

from .cloud_server import (
    DASHBOARD,
    PROJECT,
    SETTLING,
    SIGNATURE,
    TOKEN,
    CloudServer,
    Session,
    failure,
    said,
)
from .places import Folder, Place, name_of, record, record_of
from .test_cloud import HISTORY, RM, TALK

QUICK = (
    *("--poll-seconds", "0.001", "--backoff-seconds", "0.001", "--attempts", "2"),
    *("--requests-per-minute", "6000000", "--wait-seconds", "0"),
)
OCTOBER = ("--since", "2026-10-01", "--until", "2026-11-01")


def fetch(
    run: Run, cloud: CloudServer, *arguments: str, variables: dict[str, str] | None = None
) -> Outcome:
    """Run the command against the stand-in."""
    known = {"LIVEKIT_CLOUD_TOKEN": TOKEN, **(variables or {})}
    where = ("--project", PROJECT, "--base-url", cloud.url)
    return run("transcripts", "fetch", *where, *QUICK, *arguments, **known)


def into(run: Run, cloud: CloudServer, place: Place, *arguments: str) -> Outcome:
    """Run it with the place's records."""
    return fetch(
        run, cloud, "--records", place.path, "--json", *arguments, variables=place.variables
    )


# -- one transcript


def test_a_transcript_comes_to_stdout_as_a_document(run: Run, cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(TALK)

    done = fetch(run, cloud, "--session", RM, "--page-size", "2", "--api-version", "v1")

    assert (done.code, done.err) == (0, "")
    document = TranscriptDocument.model_validate(done.json)
    assert (document.session_id, document.room_sid) == (RM, RM)
    assert document.transcript.text == (
        "Agent: How can I help?\nUser: A table for two.\nAgent: Booked."
    )
    assert (document.end_time - document.start_time).total_seconds() == 9
    assert {each.path.split("/")[1] for each in cloud.requests} == {"v1"}


@pytest.mark.parametrize("name", ["call.json", "call.json.gz"])
def test_or_to_a_file(run: Run, cloud: CloudServer, name: str, tmp_path: Path) -> None:
    cloud.sessions[RM] = Session(TALK, states=[SETTLING])

    done = fetch(run, cloud, "--session", RM, "-o", name, "--json")

    body = (tmp_path / name).read_bytes()
    assert body[:2] == (b"\x1f\x8b" if name.endswith(".gz") else b'{"')
    assert parsed(body)["transcript"]["complete"] is False
    assert done.json == {
        "session": RM,
        "file": name,
        "items": 3,
        "complete": False,
        "state": SETTLING,
        "skipped": 0,
    }
    assert done.code == 0
    assert f"{RM}: incomplete: the data had not settled ({SETTLING})" in done.err


def test_it_may_be_the_chat_history(run: Run, cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(history=HISTORY)

    done = fetch(run, cloud, "--session", RM, "--from", "chat-history", "--verbose")

    assert done.json["transcript"]["text"] == "Agent: Hello!\nUser: Two\nlines"
    assert SIGNATURE not in done.out + done.err


def test_it_is_masked_where_masks_are_asked_for(run: Run, cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session([said(1, "ROLE_USER", "I am at john.smith@acme.com, yes.")])

    by_option = fetch(run, cloud, "--session", RM, "--redact", "email")
    by_setting = fetch(run, cloud, "--session", RM, variables={"ANALYTICS_REDACT": "email,phone"})

    for done in (by_option, by_setting):
        assert done.json["transcript"]["text"] == "User: I am at [email-1], yes."
        assert done.json["privacy"] == {"redacted": True, "counts": {"email": 1}, "withheld": []}
        assert "acme" not in done.out + done.err


def test_a_failure_is_one_line_and_exit_code_1(run: Run, cloud: CloudServer) -> None:
    cloud.refused.add(RM)

    done = fetch(run, cloud, "--session", RM, "--verbose")

    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert RM in line and DASHBOARD in line and TOKEN not in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--session"),
        (("--records", "."), "--since, --until or --session"),
        (("--records", ".", "--session", RM, "-o", "x"), "leave out one of the two"),
        (("--session", RM, "--since", "yesterday"), "--since: 'yesterday' is no date"),
        (("--session", RM, "--until", "2026-13-01"), "--until"),
        (("--session", RM, "--since", "2026-11-01", "--until", "2026-11-01"), "after --since"),
        (("--session", RM, "--base-url", "http://example.com"), "in the clear"),
        (("--session", RM, "--api-version", "latest"), "--api-version"),
        (("--session", RM, "--redact", "emial"), "did you mean 'email'"),
        (("--session", RM, "--token-env", "NOT_SET"), "NOT_SET is not set"),
        (("--session", RM, "-o", "nowhere/x.json"), "nowhere"),
        (("--records", "nowhere", "--session", RM), "no record of RM_"),
        (("--records", "nowhere", *OCTOBER), "no record of this period"),
    ],
)
def test_wrong_arguments_are_told_with_exit_code_2(
    run: Run, cloud: CloudServer, arguments: tuple[str, ...], message: str
) -> None:
    cloud.sessions[RM] = Session(TALK)

    done = fetch(run, cloud, *arguments)

    assert done.code == 2
    assert message in done.err and "Traceback" not in done.err


def test_the_token_may_stand_in_a_file_and_under_another_name(
    run: Run, cloud: CloudServer, tmp_path: Path
) -> None:
    cloud.sessions[RM] = Session(TALK)
    (tmp_path / "local.env").write_text(f"MY_TOKEN= {TOKEN} \n", "utf-8")

    done = fetch(run, cloud, "--session", RM, "--token-env", "MY_TOKEN", "--env-file", "local.env")

    assert done.code == 0


# -- into stored records


def test_a_record_without_a_transcript_gets_it_and_keeps_the_rest(
    run: Run, cloud: CloudServer, place: Place
) -> None:
    cloud.sessions[RM] = Session(TALK)
    before = record(f"{RM}-AJ_1", RM)
    place.put(name_of(f"{RM}-AJ_1"), before)
    place.put(name_of("RM_else-AJ_2"), record("RM_else-AJ_2", "RM_else"))

    done = into(run, cloud, place, "--session", RM)

    assert done.code == 0, done.err
    name = name_of(f"{RM}-AJ_1")
    assert done.json == {
        "merged": [place.named(name)],
        "left": [],
        "incomplete": {},
        "failed": [],
        "rooms_not_tried": 0,
    }
    after = record_of(place, name)
    assert {key for key in after if after[key] != before[key]} == {"revision", "transcript"}
    assert list(after) == list(before)
    assert after["revision"] == 2
    assert (after["transcript"]["source"], after["transcript"]["complete"]) == ("cloud", True)
    assert [item["role"] for item in after["transcript"]["items"]] == ["agent", "user", "agent"]
    assert place.get(name)[:2] == b"\x1f\x8b"
    assert record_of(place, name_of("RM_else-AJ_2"))["revision"] == 1


def test_a_range_of_dates_is_filled_and_the_same_command_goes_on(
    run: Run, cloud: CloudServer, place: Place
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

    first = into(run, cloud, place, *OCTOBER)
    asked = {each.path.split("/")[5] for each in cloud.requests}
    cloud.requests.clear()
    cloud.sessions["RM_b"] = Session(TALK, states=[SETTLING])
    second = into(run, cloud, place, *OCTOBER)

    assert (first.code, second.code) == (1, 0), first.err + second.err
    assert asked == set(sids)
    assert len(first.json["merged"]) == 2
    (failed,) = first.json["failed"]
    assert failed["subject"] == "RM_b" and "no such session" in failed["error"]
    assert "RM_b" in first.err
    # What was merged already is not asked for again.
    assert {each.path.split("/")[5] for each in cloud.requests} == {"RM_b"}
    assert second.json["merged"] == [place.named(name_of("RM_b-AJ"))]
    assert list(second.json["incomplete"]) == ["RM_b"]
    reasons = sorted(each["reason"] for each in second.json["left"])
    assert reasons == ["has a complete transcript"] * 2 + [
        "it has no room_sid: no call through LiveKit"
    ]
    assert record_of(place, name_of("RM_b-AJ"))["transcript"]["complete"] is False


def test_progress_and_a_summary_for_people(run: Run, cloud: CloudServer, folder: Folder) -> None:
    cloud.sessions[RM] = Session(TALK, skipped=1)
    folder.put(name_of("a"), record("a", RM))
    folder.put(name_of("b"), record("b", None))

    done = fetch(run, cloud, "--records", folder.path, *OCTOBER)

    assert done.out == (
        "1 merged, 1 left as they are, 0 failed\n"
        "  left: 1: it has no room_sid: no call through LiveKit\n"
        f"  incomplete: {RM}: 1 items could not be read\n"
    )
    assert "Reading" in done.err and "Fetching" in done.err


def test_an_incomplete_transcript_is_replaced_by_a_better_one_only(
    run: Run, cloud: CloudServer, folder: Folder
) -> None:
    name = name_of("a")
    folder.put(name, record("a", RM))
    session = cloud.sessions[RM] = Session(TALK[:2], states=[SETTLING])

    def revision() -> int:
        done = into(run, cloud, folder, "--session", RM)
        assert done.code == 0, done.err
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
    run: Run, cloud: CloudServer, folder: Folder, source: str
) -> None:
    cloud.sessions[RM] = Session(TALK)
    own = {"source": source, "complete": True, "text": "", "items": []}
    folder.put(name_of("a"), record("a", RM, transcript=own))

    left = into(run, cloud, folder, "--session", RM)
    asked = len(cloud.requests)
    replaced = into(run, cloud, folder, "--session", RM, "--replace")

    assert left.json["left"][0]["reason"] == "has a complete transcript" and asked == 0
    assert len(replaced.json["merged"]) == 1
    assert record_of(folder, name_of("a"))["transcript"]["source"] == "cloud"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"privacy": {"redacted": False, "withheld": ["transcript"]}}, "privacy.withheld"),
        ({"privacy": {"redacted": True, "withheld": ["signals.text"]}}, "privacy.withheld"),
        ({"consent_obtained": False}, "consent_obtained"),
        ({"transcript_uri": "s3://words/x.json.gz"}, "transcript_uri"),
        ({"privacy": {"redacted": True, "counts": {}, "withheld": []}}, "ANALYTICS_REDACT"),
    ],
)
def test_what_was_kept_out_of_a_record_stays_out(
    run: Run, cloud: CloudServer, folder: Folder, changes: dict[str, Any], reason: str
) -> None:
    cloud.sessions[RM] = Session(TALK)
    folder.put(name_of("a"), record("a", RM, **changes))
    before = folder.get(name_of("a"))

    done = into(run, cloud, folder, "--session", RM, "--replace")

    assert done.code == 0
    assert reason in done.json["left"][0]["reason"]
    assert folder.get(name_of("a")) == before
    assert cloud.requests == []


def test_a_masked_record_gets_masked_words(run: Run, cloud: CloudServer, folder: Folder) -> None:
    """The masks' numbers are none that stand for something else in the record."""
    cloud.sessions[RM] = Session(
        [
            said(1, "ROLE_AGENT", "Your e-mail address?"),
            said(2, "ROLE_USER", "john dot smith at acme dot com", second=3),
            said(3, "ROLE_AGENT", "So john.smith@acme.com.", second=6),
        ]
    )
    privacy = {"redacted": True, "counts": {"email": 2, "card": 1}, "withheld": []}
    tools = [{"tool": "send", "arguments": {"to": "[email-1]", "cc": "[email-2]"}}]
    folder.put(name_of("a"), record("a", RM, privacy=privacy, tool_calls=tools))

    done = into(run, cloud, folder, "--session", RM, "--redact", "email")
    again = into(run, cloud, folder, "--session", RM, "--redact", "email", "--replace")

    assert done.code == 0, done.err
    after = record_of(folder, name_of("a"))
    assert after["transcript"]["text"] == (
        "Agent: Your e-mail address?\nUser: [email-3]\nAgent: So [email-3]."
    )
    assert after["privacy"] == {
        "redacted": True,
        "counts": {"card": 1, "email": 4},
        "withheld": [],
    }
    assert again.json["left"][0]["reason"] == "has one that is no poorer"
    assert after["revision"] == 2


def test_masks_for_a_record_that_had_none(run: Run, cloud: CloudServer, folder: Folder) -> None:
    cloud.sessions[RM] = Session([said(1, "ROLE_USER", "It is john.smith@acme.com.")])
    folder.put(name_of("a"), record("a", RM))

    into(run, cloud, folder, "--session", RM, "--redact", "email,phone")

    after = record_of(folder, name_of("a"))
    assert after["transcript"]["text"] == "User: It is [email-1]."
    assert after["privacy"]["redacted"] is True
    assert (after["privacy"]["counts"], after["privacy"]["by"]) == ({"email": 1}, "tomorrow")


def test_two_sessions_of_one_room_share_its_transcript(
    run: Run, cloud: CloudServer, place: Place
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
    done = into(run, cloud, place, "--since", "2026-10-30", "--until", "2026-10-31")
    both = into(run, cloud, place, "--session", RM)

    assert (len(done.json["merged"]), len(both.json["merged"])) == (1, 1), done.err + both.err
    shares = [
        [item["text"] for item in record_of(place, name)["transcript"]["items"]]
        for name in (name_of("x-1"), name_of("x-2", "30"))
    ]
    assert shares == [["1", "2", "3"], ["4", "5", "6"]]
    assert record_of(place, name_of("x-1"))["transcript"]["complete"] is True


def test_two_sessions_at_one_time_have_all_of_it_and_say_that_it_is_not_certain(
    run: Run, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    for session_id in ("a", "b"):
        folder.put(name_of(session_id), record(session_id, RM))

    done = into(run, cloud, folder, "--session", RM)

    assert len(done.json["merged"]) == 2
    for session_id in ("a", "b"):
        transcript = record_of(folder, name_of(session_id))["transcript"]
        assert (len(transcript["items"]), transcript["complete"]) == (3, False)
    assert len(cloud.transcripts()) == 1


def test_a_transcript_of_the_room_is_no_second_session(
    run: Run, cloud: CloudServer, folder: Folder
) -> None:
    """What `transcripts watch` wrote is filled up like a record, and takes nothing from one."""
    cloud.sessions[RM] = Session(TALK)
    partly = {"source": "room", "complete": False, "text": "", "items": []}
    folder.put(name_of("a"), record("a", RM))
    folder.put(name_of(RM), {**record(RM, RM, transcript=partly), "job_id": None})

    done = into(run, cloud, folder, *OCTOBER)

    assert len(done.json["merged"]) == 2
    for session_id in ("a", RM):
        assert record_of(folder, name_of(session_id))["transcript"]["complete"] is True


def test_a_bad_record_is_named_and_the_others_go_on(
    run: Run, cloud: CloudServer, place: Place
) -> None:
    cloud.sessions[RM] = Session(TALK)
    place.put(name_of("a"), b"\x1f\x8bnonsense")
    place.put(name_of("b"), record("b", RM))

    done = into(run, cloud, place, *OCTOBER)

    assert done.code == 1
    assert done.json["failed"] == [
        {"subject": place.named(name_of("a")), "error": done.json["failed"][0]["error"]}
    ]
    assert "no session record" in done.json["failed"][0]["error"]
    assert done.json["merged"] == [place.named(name_of("b"))]


def test_a_refused_token_ends_the_run(run: Run, cloud: CloudServer, folder: Folder) -> None:
    for sid in ("RM_a", "RM_b", "RM_c"):
        folder.put(name_of(sid), record(sid, sid))
    cloud.next_answers = [failure(401, 16)]

    done = into(run, cloud, folder, *OCTOBER)

    assert done.code == 1
    assert len(cloud.requests) == 1
    assert (len(done.json["failed"]), done.json["rooms_not_tried"]) == (1, 2)
    assert done.err.count("the token is refused") == 1


def test_a_record_that_cannot_be_written_is_named(
    run: Run, cloud: CloudServer, folder: Folder
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    cloud.sessions[RM] = Session(TALK)
    folder.put(name_of("a"), record("a", RM))
    parent = (folder.root / name_of("a")).parent
    parent.chmod(0o500)
    try:
        done = into(run, cloud, folder, *OCTOBER)
    finally:
        parent.chmod(0o700)

    assert done.code == 1 and done.json["merged"] == []
    assert record_of(folder, name_of("a"))["transcript"] is None


def test_no_command_shows_the_token(run: Run, cloud: CloudServer, folder: Folder) -> None:
    cloud.sessions[RM] = Session(TALK, history=gzip.compress(b"{}"))
    folder.put(name_of("a"), record("a", RM))
    cloud.next_answers = [failure(500, 13)]

    outcomes = [
        fetch(run, cloud, "--session", RM, "--verbose"),
        fetch(run, cloud, "--session", RM, "--from", "chat-history", "--verbose"),
        fetch(run, cloud, "--session", "RM_unknown", "--verbose"),
        into(run, cloud, folder, "--session", RM, "--verbose"),
    ]

    assert [each.code for each in outcomes] == [0, 1, 1, 0]
    assert "attempt 2" in outcomes[0].err
    for each in outcomes:
        assert TOKEN not in each.out + each.err
        assert SIGNATURE not in each.out + each.err
        assert "A table for two" not in each.err


def test_what_is_fetched_is_json_for_programs(run: Run, cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session([said(1, "ROLE_USER", "\ud83d\ude00 Zwölf \ud800 <b>")])

    done = fetch(run, cloud, "--session", RM)

    text = json.loads(done.out)["transcript"]["items"][0]["text"]
    assert text.startswith("\U0001f600 Zwölf") and text.endswith("<b>")
