"""The CloudFormation template: linted, deployed, and what it makes is used."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.warehouse.glue import create_table
from livekit_plugins_analytics.warehouse.hive import years
from livekit_plugins_analytics.warehouse.infrastructure import cloudformation
from livekit_plugins_analytics.warehouse.names import Location
from livekit_plugins_analytics.warehouse.policies import (
    Account,
    reader_policy,
    snowflake_policy,
    snowflake_trust,
    writer_policy,
)
from livekit_plugins_analytics.writers.cloudwatch import CloudWatchWriter
from livekit_plugins_analytics.writers.s3 import CHECKPOINTS, S3Writer
from tests.servers import MotoServer
from tests.servers.endpoint import REGION
from tests.writers.parcels import NAME, parcel

from .guarded import ACCOUNT, GuardedAccount
from .guarded import guarded as guarded
from .guarded import no_account as no_account
from .linting import template_complaints

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
USER = "arn:aws:iam::999988887777:user/abc1-b-self1234"
EVERYTHING = {
    "BucketName": "acme-calls",
    "KmsKeyArn": KEY,
    "LogGroupName": "/voice/calls",
    "CreateUser": "true",
    "RoleTrustsArn": "arn:aws:iam::123456789012:role/agents",
    "CreateFirehose": "true",
    "SnowflakeUserArn": USER,
    "SnowflakeExternalId": "ACME_1",
}


class Stack:
    """What CloudFormation makes of a template, as far as this one needs it."""

    def __init__(self, template: dict[str, Any], **parameters: str) -> None:
        self.template = template
        self._values: dict[str, Any] = {
            name: each["Default"] for name, each in template["Parameters"].items()
        }
        self._values |= {
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": "calls",
            "Records": parameters.get("BucketName", "made-by-the-stack"),
            "Events": parameters.get("LogGroupName", "/livekit/calls"),
            "Database": "livekit_analytics",
            **parameters,
        }

    def properties(self, name: str) -> Any:
        """A resource's properties."""
        return self.resolved(self.template["Resources"][name]["Properties"])

    def resolved(self, value: Any) -> Any:
        """A value without functions."""
        if isinstance(value, list):
            found = [self.resolved(each) for each in value]
            return [each for each in found if each is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return None if argument == "AWS::NoValue" else self._values[argument]
            if function == "Fn::Sub":
                text = re.sub(r"\$\{([\w:]+)\}", lambda at: str(self._values[at[1]]), argument)
                return text.replace("${!", "${")
            if function == "Fn::If":
                condition = self.template["Conditions"][argument[0]]
                return self.resolved(argument[1 if self._holds(condition) else 2])
            if function == "Fn::GetAtt":
                return f"arn:aws:s3:::{self._values.get(argument[0], argument[0])}"
        members = {name: self.resolved(each) for name, each in value.items()}
        return {name: each for name, each in members.items() if each is not None}

    def without_absentees(self, value: Any = None) -> Any:
        """The template for moto, which leaves a null in a list where AWS::NoValue stands."""
        value = self.template if value is None else value
        if isinstance(value, dict):
            return {name: self.without_absentees(each) for name, each in value.items()}
        if not isinstance(value, list):
            return value
        kept = []
        for each in value:
            if isinstance(each, dict) and each.get("Fn::If", [0, 0, 0])[2] == {
                "Ref": "AWS::NoValue"
            }:
                condition, yes, _ = each["Fn::If"]
                if not self._holds(self.template["Conditions"][condition]):
                    continue
                each = yes
            kept.append(self.without_absentees(each))
        return kept

    def _holds(self, condition: dict[str, Any]) -> bool:
        if "Fn::Not" in condition:
            return not self._holds(condition["Fn::Not"][0])
        one, other = condition["Fn::Equals"]
        return str(self.resolved(one)) == str(other)


@pytest.mark.parametrize(
    ("prefix", "region"), [("sessions/", "eu-central-1"), ("voice/eu/sessions/", "cn-north-1")]
)
def test_the_template_has_no_fault(prefix: str, region: str) -> None:
    assert template_complaints(cloudformation(prefix), region) == []


def test_the_linter_sees_what_is_wrong() -> None:
    template = cloudformation()
    del template["Resources"]["Events"]
    template["Resources"]["Records"]["Properties"]["Encryption"] = True

    found = " ".join(template_complaints(template))

    assert "Events" in found and "Encryption" in found


def test_nothing_stands_in_for_anything_any_more() -> None:
    text = json.dumps(cloudformation())

    assert "of-the-stack" not in text and "0" * 12 not in text
    assert len(text) < 51_200  # what --template-body takes


def test_every_parameter_has_a_default_and_a_description() -> None:
    for name, each in cloudformation()["Parameters"].items():
        assert "Default" in each and each["Description"], name


def test_the_policies_are_those_that_the_commands_print() -> None:
    where = Account(ACCOUNT, REGION)
    folders = ["analytics-probes/", "checkpoints/", "transcripts/"]
    whole = Stack(cloudformation("eu/sessions/"), **EVERYTHING)
    plain = Stack(cloudformation(), BucketName="acme-calls")

    assert whole.properties("WriterPolicy")["PolicyDocument"] == writer_policy(
        "acme-calls",
        where,
        prefix="eu/sessions/",
        beside_it=folders,
        log_group="/voice/calls",
        kms_key=KEY,
        firehose="calls",
    )
    assert plain.properties("WriterPolicy")["PolicyDocument"] == writer_policy(
        "acme-calls", where, beside_it=folders, log_group="/livekit/calls"
    )
    assert whole.properties("ReaderPolicy")["PolicyDocument"] == reader_policy(
        "acme-calls", where, prefixes=["eu/sessions/"], kms_key=KEY
    )
    role = whole.properties("SnowflakeRole")
    assert role["AssumeRolePolicyDocument"] == snowflake_trust(USER, "ACME_1")
    assert role["Policies"][0]["PolicyDocument"] == snowflake_policy(
        "acme-calls", where, prefixes=["eu/sessions/"], kms_key=KEY
    )


def test_the_bucket_answers_over_tls_only() -> None:
    (statement,) = Stack(cloudformation(), **EVERYTHING).properties("RecordsOverTls")[
        "PolicyDocument"
    ]["Statement"]

    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Resource"] == ["arn:aws:s3:::acme-calls", "arn:aws:s3:::acme-calls/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def deployed(account: GuardedAccount, template: dict[str, Any], **parameters: str) -> Any:
    """The stack, once it is there, and its outputs by description."""
    client, name = account.client("cloudformation"), f"calls-{uuid4().hex[:8]}"
    client.create_stack(
        StackName=name,
        TemplateBody=json.dumps(Stack(template, **parameters).without_absentees()),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    client.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 0, "MaxAttempts": 50}
    )
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return name, {each["Description"]: each["OutputValue"] for each in stack["Outputs"]}


