"""The S3 sink stores each record under its key, or says what is wrong."""

from __future__ import annotations

import base64
import gzip
import logging
import os
import threading
import time
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.errors import SettingsError, SinkError
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import s3_uri
from livekit_plugins_analytics.writers.s3 import EXPECT_BYTES, S3Writer
from tests.servers import FaultServer, Mode, MotoServer, VersityGateway

from .conftest import Enter
from .parcels import NAME, parcel

KEY = f"sessions/{NAME}"


def settings() -> Settings:
    return Settings(s3_bucket="calls")


def failure_of(writer: S3Writer) -> SinkError:
    with pytest.raises(SinkError) as caught:
        writer.write(parcel())
    return caught.value


def test_stores_the_body_as_it_is(moto: MotoServer, enter: Enter) -> None:
    enter(moto)
    moto.create_bucket("calls-plain")
    writer = S3Writer(Settings(s3_bucket="calls-plain"))
    sent = parcel({"text": "Grüße, 世界 🎧"})

    assert writer.write(sent) == f"s3://calls-plain/{KEY}"

    answer = moto.s3().get_object(Bucket="calls-plain", Key=KEY)
    assert answer["Body"].read() == sent.body
    assert answer["ContentType"] == "application/gzip"
    assert "ContentEncoding" not in answer


def test_a_store_that_checks_signatures_and_checksums_takes_it(
    versity: VersityGateway, enter: Enter
) -> None:
    enter(versity)
    versity.create_bucket("calls-checked")
    writer = S3Writer(Settings(s3_bucket="calls-checked", s3_endpoint_url=versity.endpoint_url))
    sent = parcel({"text": "é" * 400_000})

    writer.write(sent)
    writer.write(sent)

    assert versity.objects("calls-checked") == {KEY: sent.body}


