"""What a sink's refusal says: of itself, of one record, or of one record for ever."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from livekit_plugins_analytics.errors import SinkError
from livekit_plugins_analytics.settings import Settings
from livekit_plugins_analytics.writers import MAX_EVENT_BYTES, Parcel, Writer, writers_for
from livekit_plugins_analytics.writers.directory import DirectoryWriter
from livekit_plugins_analytics.writers.verdicts import answered
from tests.servers import FaultServer
from tests.writers.conftest import Enter

from .sinks import made


def refusal(writer: Writer, parcel: Parcel) -> SinkError:
    """What a sink answers to a parcel that it does not take."""
    with pytest.raises(SinkError) as caught:
        writer.write(parcel)
    assert not caught.value.retryable
    return caught.value


def cloudwatch() -> Writer:
    (writer,) = writers_for(Settings(log_group="/calls"))
    return writer


@pytest.mark.parametrize("event", [b"x" * (MAX_EVENT_BYTES + 1), b"\xff"])
def test_an_event_that_cloudwatch_can_never_take_is_refused_for_good(event: bytes) -> None:
    failure = refusal(cloudwatch(), made(event=event))
    assert (failure.of_record, failure.final) == (True, True)


def test_an_event_that_is_too_old_for_a_group_is_no_fault_of_the_sink(
    faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    faults.logs_mode = "rejected"
    failure = refusal(cloudwatch(), made())
    # A longer retention would let it in.
    assert (failure.of_record, failure.final) == (True, False)


@pytest.mark.parametrize("mode", ["access_denied", "missing", "expired_token"])
def test_a_failure_of_the_configuration_is_no_record_s(
    mode: str, faults: FaultServer, enter: Enter
) -> None:
    enter(faults)
    faults.mode = mode  # type: ignore[assignment]  # one of its modes
    for writer in writers_for(Settings(s3_bucket="calls", log_group="/calls")):
        assert not refusal(writer, made()).of_record


def test_a_name_that_leaves_the_directory_is_refused_for_good(tmp_path: Path) -> None:
    assert refusal(DirectoryWriter(tmp_path), made(name="../s1.json.gz")).final


def test_what_is_in_a_file_s_way_is_in_no_other_s(tmp_path: Path) -> None:
    (tmp_path / "sessions" / made().name).mkdir(parents=True)
    failure = refusal(DirectoryWriter(tmp_path), made())
    assert (failure.code, failure.of_record, failure.final) == ("EISDIR", True, False)


def test_a_name_that_is_too_long_for_the_disk_is_no_other_s(tmp_path: Path) -> None:
    failure = refusal(DirectoryWriter(tmp_path), made(name="x" * 300))
    assert (failure.code, failure.of_record, failure.final) == ("ENAMETOOLONG", True, False)


@pytest.mark.parametrize(
    ("status", "code", "of_record", "final"),
    [
        (400, "EntityTooLarge", True, True),
        (503, "EntityTooLarge", False, False),  # a proxy that is not well
        (400, "KeyTooLongError", True, False),  # ANALYTICS_S3_PREFIX is part of the key
        (403, "AccessDenied", False, False),
        (404, "NoSuchBucket", False, False),
    ],
)
def test_what_s3_has_against_an_object(
    status: int, code: str, of_record: bool, final: bool
) -> None:
    failure = answered("s3", "PutObject", status, code)
    assert (failure.of_record, failure.final) == (of_record, final)


def test_a_failure_survives_its_way_between_processes() -> None:
    failure = SinkError("s3", "EntityTooLarge", retryable=False, fix="Smaller.", final=True)
    assert vars(pickle.loads(pickle.dumps(failure))) == vars(failure)
