"""Transcripts from LiveKit Cloud: paging, settling, failures, limits, chat histories."""

from __future__ import annotations

import gzip
import json
import logging
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest

from livekit_plugins_analytics.errors import AnalyticsError, SettingsError
from livekit_plugins_analytics.transcripts import (
    CloudError,
    CloudTranscripts,
    Patience,
    RateLimited,
    RecordingOff,
    RoleMissing,
    TokenRefused,
    Unavailable,
    UnexpectedAnswer,
    UnknownSession,
    fetch_transcript,
)

from . import cloud_server
from .cloud_server import (
    ACTIVE,
    DASHBOARD,
    PROJECT,
    SETTLED,
    SETTLING,
    SIGNATURE,
    TOKEN,
    CloudServer,
    Session,
    answer,
    failure,
    said,
)

RM = "RM_hbxXP6vNTYyf"
OTHER = "RM_other"

TALK = [
    said(1, "ROLE_AGENT", "How can I help?"),
    said(2, "ROLE_USER", "A table for two.", second=3),
    said(3, "ROLE_AGENT", "Booked.", second=9, interrupted=True),
]

QUICK = {
    "settled": 30.0,
    "poll": 0.001,
    "attempts": 3,
    "backoff": 0.001,
    "answer": 10.0,
    "requests_per_minute": 6_000_000.0,
}


def client(cloud: CloudServer, *, token: str = TOKEN, **changes: Any) -> CloudTranscripts:
    """A client with little patience."""
    patience = {k: changes.pop(k, v) for k, v in QUICK.items()}
    longest = changes.pop("longest", 90.0)
    return CloudTranscripts(
        changes.pop("project", PROJECT),
        token,
        base_url=changes.pop("base_url", cloud.url),
        patience=Patience(**patience, longest=longest),
        **changes,
    )


def texts(transcript: Any) -> list[str]:
    return [item.text for item in transcript.items]


