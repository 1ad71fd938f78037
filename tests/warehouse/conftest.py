"""A bucket for each test, and an environment that leads boto3 to it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest

from tests.servers import MotoServer


@dataclass(frozen=True)
class Store:
    """A bucket of one test's own."""

    server: MotoServer
    bucket: str

    @property
    def path(self) -> str:
        """Where its records are."""
        return f"s3://{self.bucket}/sessions/"


@pytest.fixture
def store3(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty bucket, to which this process' environment leads."""
    bucket = f"lake-{uuid4().hex[:12]}"
    moto.create_bucket(bucket)
    for variable, value in moto.environment().items():
        monkeypatch.setenv(variable, value)
    return Store(moto, bucket)
