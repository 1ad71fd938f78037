"""A disk without a byte left: records go from memory, that is said once, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LACK

PROGRAM = """
    import json, logging, os, sys, threading
    from functools import partial
    from pathlib import Path
    from livekit_plugins_analytics.delivery import Courier, Spool
    from tests.delivery.sinks import DENIED, Sink, made, settled

    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("livekit.plugins.analytics").addHandler(handler)

    disk = Path(sys.argv[1])
    spool, sink = Spool(disk / "spool"), Sink()
    courier = Courier(spool, [sink], budget=5)

    def call(name):
        shipment = courier.submit(partial(made, name))
        return shipment.delivered.result(), shipment.spooled.result()

    def fill():
        with open(disk / "filler", "ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError as error:
                return error.strerror

    result = {"before": call("s1")}
    result["disk"] = fill()
    result["full"] = [call("s2"), call("s3")]
    result["lost_while_sinks_take_it"] = courier.losses.total()
    sink.fail_with = DENIED
    result["nowhere"] = call("s4")
    settled()
    result["lost"] = courier.losses.total()
    result["told"] = courier.take_losses()
    sink.fail_with = None
    os.unlink(disk / "filler")
    result["after"] = call("s5")
    settled()
    fill()
    result["full_again"] = call("s6")
    os.unlink(disk / "filler")
    courier.losses.add("refused")
    result["on_disk"] = Spool(disk / "spool").losses.total()
    result["files"] = sorted(each.name for each in spool.directory.iterdir())
    result["sent"] = [each.session_id for each in sink.parcels]
    result["log"] = lines
    print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process saw on a file system of 256 kB of its own."""
    folder = tmp_path_factory.mktemp("disk")
    # In a namespace of its own: needs no rights, and is gone with the process.
    mount = f"mount -t tmpfs -o size=256k,mode=700 tmpfs {folder}"
    if not shutil.which("unshare"):
        pytest.skip(f"{LACK}unshare(1): a file system that can be filled")
    enter = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*enter, mount], capture_output=True).returncode:
        pytest.skip(f"{LACK}user namespaces: a file system that can be filled")
    done = subprocess.run(
        [*enter, f'{mount} && exec "$@"', "sh"]
        + [sys.executable, "-B", "-c", textwrap.dedent(PROGRAM), str(folder)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_disk_was_full(outcome: dict[str, Any]) -> None:
    assert outcome["disk"] == "No space left on device"
    assert outcome["before"] == outcome["after"] == [True, True]


def test_records_go_from_memory_and_none_is_lost(outcome: dict[str, Any]) -> None:
    assert outcome["full"] == [[True, False], [True, False]]
    assert outcome["full_again"] == [True, False]
    assert outcome["lost_while_sinks_take_it"] == {}
    assert outcome["sent"] == ["s1", "s2", "s3", "s5", "s6"]


def test_it_is_said_once_each_time_that_it_is_full_with_the_setting(
    outcome: dict[str, Any],
) -> None:
    said = [each for each in outcome["log"] if "took no analytics record" in each]
    assert len(said) == 2
    for each in said:
        assert "No space left on device" in each
        assert "ANALYTICS_SPOOL_DIRECTORY" in each


def test_what_no_sink_takes_meanwhile_is_lost_told_and_counted_on_disk_later(
    outcome: dict[str, Any],
) -> None:
    assert outcome["nowhere"] == [False, False]
    assert "the analytics of session s4 are lost" in "\n".join(outcome["log"])
    assert outcome["lost"] == {"memory": 1}
    assert outcome["told"] == 1
    assert outcome["on_disk"] == {"memory": 1, "refused": 1}


def test_nothing_is_left_behind(outcome: dict[str, Any]) -> None:
    assert outcome["files"] == ["lost.json"]
