"""One office for all calls of a test process: its worker takes several at once, as in life."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.calls.office import Office
from tests.servers import LiveKitServer, MotoServer


@pytest.fixture(scope="session")
def office(
    livekit_server: LiveKitServer, moto: MotoServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """A worker with all hooks wired and job processes, exporting to S3 and CloudWatch Logs."""
    with Office(livekit_server, moto, tmp_path_factory.mktemp("office")) as running:
        yield running