# -- pages


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_all_pages_come_in_order(cloud: CloudServer, version: str, size: int) -> None:
    cloud.sessions[RM] = Session(TALK)

    with client(cloud, api_version=version, page_size=size) as transcripts:
        found = transcripts.fetch(RM)

    assert texts(found.transcript) == ["How can I help?", "A table for two.", "Booked."]
    assert (found.transcript.source, found.transcript.complete) == ("cloud", True)
    assert (found.state, found.settled, found.skipped, found.has_more) == (SETTLED, True, 0, False)
    assert found.shortcoming() is None
    assert {each.path for each in cloud.requests} == {
        f"/{version}/projects/{PROJECT}/sessions/{RM}/transcript"
    }
    assert all(each.query["page.pageSize"] == str(size) for each in cloud.requests)
    assert len(cloud.requests) == -(-len(TALK) // size)


def test_the_token_goes_with_each_request_as_a_bearer(cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(TALK)

    client(cloud, page_size=1).fetch(RM)

    assert [each.headers["authorization"] for each in cloud.requests] == [f"Bearer {TOKEN}"] * 3


def test_an_item_that_two_pages_have_is_there_once(cloud: CloudServer) -> None:
    first = {"items": TALK[:2], "pageInfo": {"nextCursor": "c", "hasMore": True}}
    second = {"items": TALK[1:], "dataStatus": {"state": SETTLED}}
    cloud.next_answers = [
        answer(200, {**first, "dataStatus": {"state": SETTLED}}),
        answer(200, second),
    ]

    assert len(client(cloud).fetch(RM).transcript.items) == 3


@pytest.mark.parametrize("cursor", ["", "same"])
def test_paging_that_leads_nowhere_ends_and_is_incomplete(cloud: CloudServer, cursor: str) -> None:
    page = {
        "items": TALK,
        "pageInfo": {"hasMore": True, "nextCursor": cursor},
        "dataStatus": {"state": SETTLED},
    }
    cloud.next_answers = [answer(200, page)] * 5

    found = client(cloud).fetch(RM)

    assert found.has_more and not found.transcript.complete
    assert "not all pages came" in (found.shortcoming() or "")
    assert len(cloud.requests) == (2 if cursor else 1)


def test_pages_without_anything_new_end_too(cloud: CloudServer) -> None:
    def page(number: int) -> cloud_server.Answer:
        info = {"hasMore": True, "nextCursor": f"c-{number}"}
        return answer(200, {"pageInfo": info, "dataStatus": {"state": SETTLED}})

    cloud.next_answers = [page(number) for number in range(100)]

    found = client(cloud).fetch(RM)

    assert (found.has_more, len(cloud.requests)) == (True, 51)


def test_an_empty_transcript_is_complete(cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session()

    found = client(cloud).fetch(RM)

    assert (found.transcript.items, found.transcript.text) == ([], "")
    assert found.transcript.complete


def test_an_id_with_odd_letters_is_one_piece_of_the_path(cloud: CloudServer) -> None:
    with pytest.raises(UnknownSession):
        client(cloud).fetch("../a b?x")

    assert cloud.requests[0].path.endswith("/sessions/..%2Fa%20b%3Fx/transcript")


# -- settled or not


@pytest.mark.parametrize("waiting", [SETTLING, ACTIVE])
def test_it_waits_until_the_data_has_settled(cloud: CloudServer, waiting: str) -> None:
    session = cloud.sessions[RM] = Session(TALK, states=[waiting, waiting, waiting, SETTLED])

    found = client(cloud, page_size=2).fetch(RM)

    assert session.looks == 4
    assert found.transcript.complete and found.state == SETTLED
    # While it waits it asks for the first page only.
    assert ["page.cursor" in each.query for each in cloud.requests] == [False] * 4 + [True]


@pytest.mark.parametrize("waiting", [SETTLING, ACTIVE])
def test_patience_ends_and_what_is_there_is_taken(cloud: CloudServer, waiting: str) -> None:
    cloud.sessions[RM] = Session(TALK, states=[waiting])

    found = client(cloud, settled=0.05, page_size=2).fetch(RM)

    assert len(found.transcript.items) == 3
    assert not found.transcript.complete and not found.settled
    assert found.shortcoming() == f"the data had not settled ({waiting})"


def test_without_patience_it_looks_once(cloud: CloudServer) -> None:
    session = cloud.sessions[RM] = Session(TALK, states=[SETTLING, SETTLED])

    found = client(cloud, settled=0.0).fetch(RM)

    assert session.looks == 1
    assert not found.transcript.complete


@pytest.mark.parametrize("state", [None, "", "DATA_STATE_UNSPECIFIED"])
def test_where_no_state_is_given_it_does_not_wait_and_does_not_believe(
    cloud: CloudServer, state: str | None
) -> None:
    session = cloud.sessions[RM] = Session(TALK, states=[state])

    found = client(cloud).fetch(RM)

    assert session.looks == 1
    assert not found.transcript.complete


def test_a_state_unknown_to_us_is_a_settled_one(cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(TALK, states=["DATA_STATE_FINALIZED"])

    assert client(cloud).fetch(RM).transcript.complete


def test_what_a_later_page_says_of_settling_counts(cloud: CloudServer) -> None:
    more = {"nextCursor": "c", "hasMore": True}
    cloud.next_answers = [
        answer(200, {"items": TALK[:1], "pageInfo": more, "dataStatus": {"state": SETTLED}}),
        answer(200, {"items": TALK[1:], "dataStatus": {"state": SETTLING}}),
    ]

    found = client(cloud).fetch(RM)

    assert (found.settled, found.state, found.transcript.complete) == (False, SETTLING, False)


@pytest.mark.parametrize("skipped", [2, "2"])
def test_records_that_the_server_could_not_read_make_it_incomplete(
    cloud: CloudServer, skipped: int | str
) -> None:
    cloud.sessions[RM] = Session(TALK, skipped=skipped)

    found = client(cloud).fetch(RM)

    assert (found.skipped, found.transcript.complete) == (2, False)
    assert found.shortcoming() == "2 items could not be read"


def test_an_item_that_cannot_be_read_does_not_lose_the_others(cloud: CloudServer) -> None:
    broken = [{**TALK[0], "timestamp": "yesterday"}, 7, {"id": "x", "message": "hello"}]
    cloud.sessions[RM] = Session([*TALK, *broken])

    found = client(cloud).fetch(RM)

    assert (len(found.transcript.items), found.skipped) == (3, 3)
    assert not found.transcript.complete


# -- what it answers instead


def _off() -> dict[str, Any]:
    kind = "type.googleapis.com/livekit.cloud.observability.v1.ObservabilityDisabled"
    return {"@type": kind, "dashboardUrl": DASHBOARD}


ERRORS: dict[str, tuple[cloud_server.Answer, type[CloudError], str]] = {
    "401": (failure(401, 16), TokenRefused, "--token-env"),
    "403": (failure(403, 7), RoleMissing, "Admin role"),
    "404": (failure(404, 5), UnknownSession, "room_sid"),
    "404-path": (answer(404, b"404 page not found"), UnexpectedAnswer, "--api-version"),
    "400-off": (failure(400, 9, _off()), RecordingOff, DASHBOARD),
    "400-other": (failure(400, 9), UnexpectedAnswer, "HTTP 400, code 9"),
    "400-argument": (failure(400, 3), UnexpectedAnswer, "HTTP 400, code 3"),
    "429": (failure(429, 8), RateLimited, "--requests-per-minute"),
    "500": (failure(500, 13), Unavailable, "HTTP 500"),
    "503-page": (answer(503, b"<html>busy</html>"), Unavailable, "HTTP 503"),
    "302": (answer(302, b"", headers={"Location": "/x"}), UnexpectedAnswer, "--base-url"),
    "html": (answer(200, b"<html>sign in</html>"), UnexpectedAnswer, "no JSON"),
    "array": (answer(200, []), UnexpectedAnswer, "no transcript as documented"),
    "shape": (answer(200, {"items": "none"}), UnexpectedAnswer, "no transcript as documented"),
    "deep": (answer(200, b"[" * 200_000), UnexpectedAnswer, "no JSON"),
    "gzip-cut": (answer(200, gzip.compress(b"{}")[:-4]), UnexpectedAnswer, "no JSON"),
    "cut-off": (cloud_server.cut_off, Unavailable, "no whole answer"),
    "hung-up": (cloud_server.hung_up, Unavailable, "no whole answer"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_each_failure_has_a_message_of_its_own_that_names_the_fix(
    cloud: CloudServer, name: str
) -> None:
    write, kind, fix = ERRORS[name]
    cloud.next_answers = [write] * 3

    with pytest.raises(CloudError) as caught:
        client(cloud).fetch(RM)

    assert type(caught.value) is kind
    assert isinstance(caught.value, AnalyticsError)
    assert RM in str(caught.value) and fix in str(caught.value)
    assert TOKEN not in str(caught.value)
    # What does not pass by itself is not tried again.
    assert len(cloud.requests) == (3 if kind.transient else 1)


def test_the_status_and_the_dashboard_are_there_for_code(cloud: CloudServer) -> None:
    cloud.refused.add(RM)

    with pytest.raises(RecordingOff) as caught:
        client(cloud).fetch(RM)

    assert (caught.value.status, caught.value.dashboard_url) == (400, DASHBOARD)


def test_a_dashboard_that_is_no_url_is_not_shown(cloud: CloudServer) -> None:
    cloud.next_answers = [failure(400, 9, {**_off(), "dashboardUrl": "https://x\x1b[2J"})]

    with pytest.raises(RecordingOff, match="Data and privacy") as caught:
        client(cloud).fetch(RM)

    assert caught.value.dashboard_url is None and "\x1b" not in str(caught.value)


def test_the_messages_of_one_token_and_of_the_session_differ(cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(TALK)

    with pytest.raises(TokenRefused):
        client(cloud, token="stale").fetch(RM)
    with pytest.raises(RoleMissing):
        client(cloud, project="p_else").fetch(RM)
    with pytest.raises(UnknownSession):
        client(cloud).fetch(OTHER)


@pytest.mark.parametrize(
    "write",
    [
        failure(500, 13),
        failure(503, 14),
        failure(429, 8, Retry_After="0"),
        cloud_server.cut_off,
        cloud_server.hung_up,
    ],
    ids=["500", "503", "429", "cut-off", "hung-up"],
)
def test_a_failure_that_passes_is_tried_again(
    cloud: CloudServer, write: cloud_server.Answer
) -> None:
    cloud.sessions[RM] = Session(TALK)
    cloud.next_answers = [write, write]

    found = client(cloud).fetch(RM)

    assert found.transcript.complete
    assert len(cloud.requests) == 3


def test_a_failure_between_two_pages_loses_nothing(cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(TALK)
    first = client(cloud, page_size=1)
    cloud.next_answers = [
        answer(
            200,
            {
                "items": TALK[:1],
                "pageInfo": {"nextCursor": "at-1", "hasMore": True},
                "dataStatus": {"state": SETTLED},
            },
        ),
        failure(502, 14),
    ]

    found = first.fetch(RM)

    assert len(found.transcript.items) == 3 and found.transcript.complete


def test_nobody_answers(cloud: CloudServer) -> None:
    cloud.__exit__()  # the port is free, and refuses

    with pytest.raises(Unavailable, match="Check the network"):
        client(cloud).fetch(RM)


@pytest.mark.parametrize("slow", [cloud_server.dripping, cloud_server.silent])
def test_an_answer_that_does_not_end_is_given_up(
    cloud: CloudServer, slow: cloud_server.Answer
) -> None:
    cloud.next_answers = [slow]

    with pytest.raises(Unavailable):
        client(cloud, attempts=1, answer=0.2).fetch(RM)


# -- limits


def test_the_wait_that_the_server_asks_for_is_kept(cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(TALK)
    cloud.next_answers = [failure(429, 8, Retry_After="1")]

    client(cloud).fetch(RM)

    first, second = cloud.requests
    assert second.at - first.at >= 1.0


def test_the_wait_may_be_a_date(cloud: CloudServer) -> None:
    past = format_datetime(datetime.now(timezone.utc) - timedelta(days=1), usegmt=True)
    cloud.sessions[RM] = Session(TALK)
    cloud.next_answers = [failure(429, 8, Retry_After=past)]

    assert client(cloud).fetch(RM).transcript.complete


@pytest.mark.parametrize("text", ["3600", "date"])
def test_a_wait_beyond_patience_is_not_begun(cloud: CloudServer, text: str) -> None:
    hour = format_datetime(datetime.now(timezone.utc) + timedelta(hours=1), usegmt=True)
    cloud.next_answers = [failure(429, 8, Retry_After=hour if text == "date" else text)]

    with pytest.raises(RateLimited, match=r"asks to wait for 3[56]\d\d s") as caught:
        client(cloud).fetch(RM)

    assert len(cloud.requests) == 1
    assert caught.value.retry_after is not None and 3500 < caught.value.retry_after <= 3600


@pytest.mark.parametrize("text", ["soon", "-1", "", "Wed"])
def test_a_wait_that_is_none_is_passed_over(cloud: CloudServer, text: str) -> None:
    cloud.sessions[RM] = Session(TALK)
    cloud.next_answers = [failure(429, 8, Retry_After=text)]

    assert client(cloud).fetch(RM).transcript.complete


def test_requests_are_spaced_evenly_over_the_minute(cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(TALK)
    transcripts = client(cloud, page_size=1, requests_per_minute=1200)

    began = time.monotonic()
    transcripts.fetch(RM)

    assert len(cloud.requests) == 3
    assert time.monotonic() - began >= 2 * 0.05


def test_one_connection_serves_all_requests(cloud: CloudServer) -> None:
    """Another one for each would cost a handshake each."""
    cloud.sessions[RM] = Session(TALK, history=HISTORY)

    with client(cloud, page_size=1) as transcripts:
        transcripts.fetch(RM)
        transcripts.fetch_chat_history(RM)

    assert len(cloud.requests) == 5
    assert len({each.peer for each in cloud.requests}) == 1


# -- gzip


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}], ids=["bare", "header"])
def test_a_packed_answer_is_unpacked_whatever_its_header_says(
    cloud: CloudServer, headers: dict[str, str]
) -> None:
    page = {"items": TALK, "dataStatus": {"state": SETTLED}}
    cloud.next_answers = [answer(200, page, headers=headers, packed=True)]

    assert len(client(cloud).fetch(RM).transcript.items) == 3


def test_a_header_of_gzip_over_plain_json_does_no_harm(cloud: CloudServer) -> None:
    page = {"items": TALK, "dataStatus": {"state": SETTLED}}
    cloud.next_answers = [answer(200, page, headers={"Content-Encoding": "gzip"})]

    assert len(client(cloud).fetch(RM).transcript.items) == 3


def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused(cloud: CloudServer) -> None:
    bomb = gzip.compress(b" " * (65 * 1024 * 1024), compresslevel=9)
    cloud.next_answers = [answer(200, bomb)]

    with pytest.raises(UnexpectedAnswer):
        client(cloud).fetch(RM)


# -- the chat history


def history(*items: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps({"items": items}).encode())


HISTORY = history(
    {"id": "s", "type": "message", "role": "system", "content": ["Secret prompt."]},
    {"id": "d", "type": "message", "role": "developer", "content": ["Secret prompt."]},
    {"id": "h", "type": "agent_handoff", "new_agent_id": "sales", "created_at": 1793284198.0},
    {
        "id": "c",
        "type": "agent_config_update",
        "instructions": "Secret prompt.",
        "tools_added": ["book"],
        "created_at": 1793284199.0,
    },
    {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "content": ['<expr type="mood" label="glad"/>Hello!', {"type": "image_content"}],
        "created_at": 1793284200.5,
        "interrupted": True,
        "metrics": {"e2e_latency": 0.8, "started_speaking_at": 1793284200.5},
    },
    {"id": "2", "type": "message", "role": "user", "content": ["Two", "lines"]},
    {"id": "3", "type": "function_call", "name": "book", "call_id": "k", "arguments": '{"n":2}'},
    {
        "id": "4",
        "type": "function_call_output",
        "name": "book",
        "call_id": "k",
        "output": "no",
        "is_error": True,
    },
    {"id": "5", "type": "something_new", "payload": 1},
)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Encoding": "gzip"}, {"Content-Type": "application/json"}],
    ids=["bare", "header", "json"],
)
def test_the_chat_history_is_a_transcript_too(cloud: CloudServer, headers: dict[str, str]) -> None:
    cloud.sessions[RM] = Session(history=HISTORY, history_headers=headers)

    found = client(cloud).fetch_chat_history(RM)

    assert [(i.role, i.text) for i in found.transcript.items] == [
        ("system", "handoff to sales"),
        ("system", "configuration: toolsAdded book"),
        ("agent", "Hello!"),
        ("user", "Two\nlines"),
        ("tool", 'book: called: {"n":2}'),
        ("tool", "book: error: no"),
        ("system", "something_new"),
    ]
    hello = found.transcript.items[2]
    assert (hello.interrupted, hello.agent) == (True, "sales")
    assert hello.at == datetime(2026, 10, 29, 14, 30, 0, 500_000, timezone.utc)
    assert hello.latency == {"e2e_latency": 0.8}
    assert found.transcript.complete and found.shortcoming() is None
    assert "Secret" not in found.transcript.model_dump_json()


def test_the_signed_url_is_fetched_without_the_token(cloud: CloudServer) -> None:
    cloud.sessions[RM] = Session(history=HISTORY)

    client(cloud).fetch_chat_history(RM)

    ask, load = cloud.requests
    assert ask.query == {"fileType": "RECORDING_FILE_TYPE_CHAT_HISTORY"}
    assert load.query == {"X-Signature": SIGNATURE}
    assert "authorization" not in load.headers


def test_neither_token_nor_signature_is_logged_or_told(
    cloud: CloudServer, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.sessions[RM] = Session(history=HISTORY)
    cloud.sessions[OTHER] = Session(TALK)
    told = []

    with caplog.at_level(logging.DEBUG):
        transcripts = client(cloud)
        transcripts.fetch_chat_history(RM)
        with pytest.raises(UnexpectedAnswer) as gone:
            transcripts.fetch_chat_history(OTHER)
        cloud.next_answers = [cloud_server.hung_up] * 3
        with pytest.raises(Unavailable) as away:
            transcripts.fetch(OTHER)
        told = [str(gone.value), str(away.value), repr(transcripts)]

    logged = "\n".join(each.getMessage() for each in caplog.records)
    assert "urllib3" in {each.name.partition(".")[0] for each in caplog.records}  # it does log
    assert "attempt" in logged
    for secret in (SIGNATURE, TOKEN, "A table for two."):
        assert secret not in logged
        assert not any(secret in each for each in told)


@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"items": 3}', gzip.compress(b"nothing"), b""],
    ids=["array", "no-items", "no-json", "empty"],
)
def test_a_file_that_is_no_chat_history(cloud: CloudServer, body: bytes) -> None:
    cloud.sessions[RM] = Session(history=body)

    with pytest.raises(UnexpectedAnswer, match="chat history"):
        client(cloud).fetch_chat_history(RM)


def test_an_item_of_the_file_that_cannot_be_read_is_counted(cloud: CloudServer) -> None:
    hello = {"id": "1", "type": "message", "role": "user", "content": ["Hello"]}
    body = json.dumps({"items": [hello, "x", {**hello, "id": "2", "created_at": "never"}]})
    cloud.sessions[RM] = Session(history=body.encode())

    found = client(cloud).fetch_chat_history(RM)

    assert texts(found.transcript) == ["Hello"]
    assert (found.skipped, found.transcript.complete) == (2, False)


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://x/y", 7])
def test_only_a_url_of_the_web_is_followed(cloud: CloudServer, url: object) -> None:
    cloud.next_answers = [answer(200, {"url": url})]

    with pytest.raises(UnexpectedAnswer, match="no URL that can be fetched"):
        client(cloud).fetch_chat_history(RM)


# -- arguments


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"project": ""}, "--project"),
        ({"token": ""}, "the token is empty"),
        ({"token": "a b"}, "copy it again"),
        ({"token": "abc\r\nX-Evil: 1"}, "copy it again"),
        ({"base_url": "http://api.example.com"}, "in the clear"),
        ({"base_url": "api.example.com"}, "in the clear"),
        ({"api_version": "../v0"}, "--api-version"),
        ({"api_version": ""}, "--api-version"),
    ],
)
def test_a_wrong_argument_is_told_at_once(
    cloud: CloudServer, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        client(cloud, **changes)

    assert "Evil" not in str(caught.value)
    with pytest.raises(SettingsError):
        fetch_transcript("", RM, token=TOKEN)
