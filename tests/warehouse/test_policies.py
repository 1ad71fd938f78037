"""Policies: linted by what AWS publishes, and enforced by an account that refuses the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.warehouse.policies import (
    Account,
    Policy,
    PolicyError,
    athena_policy,
    reader_policy,
    snowflake_policy,
    snowflake_trust,
    writer_policy,
)
from livekit_plugins_analytics.writers.cloudwatch import CloudWatchWriter
from livekit_plugins_analytics.writers.s3 import CHECKPOINTS, S3Writer
from tests.writers.parcels import parcel

from .guarded import ACCOUNT, Credentials, GuardedAccount
from .guarded import guarded as guarded
from .guarded import no_account as no_account
from .linting import policy_complaints, trust_complaints

WHERE = Account("111122223333", "eu-central-1")
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY_ARN = f"arn:aws:kms:eu-west-1:444455556666:key/{KEY}"
USER = "arn:aws:iam::999988887777:user/abc1-b-self1234"
EXTERNAL = "ACME_SFCRole=2_abcdef/Gh+1="
SNOWFLAKE_TRUST = snowflake_trust(USER, EXTERNAL)

POLICIES: dict[str, Policy] = {
    "writer": writer_policy("acme-calls", WHERE, log_group="/voice/calls"),
    "writer to all": writer_policy(
        "acme-calls",
        WHERE,
        prefix="eu/sessions/",
        beside_it=["analytics-probes/", "checkpoints/", "transcripts/"],
        log_group="/voice/calls",
        kms_key=KEY,
        firehose="calls",
    ),
    "writer of logs": writer_policy(None, WHERE, log_group="/voice/calls"),
    "writer with another account's key": writer_policy("acme-calls", WHERE, kms_key=KEY_ARN),
    "writer with an alias": writer_policy("acme-calls", WHERE, kms_key="alias/calls"),
    "reader": reader_policy("acme-calls", Account()),
    "reader of two": reader_policy(
        "acme-calls", WHERE, prefixes=["sessions/", "lake/"], kms_key=KEY
    ),
    "athena": athena_policy("acme-calls", WHERE, results="s3://acme-answers/athena/"),
    "athena to a whole bucket": athena_policy("acme-calls", WHERE, results="s3://acme-answers"),
    "snowflake": snowflake_policy("acme-calls", WHERE, kms_key=KEY),
    "china": writer_policy(
        "acme-calls",
        Account("111122223333", "cn-north-1", "aws-cn"),
        log_group="/calls",
        kms_key=KEY,
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_has_no_fault(name: str) -> None:
    assert policy_complaints(POLICIES[name]) == []


def test_a_trust_policy_has_no_fault() -> None:
    assert trust_complaints(SNOWFLAKE_TRUST) == []


@pytest.mark.parametrize(
    ("action", "resource", "fault"),
    [
        ("s3:PutObjectt", "arn:aws:s3:::b/*", "W3037"),
        ("s3:ListBucket", "arn:aws:s3:::b/*", "never looks at"),
        ("s3:PutObject", "arn:aws:s3:::b", "never looks at"),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:111122223333:log-groups:/a:*", "I3510"),
    ],
)
def test_the_linter_sees_what_is_wrong(action: str, resource: str, fault: str) -> None:
    wrong = {"Sid": "Wrong", "Effect": "Allow", "Action": action, "Resource": resource}

    found = policy_complaints({"Version": "2012-10-17", "Statement": [wrong]})

    assert any(fault in each for each in found), found


def test_each_key_is_used_through_s3_of_its_region_only() -> None:
    (_, own) = POLICIES["writer with another account's key"]["Statement"]
    (_, alias) = POLICIES["writer with an alias"]["Statement"]
    china = POLICIES["china"]["Statement"][1]

    assert own["Resource"] == KEY_ARN
    assert own["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    assert alias["Resource"] == "arn:aws:kms:eu-central-1:111122223333:key/*"
    assert alias["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": "alias/calls"}
    assert china["Condition"]["StringEquals"] == {
        "kms:ViaService": "s3.cn-north-1.amazonaws.com.cn"
    }


def test_an_access_point_has_its_objects_below_object() -> None:
    point = "arn:aws:s3:eu-central-1:111122223333:accesspoint/calls"

    (statement,) = writer_policy(point, WHERE, beside_it=[])["Statement"]

    assert statement["Resource"] == f"{point}/object/sessions/*"


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: writer_policy("b", Account(), log_group="/g"), "--account"),
        (lambda: writer_policy("b", Account("1234", "eu-west-1"), log_group="/g"), "12 digits"),
        (lambda: writer_policy("b", Account("111122223333"), log_group="/g"), "--region"),
        (lambda: writer_policy("b", WHERE, kms_key="a key"), "--kms-key"),
        (lambda: writer_policy(None, WHERE), "--bucket"),
        (lambda: athena_policy("b", WHERE, results="/tmp"), "--results"),
        (lambda: snowflake_trust("abc", EXTERNAL), "DESC INTEGRATION"),
        (lambda: snowflake_trust(USER, '"*"'), "DESC INTEGRATION"),
    ],
)
def test_what_is_lacking_is_named(make: Callable[[], Policy], fix: str) -> None:
    with pytest.raises(PolicyError, match=fix):
        make()


@pytest.fixture
def bucket(guarded: GuardedAccount) -> str:
    """A bucket with a record in it."""
    name = f"policies-{uuid4().hex[:8]}"
    guarded.client("s3").create_bucket(Bucket=name)
    guarded.client("s3").put_object(Bucket=name, Key="sessions/a.json.gz", Body=b"{}")
    return name


def refusal(call: Callable[[], Any]) -> str:
    """The code of the answer to what must be refused."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_a_writer_writes_its_own_places_and_nothing_else(
    guarded: GuardedAccount, bucket: str
) -> None:
    other = f"{bucket}-other"
    guarded.client("s3").create_bucket(Bucket=other)
    s3 = guarded.client("s3", guarded.user(writer_policy(bucket, Account())))

    s3.put_object(Bucket=bucket, Key="sessions/year=2026/b.json.gz", Body=b"{}")
    s3.put_object(Bucket=bucket, Key="analytics-probes/c.json.gz", Body=b"{}")

    for name, call in {
        "other prefix": lambda: s3.put_object(Bucket=bucket, Key="lake/a", Body=b""),
        "checkpoints": lambda: s3.put_object(Bucket=bucket, Key="checkpoints/a", Body=b""),
        "beginning of the prefix": lambda: s3.put_object(Bucket=bucket, Key="sessions", Body=b""),
        "other bucket": lambda: s3.put_object(Bucket=other, Key="sessions/a", Body=b""),
        "get": lambda: s3.get_object(Bucket=bucket, Key="sessions/a.json.gz"),
        "delete": lambda: s3.delete_object(Bucket=bucket, Key="sessions/a.json.gz"),
        "list": lambda: s3.list_objects_v2(Bucket=bucket, Prefix="sessions/"),
    }.items():
        assert refusal(call) == "AccessDenied", name