def test_our_writers_write_to_what_a_stack_without_parameters_made(
    guarded: GuardedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, outputs = deployed(guarded, cloudformation(), LogGroupName=f"/{uuid4().hex}")
    variables = {key: value for key, value in outputs.items() if key.isupper()}
    assert set(variables) == {
        "ANALYTICS_S3_BUCKET",
        "ANALYTICS_S3_PREFIX",
        "ANALYTICS_LOG_GROUP",
        "AWS_REGION",
    }
    for key, value in (guarded.environment(guarded.administrator) | variables).items():
        monkeypatch.setenv(key, value)
    settings = Settings.load()

    where = S3Writer(settings).write(parcel())
    CloudWatchWriter(settings).write(parcel())

    bucket = variables["ANALYTICS_S3_BUCKET"]
    assert where == f"s3://{bucket}/sessions/{NAME}"
    body = guarded.client("s3").get_object(Bucket=bucket, Key=f"sessions/{NAME}")["Body"].read()
    assert json.loads(gzip.decompress(body))["session_id"] == "RM_a-AJ_b"
    logs = guarded.client("logs")
    assert logs.filter_log_events(logGroupName=variables["ANALYTICS_LOG_GROUP"])["events"]


def test_the_bucket_is_private_encrypted_and_tidy(guarded: GuardedAccount) -> None:
    group = f"/{uuid4().hex}"
    parameters = {
        "LogGroupName": group,
        "LogRetentionDays": "30",
        "ExpireRecordsAfterDays": "400",
    }
    _, outputs = deployed(guarded, cloudformation(), **parameters)
    s3, bucket = guarded.client("s3"), outputs["ANALYTICS_S3_BUCKET"]
    wanted = Stack(cloudformation(), **parameters).properties("Records")

    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (events,) = guarded.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert events["retentionInDays"] == 30
    # moto's CloudFormation makes no more of a bucket than this; its S3 takes the rest.
    private = wanted["PublicAccessBlockConfiguration"]
    assert len(private) == 4 and all(private.values())
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=private)
    s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration=wanted["VersioningConfiguration"]
    )
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=wanted["OwnershipControls"])
    rules = {each["Id"]: each for each in wanted["LifecycleConfiguration"]["Rules"]}
    assert rules["Records"]["ExpirationInDays"] == "400"
    assert rules["Checkpoints"]["Prefix"] == "checkpoints/"
    assert rules["WhatWasReplaced"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


def test_a_plain_stack_never_deletes_records() -> None:
    rules = Stack(cloudformation()).properties("Records")["LifecycleConfiguration"]["Rules"]

    assert all(each.get("Prefix") != "sessions/" for each in rules)
    assert all("Prefix" in each for each in rules if "ExpirationInDays" in each)


def test_the_user_of_a_stack_can_deliver_and_nothing_else(
    guarded: GuardedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, outputs = deployed(
        guarded, cloudformation(), LogGroupName=f"/{uuid4().hex}", CreateUser="true"
    )
    bucket, iam = outputs["ANALYTICS_S3_BUCKET"], guarded.client("iam")
    user = outputs["The agent's user: make its key"]
    # moto makes the user and leaves out what is attached.
    attached = cloudformation()["Resources"]["Writer"]["Properties"]["ManagedPolicyArns"]
    assert attached == [{"Ref": "WriterPolicy"}]
    iam.attach_user_policy(UserName=user, PolicyArn=outputs["The agent's policy"])
    key = iam.create_access_key(UserName=user)["AccessKey"]
    credentials = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    for name, value in guarded.environment(credentials).items():
        monkeypatch.setenv(name, value)
    settings = Settings(s3_bucket=bucket)

    for writer in (S3Writer(settings), S3Writer(settings, folder=CHECKPOINTS)):
        writer.write(parcel())

    s3 = guarded.client("s3", credentials)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bucket, Key=f"sessions/{NAME}")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="lake/x", Body=b"")


