"""An AWS account in which policies count: moto's IAM mode, over HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import boto3
import pytest

from tests.servers import MotoServer
from tests.servers.endpoint import CONFIG, REGION

ACCOUNT = "123456789012"
"""moto's only account."""

Credentials = dict[str, str]
"""As boto3 calls them."""

_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


class GuardedAccount:
    """moto that refuses what no policy allows.

    Args:
        server: A running server of this account's own: the mode holds for all of it.
    """

    def __init__(self, server: MotoServer) -> None:
        self._server = server
        self.administrator: Credentials = {
            "aws_access_key_id": server.access_key,
            "aws_secret_access_key": server.secret_key,
        }
        self.administrator = self.user(_EVERYTHING)
        guard = Request(
            f"{server.endpoint_url}/moto-api/reset-auth",
            data=b"0",  # requests that are still free
            headers={"Content-Type": "text/plain"},
        )
        with urlopen(guard) as answer:
            answer.read()

    def client(self, service: str, credentials: Credentials | None = None) -> Any:
        """boto3's client of a user, by default of the administrator."""
        chosen: Any = credentials or self.administrator
        session: Any = boto3.Session(region_name=REGION, **chosen)
        return session.client(service, endpoint_url=self._server.endpoint_url, config=CONFIG)

    def user(self, *policies: dict[str, Any]) -> Credentials:
        """Create a user with these policies; returns the credentials for `client`."""
        iam, name = self.client("iam"), f"user-{uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        for number, policy in enumerate(policies):
            iam.put_user_policy(
                UserName=name, PolicyName=f"policy-{number}", PolicyDocument=json.dumps(policy)
            )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }

    def environment(self, credentials: Credentials) -> dict[str, str]:
        """The variables that lead a process here as this user."""
        return {
            **self._server.environment(),
            "AWS_ACCESS_KEY_ID": credentials["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": credentials["aws_secret_access_key"],
        }


@pytest.fixture(scope="session")
def guarded() -> Iterator[GuardedAccount]:
    """An account in which policies count, shared: use users and buckets of your own."""
    with MotoServer() as server:
        yield GuardedAccount(server)


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own settings, credentials and profiles."""
    for name in os.environ:
        if name.startswith(("AWS_", "ANALYTICS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
