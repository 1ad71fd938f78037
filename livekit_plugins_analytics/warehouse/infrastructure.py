"""A CloudFormation template for what the records need in an AWS account.

Made of the same policies and the same table as the commands print, so that they cannot differ. What
only the stack knows stands in there under a name of its own until it becomes a reference.
"""

from __future__ import annotations

import re
from typing import Any

from .glue import create_table
from .hive import years as year_range
from .names import Location, identifier
from .policies import (
    Account,
    Policy,
    reader_policy,
    snowflake_policy,
    snowflake_trust,
    writer_policy,
)

Template = dict[str, Any]
"""A CloudFormation template."""

# Stand-ins for what the stack knows, each of a form that passes where it is used.
_BUCKET = "bucket-of-the-stack"
_GROUP = "/group-of-the-stack"
_STREAM = "stream-of-the-stack"
_ACCOUNT = "000000000000"
_REGION = "region-of-the-stack"
_PARTITION = "partition-of-the-stack"
_KEY = f"arn:{_PARTITION}:kms:{_REGION}:{_ACCOUNT}:key/key-of-the-stack"
_USER = f"arn:aws:iam::{_ACCOUNT}:user/user-of-the-stack"
_EXTERNAL = "external-id-of-the-stack"

_WHERE = Account(_ACCOUNT, _REGION, _PARTITION)
_REFERENCES = {
    _KEY: "${KmsKeyArn}",
    _USER: "${SnowflakeUserArn}",
    _EXTERNAL: "${SnowflakeExternalId}",
    _BUCKET: "${Records}",
    _GROUP: "${Events}",
    _STREAM: "${AWS::StackName}",
    _ACCOUNT: "${AWS::AccountId}",
    _REGION: "${AWS::Region}",
    _PARTITION: "${AWS::Partition}",
    # A managed policy does not know which of the three DNS suffixes holds.
    "amazonaws.com": "${AWS::URLSuffix}",
}

_YES_NO = ["false", "true"]
# What PutRetentionPolicy takes, from the two weeks on in which a late record still comes.
_RETENTIONS = [
    *(14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
]


def cloudformation(
    prefix: str = "sessions/", *, database: str = "livekit_analytics", table: str = "sessions"
) -> Template:
    """The template. Every parameter has a default: a stack without any is private and works.

    Args:
        prefix: What the records' keys begin with; ``checkpoints/`` and the others are beside it.
        database: Glue's database.
        table: Its table, as ``ddl glue`` names it.

    Raises:
        ValueError: A name cannot stand in a statement.
    """
    location = Location(_BUCKET, prefix)
    prefix = f"{location.prefix}/" if location.prefix else ""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Where livekit-plugins-analytics keeps session records: S3, CloudWatch Logs,"
        " a Glue table; Firehose and Snowflake's role on request",
        "Parameters": _parameters(),
        "Rules": {
            "SnowflakeIsWhole": {
                "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "SnowflakeUserArn"}, ""]}]},
                "Assertions": [
                    {
                        "Assert": {
                            "Fn::Not": [{"Fn::Equals": [{"Ref": "SnowflakeExternalId"}, ""]}]
                        },
                        "AssertDescription": "SnowflakeUserArn needs SnowflakeExternalId",
                    }
                ],
            }
        },
        "Conditions": {
            "HasBucketName": _set("BucketName"),
            "HasKey": _set("KmsKeyArn"),
            "Expires": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ExpireRecordsAfterDays"}, 0]}]},
            "Versioned": _is("Versioning"),
            "HasUser": _is("CreateUser"),
            "HasRole": _set("RoleTrustsArn"),
            "HasFirehose": _is("CreateFirehose"),
            "HasSnowflake": _set("SnowflakeUserArn"),
        },
        "Resources": {
            **_storage(prefix),
            **_writers(prefix),
            **_stream(prefix),
            **_readers(prefix, location, database, table),
        },
        "Outputs": _outputs(prefix),
    }