def test_our_own_writers_need_no_more_than_a_writer_has(
    guarded: GuardedAccount, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = f"/{bucket}"
    guarded.client("logs").create_log_group(logGroupName=group)
    policy = writer_policy(
        bucket,
        Account(ACCOUNT, "us-east-1"),
        beside_it=["analytics-probes/", "checkpoints/"],
        log_group=group,
    )
    # moto refuses all ARNs of log groups: it asks for "*".
    for statement in policy["Statement"]:
        if statement["Sid"] == "PutEvents":
            statement["Resource"] = "*"
    credentials = guarded.user(policy)
    for name, value in guarded.environment(credentials).items():
        monkeypatch.setenv(name, value)
    settings = Settings(s3_bucket=bucket, log_group=group)

    for writer in (
        S3Writer(settings),
        S3Writer(settings, folder=CHECKPOINTS),
        CloudWatchWriter(settings),
    ):
        writer.write(parcel())
        writer.write(parcel(probe=True))

    found = guarded.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert {each["Key"].partition("/")[0] for each in found} == {
        "sessions",
        "analytics-probes",
        "checkpoints",
    }
    assert guarded.client("logs").filter_log_events(logGroupName=group)["events"]


def test_a_reader_lists_and_reads_and_nothing_else(guarded: GuardedAccount, bucket: str) -> None:
    guarded.client("s3").put_object(Bucket=bucket, Key="transcripts/a", Body=b"{}")
    s3 = guarded.client("s3", guarded.user(reader_policy(bucket, Account())))

    (listed,) = s3.list_objects_v2(Bucket=bucket, Prefix="sessions/")["Contents"]
    assert s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read() == b"{}"

    for name, call in {
        "other prefix": lambda: s3.get_object(Bucket=bucket, Key="transcripts/a"),
        "put": lambda: s3.put_object(Bucket=bucket, Key="sessions/b", Body=b""),
        "delete": lambda: s3.delete_object(Bucket=bucket, Key="sessions/a.json.gz"),
    }.items():
        assert refusal(call) == "AccessDenied", name


def test_a_reader_lists_its_prefixes_only() -> None:
    """Not by moto, which evaluates no condition for S3."""
    listing, place, _ = reader_policy("b", Account(), prefixes=["sessions/", "lake/"])["Statement"]

    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["sessions/*", "lake/*"]}}
    assert place["Action"] == "s3:GetBucketLocation" and "Condition" not in place


def _assumed(
    guarded: GuardedAccount, caller: Credentials, role: str, **external: str
) -> Credentials:
    answer = guarded.client("sts", caller).assume_role(
        RoleArn=role, RoleSessionName="snowflake", **external
    )["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


def test_snowflake_comes_in_with_its_external_id_only_and_reads(
    guarded: GuardedAccount, bucket: str
) -> None:
    iam = guarded.client("iam")
    everywhere = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    caller = guarded.user({"Version": "2012-10-17", "Statement": [everywhere]})
    user = guarded.client("sts", caller).get_caller_identity()["Arn"]
    role = iam.create_role(
        RoleName=bucket,
        AssumeRolePolicyDocument=json.dumps(snowflake_trust(user, EXTERNAL)),
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=bucket,
        PolicyName="load",
        PolicyDocument=json.dumps(snowflake_policy(bucket, Account())),
    )

    other = guarded.user({"Version": "2012-10-17", "Statement": [everywhere]})
    assert refusal(lambda: _assumed(guarded, other, role, ExternalId=EXTERNAL)) == "AccessDenied"
    # moto takes a condition on what a request does not say at all as fulfilled; AWS does not.
    assert refusal(lambda: _assumed(guarded, caller, role, ExternalId="0000")) == "AccessDenied"
    s3 = guarded.client("s3", _assumed(guarded, caller, role, ExternalId=EXTERNAL))

    assert s3.list_objects_v2(Bucket=bucket, Prefix="sessions/")["KeyCount"] == 1
    assert s3.get_object(Bucket=bucket, Key="sessions/a.json.gz")["Body"].read() == b"{}"
    assert refusal(lambda: s3.put_object(Bucket=bucket, Key="sessions/b", Body=b"")) == (
        "AccessDenied"
    )
