"""Processes are killed at any moment: no record that was on disk is lost, torn or overtaken.

``ANALYTICS_CHAOS=1000`` kills a thousand writers and as many drainers instead of forty.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.servers import FaultServer
from tests.writers.conftest import Enter

from .chaos import body
from .sinks import files

KILLS = int(os.environ.get("ANALYTICS_CHAOS", "40"))


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
@pytest.mark.timeout(60 + 2 * KILLS)
def test_killed_writers_and_drainers_lose_nothing(
    faults: FaultServer, enter: Enter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(faults)
    seed = str(random.SystemRandom().randrange(10**9))
    environment = {
        **os.environ,
        **faults.environment(),
        "ANALYTICS_S3_BUCKET": "calls",
        "ANALYTICS_LOG_GROUP": "/calls",
    }
    result = subprocess.run(
        [sys.executable, "-m", "tests.delivery.chaos", str(tmp_path), str(KILLS), seed],
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures = json.loads(result.stdout)

    acknowledged: Counter[str] = Counter()
    for line in (tmp_path / "acknowledged").read_text().splitlines():
        session_id, revision = line.split()
        acknowledged[session_id] = max(int(revision), acknowledged[session_id])
    stored: dict[str, int] = {}
    torn, overtaken, puts = [], [], Counter[tuple[str, int]]()
    for request in faults.requests:
        if request.operation != "PutObject" or not request.stored:
            continue
        name, number = request.body.split(b" ", 2)[:2]
        record = name.decode(), int(number)
        if request.body != body(*record) or not request.key.endswith(f"/{record[0]}.json.gz"):
            torn.append(record)
        if record[1] < stored.get(record[0], 0):
            overtaken.append(record)
        stored[record[0]] = record[1]
        puts[record] += 1
    objects = {key.rpartition("/")[2].removesuffix(".json.gz") for key in faults.objects("calls")}
    events = Counter(
        (e["message"]["session_id"], e["message"]["revision"]) for e in faults.events("/calls")
    )
    in_logs = {session_id: max(r for s, r in events if s == session_id) for session_id, _ in events}
    figures |= {
        "records": len(acknowledged),
        "lost": sum(stored.get(s, 0) < r or in_logs.get(s, 0) < r for s, r in acknowledged.items()),
        "torn": len(torn),
        "overtaken": len(overtaken),
        "sent_twice_to_s3": sum(puts.values()) - len(puts),
        "twice_in_cloudwatch": sum(events.values()) - len(events),
    }
    with capsys.disabled():
        print(f"\nseed {seed}: {figures}")

    assert figures["writers_killed"] > KILLS * 0.9
    assert figures["given_up"] > 0
    assert figures["records"] > KILLS
    assert (figures["lost"], figures["torn"], figures["overtaken"]) == (0, 0, 0)
    assert objects == stored.keys() >= acknowledged.keys()
    # Of the counts a kill can leave one too many, and a new file that was not put in place.
    assert set(files(tmp_path / "spool")) <= {"lost.json", "lost.new"}