def _parameters() -> dict[str, Any]:
    def text(about: str, default: str = "", pattern: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {"Type": "String", "Description": about, "Default": default}
        return found | ({"AllowedPattern": pattern} if pattern else {})

    def number(about: str, default: int, **more: Any) -> dict[str, Any]:
        return {"Type": "Number", "Description": about, "Default": default, **more}

    def choice(about: str, default: str) -> dict[str, Any]:
        return {**text(about, default), "AllowedValues": _YES_NO}

    return {
        "BucketName": text(
            "The bucket's name; empty: CloudFormation makes one",
            pattern="^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        ),
        "KmsKeyArn": text(
            "Encrypt with this KMS key; empty: with the key of S3",
            pattern=r"^$|^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
        ),
        "Versioning": choice("Keep what a revision or a command replaces", "true"),
        "KeepReplacedDays": number("Days that replaced objects are kept", 30, MinValue=1),
        "ExpireRecordsAfterDays": number("Days until records are deleted; 0: never", 0, MinValue=0),
        "LogGroupName": text(
            "The log group of the events", "/livekit/calls", r"^[A-Za-z0-9._/#-]{1,512}$"
        ),
        "LogRetentionDays": number("Days that events are kept", 90, AllowedValues=_RETENTIONS),
        "CreateUser": choice("An IAM user for agents outside AWS (LiveKit Cloud)", "false"),
        "RoleTrustsArn": text(
            "Who may assume a role for agents inside AWS: the ARN of a role or account; empty: no"
            " role",
            pattern=r"^$|^arn:[a-z-]+:iam::[0-9]{12}:.+$",
        ),
        "CreateFirehose": choice("A delivery stream to the same bucket", "false"),
        "SnowflakeUserArn": text(
            "STORAGE_AWS_IAM_USER_ARN of DESC INTEGRATION; empty: no role for Snowflake",
            pattern=r"^$|^arn:[a-z-]+:iam::[0-9]{12}:.+$",
        ),
        "SnowflakeExternalId": text("STORAGE_AWS_EXTERNAL_ID of DESC INTEGRATION"),
    }


def _storage(prefix: str) -> dict[str, Any]:
    keep = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    encryption = _if(
        "HasKey",
        {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "KmsKeyArn"}},
        {"SSEAlgorithm": "AES256"},
    )
    base = prefix.rstrip("/").rpartition("/")[0]
    beside = f"{base}/" if base else ""
    rules: list[Any] = [
        {
            "Id": "UploadsThatBrokeOff",
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        *(
            {
                "Id": name,
                "Status": "Enabled",
                "Prefix": f"{beside}{folder}",
                "ExpirationInDays": days,
            }
            for name, folder, days in (
                ("Probes", "analytics-probes/", 1),
                ("Checkpoints", "checkpoints/", 14),
            )
        ),
        _if(
            "Versioned",
            {
                "Id": "WhatWasReplaced",
                "Status": "Enabled",
                "NoncurrentVersionExpiration": {"NoncurrentDays": {"Ref": "KeepReplacedDays"}},
            },
        ),
        _if(
            "Expires",
            {
                "Id": "Records",
                "Status": "Enabled",
                "Prefix": prefix,
                "ExpirationInDays": {"Ref": "ExpireRecordsAfterDays"},
            },
        ),
    ]
    return {
        "Records": {
            "Type": "AWS::S3::Bucket",
            **keep,
            "Properties": {
                "BucketName": _if("HasBucketName", {"Ref": "BucketName"}),
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": encryption,
                        }
                    ]
                },
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "VersioningConfiguration": _if(
                    "Versioned", {"Status": "Enabled"}, {"Status": "Suspended"}
                ),
                "LifecycleConfiguration": {"Rules": rules},
            },
        },
        "RecordsOverTls": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Records"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "TlsOnly",
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "s3:*",
                            "Resource": _referring(
                                [_WHERE.bucket(_BUCKET), _WHERE.bucket(_BUCKET, "*")]
                            ),
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                },
            },
        },
        "Events": {
            "Type": "AWS::Logs::LogGroup",
            **keep,
            "Properties": {
                "LogGroupName": {"Ref": "LogGroupName"},
                "RetentionInDays": {"Ref": "LogRetentionDays"},
            },
        },
    }


