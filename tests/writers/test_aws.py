"""Clients are made once, and every error of AWS gets a verdict and a fix."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as aws
from hypothesis import given
from hypothesis import strategies as st

from livekit_plugins_analytics.errors import SettingsError, SinkError
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import writers_for
from livekit_plugins_analytics.writers.aws import Aws
from livekit_plugins_analytics.writers.cloudwatch import CloudWatchWriter
from livekit_plugins_analytics.writers.s3 import S3Writer
from livekit_plugins_analytics.writers.verdicts import answered, explained
from tests.servers import FaultServer, MotoServer

from .conftest import Enter
from .parcels import parcel


def settings() -> Settings:
    return Settings(s3_bucket="calls", log_group="/calls")


def failure_of(writer: S3Writer | CloudWatchWriter) -> SinkError:
    with pytest.raises(SinkError) as caught:
        writer.write(parcel())
    return caught.value


def test_importing_the_sinks_imports_no_sdk() -> None:
    program = (
        "import sys; from livekit_plugins_analytics.writers import writers_for;"
        "from livekit_plugins_analytics.settings import Settings;"
        "writers_for(Settings(s3_bucket='calls', log_group='calls', firehose_stream='calls'));"
        "print([m for m in ('boto3', 'botocore', 'watchtower') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["directory"]),
        ({"s3_bucket": "calls"}, ["s3"]),
        ({"log_group": "calls"}, ["cloudwatch"]),
        ({"firehose_stream": "calls"}, ["firehose"]),
        (
            {"firehose_stream": "calls", "s3_bucket": "calls", "sinks": "firehose"},
            ["firehose"],
        ),
        (
            {"s3_bucket": "calls", "log_group": "calls", "directory": Path("here")},
            ["directory", "s3", "cloudwatch"],
        ),
    ],
)
def test_there_is_a_sink_for_each_setting(changes: dict[str, Any], names: list[str]) -> None:
    assert [writer.name for writer in writers_for(Settings(**changes))] == names


@pytest.mark.parametrize(
    ("sink", "variable"),
    [(S3Writer, "ANALYTICS_S3_BUCKET"), (CloudWatchWriter, "ANALYTICS_LOG_GROUP")],
)
def test_a_sink_without_a_place_is_refused(sink: Any, variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        sink(Settings())


def test_threads_share_one_client_set_up_once(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    shared = Aws()
    clients: list[Any] = []
    setups: list[Any] = []
    barrier = threading.Barrier(8)

    def get() -> None:
        barrier.wait()
        clients.append(shared.client("logs", setup=setups.append))

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(client) for client in clients}) == 1
    assert len(setups) == 1


def test_prepared_sinks_share_the_session(faults: FaultServer, enter: Enter) -> None:
    enter(faults)
    writers = writers_for(settings())
    for writer in writers:
        writer.prepare()
        writer.prepare()

    assert faults.requests == []
    for writer in writers:
        writer.write(parcel())
    assert [r.operation for r in faults.requests] == [
        "PutObject",
        "PutLogEvents",
        "CreateLogStream",
        "PutLogEvents",
    ]


def test_requests_say_who_sends_them(faults: FaultServer, enter: Enter) -> None:
    enter(faults)

    S3Writer(settings()).write(parcel())

    agent = faults.requests[0].headers["user-agent"]
    assert agent.startswith("Boto3/")
    assert "livekit-plugins-analytics/" in agent
    assert len(agent.split()) == len(set(agent.split()))


def test_requests_name_the_application_that_is_set(
    faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "calls-of-acme")

    S3Writer(settings()).write(parcel())

    agent = faults.requests[0].headers["user-agent"]
    assert "app/calls-of-acme" in agent
    assert "livekit-plugins-analytics/" in agent


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-central-1"}, "eu-central-1"),
        ({"AWS_DEFAULT_REGION": "eu-central-1"}, "eu-central-1"),
        ({"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-west-2"}, "eu-central-1"),
        ({"AWS_REGION": " ", "AWS_DEFAULT_REGION": "us-west-2\n"}, "us-west-2"),
    ],
)
@pytest.mark.parametrize("sink", [S3Writer, CloudWatchWriter])
def test_the_region_is_read_from_the_environment(
    sink: Any,
    variables: dict[str, str],
    region: str,
    faults: FaultServer,
    enter: Enter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enter(faults)
    monkeypatch.delenv("AWS_REGION")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    sink(settings()).write(parcel())

    assert f"/{region}/" in faults.requests[0].headers["authorization"]


def test_the_region_may_be_the_profiles(
    faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    enter(faults)
    monkeypatch.delenv("AWS_REGION")
    (tmp_path / "config").write_text("[default]\nregion = ap-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    S3Writer(settings()).write(parcel())

    assert "/ap-south-1/" in faults.requests[0].headers["authorization"]


def test_a_store_of_another_maker_needs_no_region(
    faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    S3Writer(Settings(s3_bucket="calls", s3_endpoint_url=faults.endpoint_url)).write(parcel())

    assert list(faults.objects("calls"))


@pytest.mark.parametrize("sink", [S3Writer, CloudWatchWriter])
@pytest.mark.parametrize("region", ["", "eu central 1"])
def test_a_missing_region_is_named(
    sink: Any, region: str, faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.setenv("AWS_REGION", region)
    writer = sink(settings())

    for attempt in (writer.prepare, lambda: writer.write(parcel())):
        with pytest.raises(SinkError, match="AWS_REGION") as caught:
            attempt()
        assert (caught.value.code, caught.value.retryable) == ("NoRegion", False)
    assert faults.requests == []


@pytest.mark.parametrize("sink", [S3Writer, CloudWatchWriter])
def test_missing_credentials_are_named_and_found_once_they_are_there(
    sink: Any, faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    writer = sink(settings())

    failure = failure_of(writer)

    assert (failure.sink, failure.code, failure.retryable) == (writer.name, "NoCredentials", False)
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in failure.fix
    assert "LiveKit Cloud" in failure.fix

    enter(faults)
    writer.write(parcel())


def test_half_a_key_is_named(
    faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    failure = failure_of(S3Writer(settings()))

    assert (failure.code, failure.retryable) == ("PartialCredentials", False)
    assert "AWS_SECRET_ACCESS_KEY" in failure.fix


@pytest.mark.parametrize("sink", [S3Writer, CloudWatchWriter])
@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
def test_a_pasted_line_break_is_named(
    sink: Any, name: str, faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.setenv(name, "AKIAPASTED\nSECRET")

    failure = failure_of(sink(settings()))

    assert (failure.code, failure.retryable) == ("InvalidHeader", False)
    assert name in failure.fix
    assert "PASTED" not in str(failure)


def test_a_missing_profile_is_named(
    faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    failure = failure_of(S3Writer(settings()))

    assert (failure.code, failure.retryable) == ("ProfileNotFound", False)


def test_a_credential_process_that_fails_may_work_later(
    faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    enter(faults)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "config").write_text(
        f"[default]\ncredential_process = {sys.executable} -c exit(1)\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    failure = failure_of(S3Writer(settings()))

    assert (failure.code, failure.retryable) == ("CredentialRetrieval", True)


def test_what_is_prepared_has_the_credentials_of_its_role(
    moto: MotoServer, enter: Enter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    enter(moto)
    moto.create_bucket("calls-role")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    token = tmp_path / "token"
    token.write_text("of.the.pod")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/calls")
    early, late = (S3Writer(Settings(s3_bucket="calls-role")) for _ in range(2))
    early.prepare()
    early.rehearse()

    token.unlink()

    assert early.write(parcel()).startswith("s3://calls-role/")
    assert not failure_of(late).retryable


@pytest.mark.parametrize("sink", [S3Writer, CloudWatchWriter])
def test_after_an_expired_token_the_credentials_are_read_again(
    sink: Any, faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    enter(faults)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    file.write_text("[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = x\n")
    writer = sink(settings())
    faults.mode = "expired_token"
    assert "AWS_SESSION_TOKEN" in failure_of(writer).fix

    file.write_text("[default]\naws_access_key_id = AKIANEW\naws_secret_access_key = x\n")
    faults.mode = "ok"
    writer.write(parcel())

    keys = [r.headers["authorization"].split("=")[1].split("/")[0] for r in faults.requests]
    assert keys[0] == "AKIAOLD"
    assert set(keys[1:]) == {"AKIANEW"}


def test_a_server_without_tls_is_named(
    moto: MotoServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(moto)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint_url.replace("http:", "https:"))

    failure = failure_of(S3Writer(settings()))

    assert (failure.code, failure.retryable) == ("TLSFailed", True)
    assert "AWS_CA_BUNDLE" in failure.fix


def test_a_proxy_that_does_not_answer_is_named(
    faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.example.com")
    monkeypatch.setenv("HTTP_PROXY", faults.endpoint_url)
    monkeypatch.setenv("http_proxy", faults.endpoint_url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    faults.mode = "refused"

    failure = failure_of(S3Writer(settings()))

    assert (failure.code, failure.retryable) == ("ProxyFailed", True)
    assert "PROXY" in failure.fix


@pytest.mark.parametrize("sink", [S3Writer, CloudWatchWriter])
def test_a_wrong_endpoint_is_named(
    sink: Any, faults: FaultServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(faults)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://a b")

    failure = failure_of(sink(settings()))

    assert (failure.code, failure.retryable) == ("InvalidEndpoint", False)
    assert "AWS_ENDPOINT_URL" in failure.fix


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (aws.ReadTimeoutError(endpoint_url="https://x"), "Timeout", True),
        (aws.ConnectTimeoutError(endpoint_url="https://x"), "Timeout", True),
        (aws.HTTPClientError(error=OSError("broken")), "ConnectionClosed", True),
        (aws.HTTPClientError(error=ValueError("header")), "InvalidHeader", False),
        (aws.NoCredentialsError(), "NoCredentials", False),
        (aws.ParamValidationError(report="Key: too long"), "ParamValidationError", False),
        (ValueError("of something"), "ValueError", False),
        (aws.ClientError({}, "PutObject"), "HTTP0", False),
    ],
)
def test_an_exception_has_a_verdict(error: Exception, code: str, retryable: bool) -> None:
    failure = explained("s3", error)

    assert (failure.code, failure.retryable) == (code, retryable)


PUT = "PutObject"


@pytest.mark.parametrize(
    ("operation", "status", "code", "fix"),
    [
        (PUT, 403, "AccessDenied", "s3:PutObject on the bucket of ANALYTICS_S3_BUCKET"),
        (PUT, 403, "403", "s3:PutObject"),
        ("CreateSession", 403, "AccessDenied", "s3express:CreateSession"),
        ("AssumeRoleWithWebIdentity", 403, "AccessDenied", "sts:AssumeRoleWithWebIdentity"),
        ("PutLogEvents", 400, "AccessDeniedException", "logs:PutLogEvents on the log group of"),
        ("CreateLogStream", 400, "AccessDeniedException", "logs:CreateLogStream"),
        ("CreateLogStream", 400, "ResourceNotFoundException", "ANALYTICS_LOG_GROUP"),
        (PUT, 404, "NoSuchBucket", "ANALYTICS_S3_BUCKET"),
        (PUT, 400, "InvalidBucketName", "ANALYTICS_S3_BUCKET"),
        (PUT, 301, "PermanentRedirect", "AWS_REGION"),
        (PUT, 301, "301", "AWS_REGION"),
        (PUT, 400, "AuthorizationHeaderMalformed", "AWS_REGION"),
        (PUT, 400, "KMS.NotFoundException", "ANALYTICS_S3_KMS_KEY_ID"),
        (PUT, 400, "KMS.DisabledException", "ANALYTICS_S3_KMS_KEY_ID"),
        (PUT, 403, "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        ("PutLogEvents", 400, "InvalidSignatureException", "AWS_SECRET_ACCESS_KEY"),
        (PUT, 403, "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("PutLogEvents", 400, "UnrecognizedClientException", "AWS_ACCESS_KEY_ID"),
        (PUT, 400, "ExpiredToken", "AWS_SESSION_TOKEN"),
        ("PutLogEvents", 400, "ExpiredTokenException", "AWS_SESSION_TOKEN"),
        (PUT, 403, "RequestTimeTooSkewed", "clock"),
        (PUT, 501, "NotImplemented", "AWS_REQUEST_CHECKSUM_CALCULATION"),
        (PUT, 400, "SomethingNew", "ANALYTICS_S3_BUCKET"),
    ],
)
def test_a_permanent_answer_names_the_setting(
    operation: str, status: int, code: str, fix: str
) -> None:
    failure = answered("s3", operation, status, code)

    assert not failure.retryable
    assert fix in failure.fix


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SlowDown"),
        (503, "ServiceUnavailable"),
        (500, "InternalError"),
        (502, "502"),
        (599, "599"),
        (429, "429"),
        (400, "RequestTimeout"),
        (400, "BadDigest"),
        (400, "ThrottlingException"),
        (400, "ThrottledException"),
        (400, "KMS.ThrottlingException"),
        (500, "KMS.KMSInternalException"),
        (409, "OperationAborted"),
        (409, "ConditionalRequestConflict"),
        (307, "TemporaryRedirect"),
    ],
)
def test_what_passes_by_itself_is_tried_again(status: int, code: str) -> None:
    assert answered("s3", PUT, status, code).retryable


@given(st.integers(0, 999), st.one_of(st.none(), st.text(), st.text(min_size=81, max_size=90)))
def test_any_answer_has_a_verdict_that_quotes_no_more_than_a_code(
    status: int, code: str | None
) -> None:
    failure = answered("s3", PUT, status, code)

    assert len(failure.code) <= 84
    assert failure.code.isascii() and failure.code.isprintable() and " " not in failure.code
    assert "{" not in str(failure)


def test_an_answer_that_is_no_code_becomes_its_status() -> None:
    failure = answered("s3", PUT, 403, "<html>you are AKIA and your secret is x</html>")

    assert failure.code == "HTTP403"
    assert "AKIA" not in str(failure)
