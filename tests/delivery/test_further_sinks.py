"""Firehose and the webhook are spooled, retried and drained like every other sink."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from livekit_plugins_analytics.delivery import Courier, Spool
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import Writer, writers_for
from tests.servers import FaultServer, Receiver, Reply
from tests.writers.conftest import Enter

from .sinks import LONG, PATIENCE, SHORT, delivered, files, made, settled


def sinks(faults: FaultServer, receiver: Receiver, enter: Enter, records: Path) -> list[Writer]:
    enter(faults)
    writers = writers_for(
        Settings(
            directory=records,
            firehose_stream="calls",
            webhook_url=f"http://127.0.0.1:{receiver.port}/",
            webhook_secret="whsec_" + base64.b64encode(bytes(32)).decode(),
            webhook_allow_http=True,
            webhook_allow_private=True,
        )
    )
    for writer in writers:
        writer.prepare()
    return writers


def sessions(faults: FaultServer, receiver: Receiver) -> tuple[list[str], list[str]]:
    """The sessions in each of the two, as they came."""
    streamed = [json.loads(line)["session_id"] for line in faults.records("calls")]
    posted = [json.loads(each.body)["data"]["session_id"] for each in receiver.requests]
    return streamed, posted


def test_what_fails_for_a_moment_arrives_in_the_budget(
    faults: FaultServer, enter: Enter, tmp_path: Path
) -> None:
    with Receiver() as receiver:
        receiver.replies.extend([Reply(500), None])
        writers = sinks(faults, receiver, enter, tmp_path / "records")
        faults.plan("firehose", "rejected", "throttle")
        courier = Courier(Spool(tmp_path / "spool"), writers, budget=LONG)

        assert delivered(courier.submit(made))

        assert sessions(faults, receiver) == (["s1"], ["s1"] * 3)
        assert len({each.headers["webhook-id"] for each in receiver.requests}) == 1
        assert files(tmp_path / "spool") == []


@pytest.mark.parametrize("failing", ["firehose", "webhook"])
def test_what_is_down_gets_the_record_later_and_the_others_at_once(
    failing: str, faults: FaultServer, enter: Enter, tmp_path: Path
) -> None:
    with Receiver() as receiver:
        writers = sinks(faults, receiver, enter, tmp_path / "records")
        if failing == "firehose":
            faults.firehose_mode = "access_denied"
        else:
            receiver.replies.append(Reply(410))
        spool = Spool(tmp_path / "spool")
        shipment = Courier(spool, writers, budget=SHORT).submit(made)

        assert shipment.delivered.result(PATIENCE) is False
        assert shipment.places.keys() == {"directory", "firehose", "webhook"} - {failing}
        settled()
        faults.mode = "ok"
        report = Courier(spool, writers, budget=LONG).drain()

        assert report.sent == ["s1"]
        assert sessions(faults, receiver) == (["s1"], ["s1"] * (2 if failing == "webhook" else 1))
        assert files(spool.directory) == []
