"""What may stand in a statement: names of tables, buckets, prefixes, roles, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Lower case: Athena and Glue fold names, Snowflake folds the other way; nobody needs quotes.
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_.=-]+(?:/[A-Za-z0-9_.=-]+)*")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")


def identifier(text: str, option: str) -> str:
    """A name of a table, a database, an integration.

    Raises:
        ValueError: It would need quotes, or would not be a name at all.
    """
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError(
            f"{option} {text!r} is no name that every engine takes: a letter, then up to 62 of "
            "a-z, 0-9 and '_', all lower case."
        )
    return text


def role_arn(text: str, option: str) -> str:
    """The ARN of an IAM role.

    Raises:
        ValueError: It is none.
    """
    if not _ROLE.fullmatch(text):
        raise ValueError(
            f"{option} {text!r} is no role's ARN: arn:aws:iam::123456789012:role/NAME."
        )
    return text


def project(text: str, option: str) -> str:
    """The id of a Google Cloud project.

    Raises:
        ValueError: It is none.
    """
    if not _PROJECT.fullmatch(text):
        raise ValueError(f"{option} {text!r} is no project's id: 6 to 30 of a-z, 0-9 and '-'.")
    return text


@dataclass(frozen=True)
class Location:
    """Where the records are in a bucket.

    Args:
        bucket: The bucket's name.
        prefix: What the keys begin with, before ``year=``; slashes at its ends do not matter.

    Raises:
        ValueError: One of them cannot stand in a statement.
    """

    bucket: str
    prefix: str = "sessions"

    def __post_init__(self) -> None:
        """Refuse what would end a string, or be read as a pattern."""
        if not _BUCKET.fullmatch(self.bucket):
            raise ValueError(
                f"--bucket {self.bucket!r} is no bucket's name: 3 to 63 of a-z, 0-9, '.' and '-', "
                "without s3://."
            )
        object.__setattr__(self, "prefix", self.prefix.strip("/"))
        if self.prefix and not _PREFIX.fullmatch(self.prefix):
            raise ValueError(
                f"--prefix {self.prefix!r} cannot stand in a statement: only A-Z, a-z, 0-9, '/' "
                "and _ . = - can."
            )

    def uri(self, scheme: str = "s3") -> str:
        """``s3://bucket/prefix/``, with its slash at the end."""
        return (
            f"{scheme}://{self.bucket}/{self.prefix}/"
            if self.prefix
            else f"{scheme}://{self.bucket}/"
        )
