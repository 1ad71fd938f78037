"""IAM policies for whoever writes or reads the records: what is needed, and nothing besides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..writers import beside

Policy = dict[str, Any]
"""An IAM policy document."""

# What an ARN is made of; a bucket may also be named by an access point's.
_KEY_ARN = re.compile(r"arn:[\w-]+:kms:(?P<region>[\w-]+):\d{12}:key/[\w-]+")
_KEY_ID = re.compile(r"[\w-]+")
_USER_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:(user|role|root)[\w+=,.@/-]*")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)

# What Athena asks of Glue to plan a query: of the database, and of its tables.
_OF_DATABASE = ("glue:GetDatabase", "glue:GetDatabases")
_OF_TABLES = (
    *("glue:GetTable", "glue:GetTables"),
    *("glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition"),
)


class PolicyError(ValueError):
    """Something needed for an ARN is not known, or not what it should be; names the option."""


@dataclass(frozen=True)
class Account:
    """Where the resources are: what their ARNs begin with.

    Args:
        account: The account's 12 digits; needed for all but S3.
        region: The region; needed for all but S3.
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
    """

    account: str | None = None
    region: str | None = None
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """An ARN of this account and region.

        Raises:
            PolicyError: One of them is not known.
        """
        if not self.account or not re.fullmatch(r"\d{12}", self.account):
            raise PolicyError(f"The ARN of {resource} needs the account: pass --account, 12 digits")
        if not self.region:
            raise PolicyError(f"The ARN of {resource} needs the region: pass --region")
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def bucket(self, name: str, path: str = "") -> str:
        """The ARN of a bucket, or of objects in it."""
        start = name if name.startswith("arn:") else f"arn:{self.partition}:s3:::{name}"
        if not path:
            return start
        # Objects behind an access point are named below "object".
        return f"{start}/object/{path}" if ":accesspoint/" in start else f"{start}/{path}"


def writer_policy(
    bucket: str | None,
    where: Account,
    *,
    prefix: str = "sessions/",
    beside_it: Sequence[str] = ("analytics-probes/",),
    log_group: str | None = None,
    kms_key: str | None = None,
    firehose: str | None = None,
) -> Policy:
    """What an agent needs. It can neither read nor list nor delete.

    Args:
        bucket: The bucket's name; None: the agent has no S3.
        where: The account.
        prefix: What the records' keys begin with.
        beside_it: Folders beside the prefix that the agent writes too: ``checkpoints/``,
            ``transcripts/``, and ``analytics-probes/`` for the doctor.
        log_group: The log group's name; it must exist.
        kms_key: The key that objects are encrypted with: id, ARN or ``alias/...``.
        firehose: The delivery stream's name.

    Raises:
        PolicyError: An ARN cannot be made, or there is nothing to allow.
    """
    statements: list[dict[str, Any]] = []
    if bucket:
        prefixes = [prefix, *(beside(prefix, folder) for folder in beside_it)]
        objects = [where.bucket(bucket, f"{each}*") for each in dict.fromkeys(prefixes)]
        statements.append(_allow("PutRecords", ["s3:PutObject"], objects))
        if kms_key:
            statements.append(_key_use("EncryptRecords", "kms:GenerateDataKey", kms_key, where))
    if log_group:
        statements.append(
            _allow(
                "PutEvents",
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [where.arn("logs", f"log-group:{log_group}:*")],
            )
        )
    if firehose:
        statements.append(
            _allow(
                "PutToStream",
                ["firehose:PutRecord", "firehose:PutRecordBatch"],
                [where.arn("firehose", f"deliverystream/{firehose}")],
            )
        )
    if not statements:
        raise PolicyError("Nothing to allow: pass --bucket, --log-group or --firehose")
    return _document(statements)


def reader_policy(
    bucket: str,
    where: Account,
    *,
    prefixes: Sequence[str] = ("sessions/",),
    kms_key: str | None = None,
) -> Policy:
    """What a person or a program needs that reads the records.

    Args:
        bucket: The bucket's name.
        where: The account.
        prefixes: What the keys begin with that may be listed and read.
        kms_key: The key that objects are encrypted with: id, ARN or ``alias/...``.

    Raises:
        PolicyError: An ARN cannot be made.
    """
    return _document(
        [
            *_listing(bucket, where, prefixes),
            _allow("ReadRecords", ["s3:GetObject"], _objects(bucket, where, prefixes)),
            *_decryption(kms_key, where),
        ]
    )


def athena_policy(
    bucket: str,
    where: Account,
    *,
    results: str,
    prefixes: Sequence[str] = ("sessions/",),
    database: str = "livekit_analytics",
    workgroup: str = "primary",
    kms_key: str | None = None,
) -> Policy:
    """What a reader needs who asks Athena.

    Args:
        bucket: The records' bucket.
        where: The account.
        results: ``s3://bucket/prefix/`` where Athena puts answers.
        prefixes: What the keys begin with that may be listed and read.
        database: The database in Glue.
        workgroup: Athena's workgroup.
        kms_key: The key that objects are encrypted with: id, ARN or ``alias/...``.

    Raises:
        PolicyError: An ARN cannot be made, or `results` is no place in S3.
    """
    place = re.fullmatch(r"s3://(?P<bucket>[^/]+)(/(?P<prefix>.*))?", results)
    if not place:
        raise PolicyError(f"{results} is no place for answers: pass --results s3://bucket/prefix/")
    catalog = [where.arn("glue", "catalog"), where.arn("glue", f"database/{database}")]
    folder = (place["prefix"] or "").strip("/")
    answers = where.bucket(place["bucket"], f"{folder}/*" if folder else "*")
    return _document(
        [
            *reader_policy(bucket, where, prefixes=prefixes, kms_key=kms_key)["Statement"],
            _allow(
                "AskAthena",
                [
                    *("athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup"),
                    *("athena:StartQueryExecution", "athena:StopQueryExecution"),
                ],
                [where.arn("athena", f"workgroup/{workgroup}")],
            ),
            _allow("ReadDatabase", _OF_DATABASE, catalog),
            _allow("ReadTables", _OF_TABLES, [*catalog, where.arn("glue", f"table/{database}/*")]),
            _allow("FindAnswers", ["s3:GetBucketLocation"], [where.bucket(place["bucket"])]),
            _allow(
                "KeepAnswers",
                [
                    *("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts"),
                    "s3:PutObject",
                ],
                [answers],
            ),
        ]
    )


def snowflake_policy(
    bucket: str,
    where: Account,
    *,
    prefixes: Sequence[str] = ("sessions/",),
    kms_key: str | None = None,
) -> Policy:
    """What the role of Snowflake's storage integration needs, to load and nothing else.

    Raises:
        PolicyError: An ARN cannot be made.
    """
    objects = _objects(bucket, where, prefixes)
    return _document(
        [
            *_listing(bucket, where, prefixes),
            _allow("ReadRecords", ["s3:GetObject", "s3:GetObjectVersion"], objects),
            *_decryption(kms_key, where),
        ]
    )


def snowflake_trust(user_arn: str, external_id: str) -> Policy:
    """The role's trust policy: Snowflake's user, for this integration only.

    Args:
        user_arn: ``STORAGE_AWS_IAM_USER_ARN`` of ``DESC INTEGRATION``.
        external_id: ``STORAGE_AWS_EXTERNAL_ID`` of the same.

    Raises:
        PolicyError: One of them cannot be right.
    """
    if not _USER_ARN.fullmatch(user_arn):
        raise PolicyError(
            "--user-arn is no user's ARN: take STORAGE_AWS_IAM_USER_ARN from DESC INTEGRATION"
        )
    if not _EXTERNAL_ID.fullmatch(external_id):
        raise PolicyError(
            "--external-id is none: take STORAGE_AWS_EXTERNAL_ID from DESC INTEGRATION"
        )
    return _document(
        [
            {
                "Sid": "Snowflake",
                "Effect": "Allow",
                "Principal": {"AWS": user_arn},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ]
    )


def _document(statements: list[dict[str, Any]]) -> Policy:
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(sid: str, actions: Iterable[str], resources: Sequence[str]) -> dict[str, Any]:
    names = sorted(actions)
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": names if len(names) > 1 else names[0],
        "Resource": list(resources) if len(resources) > 1 else resources[0],
    }


def _objects(bucket: str, where: Account, prefixes: Sequence[str]) -> list[str]:
    return [where.bucket(bucket, f"{prefix}*") for prefix in prefixes]


def _listing(bucket: str, where: Account, prefixes: Sequence[str]) -> list[dict[str, Any]]:
    listed = _allow("ListRecords", ["s3:ListBucket"], [where.bucket(bucket)])
    listed["Condition"] = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    # The place of a bucket is asked for without a prefix: the condition would refuse it.
    return [listed, _allow("FindBucket", ["s3:GetBucketLocation"], [where.bucket(bucket)])]


def _decryption(kms_key: str | None, where: Account) -> list[dict[str, Any]]:
    return [_key_use("DecryptRecords", "kms:Decrypt", kms_key, where)] if kms_key else []


def _key_use(sid: str, action: str, key: str, where: Account) -> dict[str, Any]:
    """The use of a key through S3 only: whoever has the policy cannot decrypt what it reads by
    other ways."""
    name = key.rpartition(":")[2] if ":alias/" in key else key
    condition: dict[str, Any] = {}
    if name.startswith("alias/"):
        # A policy cannot name a key by its alias; the condition can.
        resource = where.arn("kms", "key/*")
        condition["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": name}
    elif match := _KEY_ARN.fullmatch(key):
        resource, where = key, Account(where.account, match["region"], where.partition)
    elif _KEY_ID.fullmatch(key):
        resource = where.arn("kms", f"key/{key}")
    else:
        raise PolicyError("--kms-key is no key: pass its id, its ARN or alias/NAME")
    host = "amazonaws.com.cn" if where.partition == "aws-cn" else "amazonaws.com"
    condition["StringEquals"] = {"kms:ViaService": f"s3.{where.region}.{host}"}
    return {**_allow(sid, [action], [resource]), "Condition": condition}