def _writers(prefix: str) -> dict[str, Any]:
    policy = writer_policy(
        _BUCKET,
        _WHERE,
        prefix=prefix,
        beside_it=["analytics-probes/", "checkpoints/", "transcripts/"],
        log_group=_GROUP,
        kms_key=_KEY,
        firehose=_STREAM,
    )
    conditions = {"EncryptRecords": "HasKey", "PutToStream": "HasFirehose"}
    return {
        "WriterPolicy": _managed("What an agent needs to deliver records", policy, conditions),
        "Writer": {
            "Type": "AWS::IAM::User",
            "Condition": "HasUser",
            "Properties": {"ManagedPolicyArns": [{"Ref": "WriterPolicy"}]},
        },
        "WriterRole": {
            "Type": "AWS::IAM::Role",
            "Condition": "HasRole",
            "Properties": {
                "AssumeRolePolicyDocument": _trusting({"AWS": {"Ref": "RoleTrustsArn"}}),
                "ManagedPolicyArns": [{"Ref": "WriterPolicy"}],
            },
        },
    }


def _stream(prefix: str) -> dict[str, Any]:
    partition = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
    bucket = {"Fn::GetAtt": ["Records", "Arn"]}
    allowed = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Deliver",
                "Effect": "Allow",
                "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                "Resource": _referring(
                    [
                        _WHERE.bucket(_BUCKET, f"{prefix}*"),
                        _WHERE.bucket(_BUCKET, "firehose-errors/*"),
                    ]
                ),
            },
            {
                "Sid": "Find",
                "Effect": "Allow",
                "Action": [
                    "s3:GetBucketLocation",
                    "s3:ListBucket",
                    "s3:ListBucketMultipartUploads",
                ],
                "Resource": bucket,
            },
            _if(
                "HasKey",
                {
                    "Sid": "Encrypt",
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": {"Ref": "KmsKeyArn"},
                },
            ),
        ],
    }
    return {
        "StreamRole": {
            "Type": "AWS::IAM::Role",
            "Condition": "HasFirehose",
            "Properties": {
                "AssumeRolePolicyDocument": _trusting(
                    {"Service": "firehose.amazonaws.com"},
                    {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                ),
                "Policies": [{"PolicyName": "deliver", "PolicyDocument": allowed}],
            },
        },
        "Stream": {
            "Type": "AWS::KinesisFirehose::DeliveryStream",
            "Condition": "HasFirehose",
            "Properties": {
                "DeliveryStreamName": {"Ref": "AWS::StackName"},
                "DeliveryStreamType": "DirectPut",
                "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"},
                "ExtendedS3DestinationConfiguration": {
                    "BucketARN": bucket,
                    "RoleARN": {"Fn::GetAtt": ["StreamRole", "Arn"]},
                    "BufferingHints": {"IntervalInSeconds": 900, "SizeInMBs": 128},
                    "CompressionFormat": "GZIP",
                    "FileExtension": ".json.gz",
                    "Prefix": f"{prefix}{partition}",
                    "ErrorOutputPrefix": "firehose-errors/!{firehose:error-output-type}/",
                },
            },
        },
    }


def _readers(prefix: str, location: Location, database: str, table: str) -> dict[str, Any]:
    made = create_table(location, database=database, table=table, years=year_range(None))
    snowflake = snowflake_policy(_BUCKET, _WHERE, prefixes=[prefix], kms_key=_KEY)
    return {
        "Database": {
            "Type": "AWS::Glue::Database",
            "Properties": {
                "CatalogId": {"Ref": "AWS::AccountId"},
                "DatabaseInput": {"Name": identifier(database, "--database")},
            },
        },
        "Table": {
            "Type": "AWS::Glue::Table",
            "Properties": {
                "CatalogId": {"Ref": "AWS::AccountId"},
                "DatabaseName": {"Ref": "Database"},
                "TableInput": _referring(made["TableInput"]),
            },
        },
        "ReaderPolicy": _managed(
            "What a person or a program needs to read the records",
            reader_policy(_BUCKET, _WHERE, prefixes=[prefix], kms_key=_KEY),
            {"DecryptRecords": "HasKey"},
        ),
        "SnowflakeRole": {
            "Type": "AWS::IAM::Role",
            "Condition": "HasSnowflake",
            "Properties": {
                # Named, since Snowflake is told the ARN before the role can be made.
                "RoleName": {"Fn::Sub": "${AWS::StackName}-snowflake"},
                "AssumeRolePolicyDocument": _referring(snowflake_trust(_USER, _EXTERNAL)),
                "Policies": [
                    {
                        "PolicyName": "load",
                        "PolicyDocument": _conditional(snowflake, {"DecryptRecords": "HasKey"}),
                    }
                ],
            },
        },
    }


