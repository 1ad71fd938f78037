"""``transcripts fetch``: one transcript, and many into stored records, by the real command."""

from __future__ import annotations

from pathlib import Path

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
    said,
)
from .command import run_all
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


WRONG: list[tuple[tuple[str, ...], str]] = [
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
]


def test_wrong_arguments_are_told_with_exit_code_2(cloud: CloudServer, tmp_path: Path) -> None:
    cloud.sessions[RM] = Session(TALK)
    common = ["transcripts", "fetch", "--project", PROJECT, "--base-url", cloud.url, *QUICK]

    outcomes = run_all([[*common, *arguments] for arguments, _ in WRONG], tmp_path, TOKEN)

    for (_, message), done in zip(WRONG, outcomes, strict=True):
        assert done.code == 2, message
        assert message in done.err and "Traceback" not in done.err


def test_the_token_may_stand_in_a_file_and_under_another_name(
    run: Run, cloud: CloudServer, tmp_path: Path
) -> None:
    cloud.sessions[RM] = Session(TALK)
    (tmp_path / "local.env").write_text(f"MY_TOKEN= {TOKEN} \n", "utf-8")

    done = fetch(run, cloud, "--session", RM, "--token-env", "MY_TOKEN", "--env-file", "local.env")

    assert done.code == 0


# -- into stored records


def test_records_of_a_month_are_filled_up_and_counted(
    run: Run, cloud: CloudServer, place: Place
) -> None:
    cloud.sessions[RM] = Session(TALK, skipped=1)
    place.put(name_of("a"), record("a", RM))
    place.put(name_of("b"), record("b", None))
    place.put(name_of("c"), record("c", "RM_gone"))
    where = ("--records", place.path, "--since", "2026-10-01", "--until", "2026-11-01")

    done = fetch(run, cloud, *where, variables=place.variables)

    assert done.code == 1
    assert done.out == (
        "1 merged, 1 left as they are, 1 failed\n"
        "  left: 1: it has no room_sid: no call through LiveKit\n"
        f"  incomplete: {RM}: 1 item could not be read\n"
    )
    assert "Reading" in done.err and "Fetching" in done.err
    assert "RM_gone: " in done.err and "no such session" in done.err
    assert record_of(place, name_of("a"))["transcript"]["source"] == "cloud"


def test_and_as_one_json_object(run: Run, cloud: CloudServer, folder: Folder) -> None:
    cloud.sessions[RM] = Session([said(1, "ROLE_USER", "It is john.smith@acme.com.")])
    folder.put(name_of("a"), record("a", RM))
    folder.put(name_of("b"), record("b", RM, consent_obtained=False))

    arguments = ("--session", RM, "--redact", "email", "--json", "--verbose")
    done = fetch(run, cloud, "--records", folder.path, *arguments)

    assert done.code == 0, done.err
    assert done.json == {
        "merged": [folder.named(name_of("a"))],
        "left": [
            {
                "name": folder.named(name_of("b")),
                "reason": "the caller did not consent (consent_obtained is false)",
            }
        ],
        "incomplete": {},
        "failed": [],
        "rooms_not_tried": 0,
    }
    assert TOKEN not in done.err and "john" not in done.out + done.err
    assert record_of(folder, name_of("a"))["transcript"]["text"] == "User: It is [email-1]."


def test_where_consent_is_required_only_records_that_have_it_get_words(
    run: Run, cloud: CloudServer, folder: Folder
) -> None:
    cloud.sessions[RM] = Session(TALK)
    folder.put(name_of("a"), record("a", RM, consent_obtained=True))
    folder.put(name_of("b"), record("b", RM, consent_obtained=None))
    required = {"ANALYTICS_CONTENT_CONSENT": "Required"}

    into = ("--records", folder.path, "--session", RM, "--json")
    done = fetch(run, cloud, *into, variables=required)
    alone = fetch(run, cloud, "--session", RM, variables=required)

    assert done.json["merged"] == [folder.named(name_of("a"))]
    assert "ANALYTICS_CONTENT_CONSENT" in done.json["left"][0]["reason"]
    assert record_of(folder, name_of("b"))["transcript"] is None
    assert (alone.code, alone.out) == (2, "") and "--records" in alone.err