def test_glue_takes_the_table(moto: MotoServer) -> None:
    """By its own API: moto's CloudFormation leaves out what Glue would make."""
    glue = _client(moto, "glue")
    stack = Stack(cloudformation("eu/sessions/"), BucketName="acme-calls")
    database = f"calls_{uuid4().hex[:8]}"
    wanted = stack.properties("Table")["TableInput"]
    assert (
        wanted
        == create_table(
            Location("acme-calls", "eu/sessions"),
            database=database,
            table="sessions",
            years=years(None),
        )["TableInput"]
    )

    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput=wanted)

    made = glue.get_table(DatabaseName=database, Name=wanted["Name"])["Table"]
    assert made["StorageDescriptor"]["Location"] == "s3://acme-calls/eu/sessions/"
    assert made["Parameters"]["storage.location.template"] == (
        "s3://acme-calls/eu/sessions/year=${year}/month=${month}/day=${day}/"
    )
    glue.close()


def test_firehose_takes_the_stream(moto: MotoServer) -> None:
    """By its own API, for the same reason."""
    firehose = _client(moto, "firehose")
    wanted = Stack(cloudformation(), **EVERYTHING).properties("Stream")
    wanted["DeliveryStreamName"] = name = f"calls-{uuid4().hex[:8]}"
    # moto checks that a role is one's own; which it is, CloudFormation fills in.
    wanted["ExtendedS3DestinationConfiguration"]["RoleARN"] = f"arn:aws:iam::{ACCOUNT}:role/x"

    firehose.create_delivery_stream(**wanted)

    (made,) = firehose.describe_delivery_stream(DeliveryStreamName=name)[
        "DeliveryStreamDescription"
    ]["Destinations"]
    target = made["ExtendedS3DestinationDescription"]
    assert target["CompressionFormat"] == "GZIP"
    assert target["Prefix"] == (
        "sessions/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
    )
    firehose.close()


def _client(moto: MotoServer, service: str) -> Any:
    import boto3

    session: Any = boto3.Session(
        aws_access_key_id=moto.access_key,
        aws_secret_access_key=moto.secret_key,
        region_name=REGION,
    )
    return session.client(service, endpoint_url=moto.endpoint_url)
