"""A LiveKit Cloud and a place for records, both of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.conftest import Run, run  # noqa: F401  # a fixture
from tests.servers import MotoServer

from .cloud_server import CloudServer
from .places import Bucket, Folder, Place


@pytest.fixture
def cloud() -> Iterator[CloudServer]:
    """A LiveKit Cloud without sessions."""
    with CloudServer() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty directory."""
    root = tmp_path / "records"
    root.mkdir()
    return Folder(root, {})


@pytest.fixture(params=["directory", "s3"])
def place(request: pytest.FixtureRequest) -> Place:
    """A directory, and a bucket."""
    if request.param == "directory":
        found: Folder = request.getfixturevalue("folder")
        return found
    moto: MotoServer = request.getfixturevalue("moto")
    name = f"transcripts-{uuid4().hex[:12]}"
    moto.create_bucket(name)
    return Bucket(moto, name)
