"""An environment without anyone's AWS account, and what must hold after each test."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.servers.endpoint import Endpoint

Enter = Callable[[Endpoint], None]


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own settings, credentials and profiles."""
    for name in os.environ:
        if name.startswith(("AWS_", "ANALYTICS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(autouse=True)
def no_thread_left(no_account: None) -> Iterator[None]:
    """A sink works in the threads of others."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Lead this process to a server, by AWS's own variables."""

    def entered(server: Endpoint) -> None:
        variables: Mapping[str, str] = server.environment()
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return entered
