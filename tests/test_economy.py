"""What a call takes, in counts: these keep it fast, and none of them depends on the machine."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from livekit_plugins_analytics.delivery import Courier, Spool
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import writers_for
from tests.servers import FaultServer

from .delivery.sinks import made
from .writers.conftest import Enter, enter

__all__ = ["enter"]


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as faults:
        yield faults


@pytest.fixture(scope="module")
def taken(server: FaultServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `tests.economy` has counted."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ANALYTICS_"))}
    done = subprocess.run(
        [sys.executable, "-m", "tests.economy", str(tmp_path_factory.mktemp("economy"))],
        env=environment | server.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_call_is_one_request_to_each_sink(taken: dict[str, Any], server: FaultServer) -> None:
    requests = Counter(request.operation for request in server.requests)

    # Three calls; the stream of the day is found missing once, and made.
    assert requests == {"PutObject": 3, "PutLogEvents": 4, "CreateLogStream": 1}


def test_a_process_has_one_client_for_each_service(taken: dict[str, Any]) -> None:
    assert taken["clients"] == {"s3": 1, "logs": 1}


def test_calls_share_their_connections(taken: dict[str, Any]) -> None:
    assert taken["first"]["connections"] == 2
    assert "connections" not in taken["last"]


def test_an_export_is_three_threads(taken: dict[str, Any]) -> None:
    """The courier's, and one for each sink."""
    assert taken["first"]["threads"] == taken["last"]["threads"] == 3


def test_an_export_is_two_fsyncs(taken: dict[str, Any]) -> None:
    """The file's, and its directory's for the name."""
    assert taken["first"]["fsyncs"] == taken["last"]["fsyncs"] == 2


def test_a_record_of_a_backlog_is_few_system_calls(taken: dict[str, Any]) -> None:
    """Each of them lets go of the interpreter, for which all threads of the pass wait."""
    backlog = taken["backlog"]

    # The file, a look for a note of why it was given up once, and one sink's mark.
    assert 3 <= backlog["open"] < 3.1
    # The journal, the file, the marks of both sinks, and that of its turn.
    assert 5 <= backlog["os.remove"] < 5.1
    assert backlog["fcntl.flock"] == 2


def test_a_backlog_shares_its_threads(taken: dict[str, Any]) -> None:
    """Each of its records is two things to send."""
    assert taken["backlog"]["threads"] < 0.5


def test_what_a_turn_leaves_in_memory_is_little_and_does_not_grow(taken: dict[str, Any]) -> None:
    """Ten events, without their words; the framework itself keeps each of them."""
    early, late = taken["blocks_a_turn"]

    assert 0 < early < 80
    assert late < early + 10


def test_a_record_of_forty_messages_is_small(taken: dict[str, Any], server: FaultServer) -> None:
    bodies = [request.body for request in server.requests if request.operation == "PutObject"]

    assert all(len(body) < 4_000 for body in bodies)
    assert all(len(gzip.decompress(body)) < 40_000 for body in bodies)


def test_the_import_loads_few_modules_and_nothing_heavy(taken: dict[str, Any]) -> None:
    roots = {name.partition(".")[0] for name in taken["modules"]}

    assert not {"boto3", "botocore", "watchtower", "re2", "phonenumbers", "voice_prices"} & roots
    assert len(taken["modules"]) <= 100


def test_attaching_loads_no_module(taken: dict[str, Any]) -> None:
    """It runs on the event loop, where the call has begun."""
    assert taken["loaded_by_attach"] == []


def test_a_backlog_is_one_request_a_record_and_sink(
    enter: Enter, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spool = Spool(tmp_path_factory.mktemp("backlog"))
    for number in range(60):
        spool.put(made(f"s{number}")).release()
    with FaultServer() as faults:
        enter(faults)
        wanted = Settings(s3_bucket="calls", log_group="/calls", spool_directory=spool.directory)
        report = Courier(spool, writers_for(wanted), budget=30.0).drain()
        requests = Counter(request.operation for request in faults.requests)

    assert len(report.sent) == 60
    assert requests["PutObject"] == 60
    # The stream is found missing by the first, which goes alone.
    assert (requests["PutLogEvents"], requests["CreateLogStream"]) == (61, 1)
