"""An address that stands in for AWS, and the boto3 clients for it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"

# One try and short waits, so that a test sees what the server did and not botocore's retries.
CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 1},
    s3={"addressing_style": "path"},  # bucket.127.0.0.1 is no host name
)


class Endpoint:
    """Clients, environment and short cuts for one endpoint; a server adds the address.

    Attributes:
        endpoint_url: ``http://127.0.0.1:<port>``.
        access_key: Access key id the clients sign with.
        secret_key: Secret the clients sign with.
    """

    endpoint_url: str
    access_key = "AKIATESTTESTTESTTEST"
    secret_key = "test-secret-key-of-no-account"

    def environment(self) -> dict[str, str]:
        """Return the variables that lead a child process here, and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # A developer's own profile must not take part.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def s3(self, config: Config | None = None) -> S3Client:
        """Return an S3 client.

        Args:
            config: What to change in ``CONFIG``.
        """
        return self._session().client(
            "s3", endpoint_url=self.endpoint_url, config=CONFIG.merge(config or Config())
        )

    def logs(self, config: Config | None = None) -> CloudWatchLogsClient:
        """Return a CloudWatch Logs client.

        Args:
            config: What to change in ``CONFIG``.
        """
        return self._session().client(
            "logs", endpoint_url=self.endpoint_url, config=CONFIG.merge(config or Config())
        )

    def firehose(self) -> FirehoseClient:
        """Return a Firehose client."""
        return self._session().client("firehose", endpoint_url=self.endpoint_url, config=CONFIG)

    def _session(self) -> boto3.Session:
        # Not the default session, which is shared. A session keeps the service models it has
        # read, so that the second client costs a tenth of the first.
        if not hasattr(self, "_boto3"):
            self._boto3 = boto3.Session(
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                region_name=REGION,
            )
        return self._boto3

    def create_bucket(self, name: str) -> None:
        """Create an S3 bucket."""
        self.s3().create_bucket(Bucket=name)

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return the content of every object in a bucket, by key."""
        s3 = self.s3()
        return {
            entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for entry in page.get("Contents", [])
        }

    def create_log_group(self, name: str) -> None:
        """Create a CloudWatch log group."""
        self.logs().create_log_group(logGroupName=name)

    def events(self, group: str) -> list[dict[str, Any]]:
        """Return all events of a log group as ``{"stream", "timestamp", "message"}``.

        ``timestamp`` is in milliseconds since 1970; ``message`` is the parsed JSON.

        Raises:
            ValueError: A message is not JSON.
        """
        return [
            {
                "stream": event["logStreamName"],
                "timestamp": event["timestamp"],
                "message": json.loads(event["message"]),
            }
            for page in self.logs().get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        ]
