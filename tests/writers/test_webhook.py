"""The webhook sink POSTs each record, signed, to a receiver that is who it should be."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from livekit_plugins_analytics.errors import SettingsError, SinkError
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers.address import is_public
from livekit_plugins_analytics.writers.webhook import READ_TIMEOUT, WebhookWriter
from tests.servers import Receiver, Reply

from .parcels import parcel

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
# A part of the URL that nobody may see.
KEY = "s3cr3t-k3y"
# A name that no DNS knows; `Resolve` says what it stands for.
HOST = "hooks.example.test"

Resolve = Callable[..., list[str]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on plain HTTP."""
    with Receiver() as server:
        yield server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of the tests' own."""
    return trustme.CA()


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Let `HOST` stand for addresses, one list after the other; returns what was asked for."""

    def resolved(*answers: list[str]) -> list[str]:
        asked: list[str] = []
        real = socket.getaddrinfo

        def lookup(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
            if host != HOST:
                return real(host, port, *rest, **named)
            asked.append(host)
            found = answers[min(len(asked), len(answers)) - 1]
            return [entry for each in found for entry in real(each, port, *rest, **named)]

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        return asked

    return resolved


def settings(url: str, **changes: Any) -> Settings:
    given = {"webhook_allow_http": True, "webhook_allow_private": True, **changes}
    return Settings(webhook_url=url, webhook_secret=SECRET, **given)


def plain(receiver: Receiver, path: str = "/calls") -> WebhookWriter:
    return WebhookWriter(settings(f"http://127.0.0.1:{receiver.port}{path}"))


def failure_of(writer: WebhookWriter, **changes: Any) -> SinkError:
    with pytest.raises(SinkError) as caught:
        writer.write(parcel(**changes))
    return caught.value


# -- what is sent


def test_the_record_arrives_signed(receiver: Receiver) -> None:
    record = {"session_id": "RM_a-AJ_b", "text": "Grüße, 世界 🎧"}
    sent = parcel(record, happened_at=1783123456.789)

    place = plain(receiver, f"/hooks/{KEY}?key={KEY}").write(sent)

    (request,) = receiver.requests
    assert request.path == f"/hooks/{KEY}?key={KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    # The specification's own library has the last word.
    assert Webhook(SECRET).verify(request.body, request.headers) == {
        "type": "session.recorded",
        "timestamp": "2026-07-04T00:04:16.789Z",
        "data": record,
    }
    assert place == "webhook:127.0.0.1"


def test_a_repetition_has_the_same_id_and_another_revision_has_not(receiver: Receiver) -> None:
    writer = plain(receiver)

    for changes in ({}, {}, {"revision": 2}, {"session_id": "other"}, {"session_id": "a.b.c"}):
        writer.write(parcel(**changes))

    first, second, *others = [each.headers["webhook-id"] for each in receiver.requests]
    assert first == second
    assert len({first, *others}) == 4
    assert not [each for each in others if "." in each]
    for each in receiver.requests:
        Webhook(SECRET).verify(each.body, each.headers)


def test_a_secret_may_come_without_padding(receiver: Receiver) -> None:
    secret = SECRET.rstrip("=")
    assert secret != SECRET
    url = f"http://127.0.0.1:{receiver.port}/"
    given = Settings(
        webhook_url=url,
        webhook_secret=secret,
        webhook_allow_http=True,
        webhook_allow_private=True,
    )

    WebhookWriter(given).write(parcel())

    (request,) = receiver.requests
    Webhook(SECRET).verify(request.body, request.headers)


def test_a_probe_is_an_event_of_its_own(receiver: Receiver) -> None:
    plain(receiver).write(parcel({"probe": "doctor"}, probe=True))

    (request,) = receiver.requests
    sent = Webhook(SECRET).verify(request.body, request.headers)
    assert (sent["type"], sent["data"]) == ("session.probe", {"probe": "doctor"})


def test_a_large_record_arrives_whole(receiver: Receiver) -> None:
    record = {"text": "x" * 5_000_000}

    plain(receiver).write(parcel(record))

    (request,) = receiver.requests
    assert Webhook(SECRET).verify(request.body, request.headers)["data"] == record


@pytest.mark.parametrize("happened_at", [float("nan"), 1e30])
def test_a_time_that_is_none_sends_the_record(receiver: Receiver, happened_at: float) -> None:
    plain(receiver).write(parcel(happened_at=happened_at))

    assert json.loads(receiver.requests[0].body)["timestamp"] == "1970-01-01T00:00:00.000Z"


def test_a_body_that_is_no_record_is_never_sent(receiver: Receiver) -> None:
    failure = failure_of(plain(receiver), body=b"\x1f\x8bnone")

    assert (failure.code, failure.final) == ("InvalidRecord", True)
    assert receiver.requests == []


def test_a_sink_without_a_url_is_refused() -> None:
    with pytest.raises(SettingsError, match="ANALYTICS_WEBHOOK_URL"):
        WebhookWriter(Settings())


# -- what the receiver answers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_confirms(receiver: Receiver, status: int) -> None:
    receiver.replies.append(Reply(status))

    assert plain(receiver).write(parcel()) == "webhook:127.0.0.1"


@pytest.mark.parametrize(
    ("status", "retryable", "of_record", "fix"),
    [
        (301, False, False, "Redirects are not followed"),
        (307, False, False, "Redirects are not followed"),
        (400, False, True, "receiver's log"),
        (401, False, False, "ANALYTICS_WEBHOOK_SECRET"),
        (403, False, False, "ANALYTICS_WEBHOOK_SECRET"),
        (404, False, False, "check the path"),
        (408, True, False, ""),
        (410, False, False, "gone for good"),
        (413, False, True, "raise its limit"),
        (418, False, False, "receiver's log"),
        (425, True, False, ""),
        (429, True, False, ""),
        (500, True, False, ""),
        (502, True, False, ""),
        (503, True, False, ""),
    ],
)
def test_any_other_answer_says_what_to_do(
    receiver: Receiver, status: int, retryable: bool, of_record: bool, fix: str
) -> None:
    receiver.replies.append(Reply(status, {"Location": f"https://elsewhere.example/{KEY}"}))

    failure = failure_of(plain(receiver))

    assert (failure.sink, failure.code) == ("webhook", f"HTTP{status}")
    assert (failure.retryable, failure.of_record, failure.final) == (retryable, of_record, False)
    assert fix in failure.fix
    assert KEY not in str(failure)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("dated", [False, True], ids=["seconds", "date"])
def test_a_receiver_that_asks_for_time_is_left_alone(
    receiver: Receiver, status: int, dated: bool
) -> None:
    later = format_datetime(datetime.now(timezone.utc) + timedelta(minutes=1), usegmt=True)
    receiver.replies.append(Reply(status, {"Retry-After": later if dated else "60"}))
    writer = plain(receiver)
    failure_of(writer)

    failure = failure_of(writer, session_id="another")

    assert (failure.code, failure.retryable) == ("RetryAfter", True)
    assert len(receiver.requests) == 1


def test_after_the_time_that_it_asked_for_it_is_tried_again(receiver: Receiver) -> None:
    receiver.replies.append(Reply(429, {"Retry-After": "0.2"}))
    writer = plain(receiver)
    failure_of(writer)
    end = time.monotonic() + 10
    while len(receiver.requests) < 2 and time.monotonic() < end:
        try:
            writer.write(parcel())
        except SinkError as error:
            assert error.code == "RetryAfter"

    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.mark.parametrize("value", ["soon", "-5", "nan", "Mon, 32 Foo 2026", ""])
def test_a_wait_that_cannot_be_read_is_none(receiver: Receiver, value: str) -> None:
    receiver.replies.append(Reply(429, {"Retry-After": value}))
    writer = plain(receiver)
    failure_of(writer)

    writer.write(parcel())

    assert len(receiver.requests) == 2


def test_an_answer_before_the_end_of_the_request_counts(receiver: Receiver) -> None:
    receiver.replies.append(Reply(413, reads=False))

    failure = failure_of(plain(receiver), record={"text": "x" * 20_000_000})

    # Whether it is read before the connection breaks is the system's choice.
    assert failure.code in ("HTTP413", "ConnectionClosed")


# -- what comes in between


def test_a_receiver_that_says_nothing_costs_one_timeout(receiver: Receiver) -> None:
    receiver.silent.set()

    began = time.monotonic()
    failure = failure_of(plain(receiver))

    assert (failure.code, failure.retryable) == ("Timeout", True)
    assert time.monotonic() - began < READ_TIMEOUT + 3


def test_a_connection_that_breaks_is_told(receiver: Receiver) -> None:
    receiver.replies.append(None)

    failure = failure_of(plain(receiver))

    assert (failure.code, failure.retryable) == ("ConnectionClosed", True)


def test_where_nobody_listens_it_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        writer = WebhookWriter(settings(f"http://127.0.0.1:{taken.getsockname()[1]}/{KEY}"))

        failure = failure_of(writer)

    assert (failure.code, failure.retryable) == ("ConnectionFailed", True)
    assert KEY not in str(failure)


def test_a_name_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    failure = failure_of(WebhookWriter(settings(f"https://{HOST}/{KEY}")))

    assert (failure.code, failure.retryable) == ("NameNotResolved", True)


def test_the_next_address_is_tried(receiver: Receiver, resolve: Resolve) -> None:
    resolve(["127.0.0.2", "127.0.0.1"])  # nobody listens at the first

    WebhookWriter(settings(f"http://{HOST}:{receiver.port}/")).write(parcel())

    assert receiver.requests[0].headers["host"] == f"{HOST}:{receiver.port}"


def test_a_proxy_of_the_environment_is_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    plain(receiver).write(parcel())

    assert len(receiver.requests) == 1


def test_no_log_has_a_url_or_a_secret(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    writer = plain(receiver, f"/{KEY}?{KEY}")
    receiver.replies.extend([Reply(500), None])
    for _ in range(2):
        failure = failure_of(writer)
        assert KEY not in str(failure) and KEY not in repr(failure)
    writer.write(parcel())

    assert KEY not in caplog.text and SECRET not in caplog.text


# -- who may be sent to

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds hand out credentials
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str, resolve: Resolve) -> None:
    resolve([address])
    writer = WebhookWriter(settings(f"https://{HOST}/{KEY}", webhook_allow_private=False))

    failure = failure_of(writer)

    assert (failure.code, failure.retryable) == ("PrivateAddress", False)
    assert "ANALYTICS_WEBHOOK_ALLOW_PRIVATE" in failure.fix


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
def test_a_name_for_this_machine_is_refused(receiver: Receiver, host: str) -> None:
    url = f"http://{host}:{receiver.port}/"

    failure = failure_of(WebhookWriter(settings(url, webhook_allow_private=False)))

    assert failure.code == "PrivateAddress"
    assert receiver.requests == []


def test_one_address_that_is_not_public_is_enough(receiver: Receiver, resolve: Resolve) -> None:
    resolve(["93.184.216.34", "127.0.0.1"])
    url = f"http://{HOST}:{receiver.port}/"

    failure = failure_of(WebhookWriter(settings(url, webhook_allow_private=False)))

    assert failure.code == "PrivateAddress"
    assert receiver.requests == []


def test_the_address_that_was_checked_is_the_one_connected_to(
    receiver: Receiver, resolve: Resolve
) -> None:
    # A name that changes between the check and the connection (DNS rebinding).
    asked = resolve(["127.0.0.1"], ["127.0.0.9"])

    WebhookWriter(settings(f"http://{HOST}:{receiver.port}/")).write(parcel())

    assert asked == [HOST]
    assert len(receiver.requests) == 1


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_means_the_same_in_ipv6(address: Any) -> None:
    public = is_public(str(address))

    assert is_public(f"::ffff:{address}") is public
    assert is_public(f"64:ff9b::{address}") is public


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::6810:85e5", "64:ff9b::5db8:d822"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


# -- TLS


def server_side(authority: trustme.CA, host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the tests' authority the way that people do."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def test_tls_is_verified_for_the_name_and_not_for_the_address(
    authority: trustme.CA, trusted: None, resolve: Resolve
) -> None:
    resolve(["127.0.0.1"])
    with Receiver(server_side(authority, HOST)) as receiver:
        writer = WebhookWriter(settings(f"https://{HOST}:{receiver.port}/{KEY}"))
        writer.prepare()
        writer.write(parcel())

        (request,) = receiver.requests
        assert request.headers["host"] == f"{HOST}:{receiver.port}"


@pytest.mark.parametrize("certified", ["other.example.test", "127.0.0.1"])
def test_a_certificate_of_another_name_is_refused(
    certified: str, authority: trustme.CA, trusted: None, resolve: Resolve
) -> None:
    resolve(["127.0.0.1"])
    with Receiver(server_side(authority, certified)) as receiver:
        failure = failure_of(WebhookWriter(settings(f"https://{HOST}:{receiver.port}/")))

        assert (failure.code, failure.retryable) == ("CertificateInvalid", False)
        assert "SSL_CERT_FILE" in failure.fix
        assert receiver.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(
    authority: trustme.CA, resolve: Resolve
) -> None:
    resolve(["127.0.0.1"])
    with Receiver(server_side(authority, HOST)) as receiver:
        failure = failure_of(WebhookWriter(settings(f"https://{HOST}:{receiver.port}/")))

        assert failure.code == "CertificateInvalid"
        assert receiver.requests == []


def test_a_server_without_tls_is_told(receiver: Receiver, resolve: Resolve) -> None:
    resolve(["127.0.0.1"])

    failure = failure_of(WebhookWriter(settings(f"https://{HOST}:{receiver.port}/")))

    assert (failure.code, failure.retryable) == ("TLSFailed", True)
    assert receiver.requests == []


def test_the_body_is_the_objects_line(receiver: Receiver) -> None:
    sent = parcel({"a": 1.50, "b": [None, True]})

    plain(receiver).write(sent)

    line = gzip.decompress(sent.body).rstrip(b"\n")
    assert receiver.requests[0].body.endswith(b',"data":' + line + b"}")