def test_a_wrong_secret_is_named(
    versity: VersityGateway, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(versity)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")

    failure = failure_of(S3Writer(settings()))

    assert (failure.code, failure.retryable) == ("SignatureDoesNotMatch", False)
    assert "AWS_SECRET_ACCESS_KEY" in failure.fix
    assert "not-the-secret" not in str(failure)


def test_an_unknown_key_is_named(
    versity: VersityGateway, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(versity)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY")

    failure = failure_of(S3Writer(settings()))

    # A code of its own, and so a fix for whatever it may be.
    assert (failure.code, failure.retryable) == ("XAdminUserNotFound", False)
    assert "AWS_ACCESS_KEY_ID" in failure.fix
    assert "AKIANOBODY" not in str(failure)


@pytest.mark.parametrize("server", ["moto", "versity"])
def test_a_missing_bucket_is_named(
    server: str, request: pytest.FixtureRequest, enter: Enter
) -> None:
    enter(request.getfixturevalue(server))

    failure = failure_of(S3Writer(Settings(s3_bucket="nobodys-bucket")))

    assert (failure.code, failure.retryable) == ("NoSuchBucket", False)
    assert "ANALYTICS_S3_BUCKET" in failure.fix


def test_a_kms_key_encrypts_with_a_bucket_key(faults: FaultServer, enter: Enter) -> None:
    enter(faults)

    S3Writer(Settings(s3_bucket="calls", s3_kms_key_id="alias/calls")).write(parcel())

    headers = faults.requests[0].headers
    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/calls"
    assert headers["x-amz-server-side-encryption-bucket-key-enabled"].lower() == "true"


def test_without_a_kms_key_the_bucket_decides(faults: FaultServer, enter: Enter) -> None:
    enter(faults)

    S3Writer(settings()).write(parcel())

    assert not [h for h in faults.requests[0].headers if "encryption" in h]


def test_the_body_carries_its_checksum(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    sent = parcel()

    S3Writer(settings()).write(sent)

    checksum = base64.b64encode(zlib.crc32(sent.body).to_bytes(4, "big")).decode()
    assert faults.requests[0].headers["x-amz-checksum-crc32"] == checksum


def test_only_a_large_body_waits_until_the_headers_are_taken(
    faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    writer = S3Writer(settings())

    writer.write(parcel())
    writer.write(replace(parcel(), body=b"x" * (EXPECT_BYTES - 1)))
    writer.write(replace(parcel(), body=b"x" * EXPECT_BYTES))

    assert [r.headers.get("expect") for r in faults.requests] == [None, None, "100-continue"]
    assert all(r.stored for r in faults.requests)


def test_a_store_without_checksums_can_be_served(
    faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")

    S3Writer(settings()).write(parcel())

    assert not [h for h in faults.requests[0].headers if "checksum" in h]


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "setting"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_endpoint_of_another_maker_gets_the_bucket_in_the_path(
    variable: str, host: str, faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    url = faults.endpoint_url.replace("127.0.0.1", host)
    if variable == "setting":
        writer = S3Writer(Settings(s3_bucket="calls", s3_endpoint_url=url))
    else:
        monkeypatch.setenv(variable, url)
        writer = S3Writer(settings())

    writer.write(parcel())

    assert list(faults.objects("calls")) == [KEY]
    assert faults.requests[0].headers["host"].startswith(f"{host}:")


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("sessions/", "analytics-probes/"),
        ("prod/sessions/", "prod/analytics-probes/"),
        ("", "analytics-probes/"),
    ],
)
def test_a_probe_goes_beside_the_records(
    prefix: str, key: str, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    where = Settings(s3_bucket="calls", s3_prefix=prefix)

    place = S3Writer(where).write(parcel(probe=True))

    assert place == f"s3://calls/{key}{NAME}"
    assert list(faults.objects("calls")) == [key + NAME]


def test_the_uri_is_where_the_record_goes(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    where = Settings(s3_bucket="calls", s3_prefix="a/b")

    assert s3_uri(where, NAME) == S3Writer(where).write(parcel())


def test_without_a_bucket_there_is_no_uri() -> None:
    with pytest.raises(SettingsError, match="ANALYTICS_S3_BUCKET"):
        s3_uri(Settings(), NAME)


@given(st.from_regex(r"[a-zA-Z0-9_.=-]{1,20}(/[a-zA-Z0-9_.=-]{1,20}){0,3}/?", fullmatch=True))
def test_whatever_the_prefix_no_probe_lands_among_the_records(prefix: str) -> None:
    where = Settings(s3_bucket="calls", s3_prefix=prefix)
    record = s3_uri(where, NAME)

    assert record == f"s3://calls/{prefix.rstrip('/')}/{NAME}"


FAULTS: list[tuple[Mode, str, bool, str]] = [
    ("refused", "ConnectionFailed", True, "ANALYTICS_S3_ENDPOINT_URL"),
    ("hang", "Timeout", True, ""),
    ("reset", "ConnectionClosed", True, ""),
    ("lost_answer", "ConnectionClosed", True, ""),
    ("503", "ServiceUnavailable", True, ""),
    ("throttle", "SlowDown", True, ""),
    ("access_denied", "AccessDenied", False, "s3:PutObject on the bucket of ANALYTICS_S3_BUCKET"),
    ("missing", "NoSuchBucket", False, "ANALYTICS_S3_BUCKET"),
    ("expired_token", "ExpiredToken", False, "AWS_SESSION_TOKEN"),
]


@pytest.mark.parametrize(("mode", "code", "retryable", "fix"), FAULTS)
def test_a_fault_is_told_at_once_and_passes(
    mode: Mode,
    code: str,
    retryable: bool,
    fix: str,
    faults: FaultServer,
    enter: Enter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    enter(faults)
    writer = S3Writer(settings())
    writer.write(parcel(name="before"))
    faults.mode = mode

    began = time.monotonic()
    failure = failure_of(writer)
    took = time.monotonic() - began

    assert (failure.sink, failure.code, failure.retryable) == ("s3", code, retryable)
    assert fix in failure.fix
    assert took < 6
    assert len(faults.requests) == (1 if mode == "refused" else 2)
    for text in (str(failure), caplog.text):
        assert faults.secret_key not in text
        assert faults.access_key not in text
    faults.mode = "ok"
    assert writer.write(parcel()) == f"s3://calls/{KEY}"
    assert faults.objects("calls")[KEY] == parcel().body


def test_a_slow_answer_is_an_answer(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    faults.mode = "slow"
    faults.delay = 0.3

    S3Writer(settings()).write(parcel())

    assert list(faults.objects("calls")) == [KEY]


def test_one_request_that_hangs_holds_up_no_other(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    writer = S3Writer(settings())
    writer.prepare()
    faults.plan("s3", "hang")
    places: list[str] = []
    hanging = threading.Thread(target=lambda: places.append(writer.write(parcel(name="first"))))
    hanging.start()
    faults.wait_for_requests(1)

    writer.write(parcel(name="second"))

    assert list(faults.objects("calls")) == ["sessions/second"]
    faults.release()
    hanging.join()
    assert places == ["s3://calls/sessions/first"]


def test_parallel_writes_all_arrive(moto: MotoServer, enter: Enter) -> None:
    enter(moto)
    moto.create_bucket("calls-parallel")
    writer = S3Writer(Settings(s3_bucket="calls-parallel"))
    bodies = {f"{n}.json.gz": gzip.compress(os.urandom(10_000), mtime=0) for n in range(8)}
    threads = [
        threading.Thread(target=writer.write, args=(parcel(name=name, body=body),))
        for name, body in bodies.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert moto.objects("calls-parallel") == {f"sessions/{n}": b for n, b in bodies.items()}
