"""An environment without anyone's AWS account, and no thread that outlives its test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Spool
from tests.writers.conftest import enter, no_account

from .sinks import settled

__all__ = ["enter", "no_account"]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    return Spool(tmp_path / "spool")


@pytest.fixture(autouse=True)
def no_thread_left(no_account: None) -> Iterator[None]:
    """Whatever happens, the courier's threads come to an end, and none of them dies."""
    yield
    settled()
    # The one that starts the others stays.
    left = {t.name for t in threading.enumerate()} - {"analytics-starter"}
    assert not [name for name in left if name.startswith("analytics-")]