def _outputs(prefix: str) -> dict[str, Any]:
    def output(name: str, value: Any, condition: str | None = None) -> dict[str, Any]:
        return {"Description": name, "Value": value} | (
            {"Condition": condition} if condition else {}
        )

    return {
        # CloudFormation takes no underscores in these names: the variable is the description.
        "S3Bucket": output("ANALYTICS_S3_BUCKET", {"Ref": "Records"}),
        "S3Prefix": output("ANALYTICS_S3_PREFIX", prefix),
        "S3KmsKeyId": output("ANALYTICS_S3_KMS_KEY_ID", {"Ref": "KmsKeyArn"}, "HasKey"),
        "LogGroup": output("ANALYTICS_LOG_GROUP", {"Ref": "Events"}),
        "FirehoseStream": output("ANALYTICS_FIREHOSE_STREAM", {"Ref": "Stream"}, "HasFirehose"),
        "Region": output("AWS_REGION", {"Ref": "AWS::Region"}),
        "WriterPolicyArn": output("The agent's policy", {"Ref": "WriterPolicy"}),
        "ReaderPolicyArn": output("The reader's policy", {"Ref": "ReaderPolicy"}),
        "WriterName": output("The agent's user: make its key", {"Ref": "Writer"}, "HasUser"),
        "WriterRoleArn": output(
            "The agent's role", {"Fn::GetAtt": ["WriterRole", "Arn"]}, "HasRole"
        ),
        "SnowflakeRoleArn": output(
            "STORAGE_AWS_ROLE_ARN", {"Fn::GetAtt": ["SnowflakeRole", "Arn"]}, "HasSnowflake"
        ),
    }


def _managed(about: str, policy: Policy, conditions: dict[str, str]) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": about,
            "PolicyDocument": _conditional(policy, conditions),
        },
    }


def _conditional(policy: Policy, conditions: dict[str, str]) -> Policy:
    """The policy with references, and statements only where the stack has what they are for."""
    statements = []
    for statement in policy["Statement"]:
        found = _referring(statement)
        condition = conditions.get(statement["Sid"])
        statements.append(_if(condition, found) if condition else found)
    return {**policy, "Statement": statements}


def _trusting(principal: dict[str, Any], condition: dict[str, Any] | None = None) -> Policy:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "sts:AssumeRole",
    }
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def _referring(value: Any) -> Any:
    """A value in which references stand for the stand-ins."""
    if isinstance(value, dict):
        return {name: _referring(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_referring(each) for each in value]
    if not isinstance(value, str):
        return value
    # Athena's own ${year} is none of CloudFormation's.
    text = value.replace("${", "${!")
    for stand_in, reference in _REFERENCES.items():
        text = text.replace(stand_in, reference)
    if text == value:
        return value
    if whole := re.fullmatch(r"\$\{([A-Za-z:]+)\}", text):
        return {"Ref": whole[1]}
    return {"Fn::Sub": text}


def _if(condition: str | None, yes: Any, no: Any = None) -> dict[str, Any]:
    return {"Fn::If": [condition, yes, {"Ref": "AWS::NoValue"} if no is None else no]}


def _set(parameter: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


def _is(parameter: str) -> dict[str, Any]:
    return {"Fn::Equals": [{"Ref": parameter}, "true"]}
