"""A LiveKit Cloud of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .cloud_server import CloudServer


@pytest.fixture
def cloud() -> Iterator[CloudServer]:
    """A LiveKit Cloud without sessions."""
    with CloudServer() as server:
        yield server
