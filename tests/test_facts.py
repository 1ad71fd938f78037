"""Who and where a session is comes from its job; what is no fact is null."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import create_autospec

import pytest
from livekit import agents, rtc
from livekit.agents import JobContext, JobExecutorType, JobProcess
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.agents.testing import fake_job_context
from livekit.agents.types import ATTRIBUTE_SIMULATOR_DISPATCH
from livekit.protocol.agent import Job
from livekit.protocol.models import Room

from livekit_plugins_analytics.facts import Facts, numbered
from livekit_plugins_analytics.session_id import MAX_SESSION_ID, safe_session_id


@contextmanager
def job_context(job: Job, *, room: Any = None, fake: bool = False) -> Iterator[JobContext]:
    """The framework's own context of a job, as a worker makes it."""
    info = RunningJobInfo(
        accept_arguments=JobAcceptArguments(identity="agent", name="", metadata=""),
        job=job,
        url="",
        token="",
        worker_id="AW_1",
        fake_job=fake,
    )
    ctx = JobContext(
        proc=JobProcess(executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None),
        info=info,
        room=room or rtc.Room(),
        on_connect=lambda: None,
        on_shutdown=lambda _: None,
        inference_executor=None,  # type: ignore[arg-type]  # nothing is inferred here
    )
    try:
        yield ctx
    finally:
        ctx._tempdir.cleanup()


def job(**fields: Any) -> Job:
    return Job(
        id="AJ_1",
        room=Room(sid="RM_1", name="call-4711"),
        agent_name="sales",
        **fields,
    )


async def test_a_job_tells_where_its_session_is() -> None:
    with job_context(job()) as ctx:
        assert Facts.of(ctx) == Facts(
            job_id="AJ_1",
            room_name="call-4711",
            room_sid="RM_1",
            agent_name="sales",
            worker_id="AW_1",
            simulated=False,
            redaction=False,
            sdk_version=agents.__version__,
        )


async def test_what_a_job_does_not_say_is_null() -> None:
    with job_context(Job(id="AJ_1")) as ctx:
        facts = Facts.of(ctx)

    assert (facts.room_name, facts.room_sid, facts.agent_name) == (None, None, None)


@pytest.mark.parametrize("redaction", [True, False])
async def test_a_project_that_has_its_data_redacted_is_known(redaction: bool) -> None:
    with job_context(job(enable_redaction=redaction)) as ctx:
        assert Facts.of(ctx).redaction is redaction


def test_without_a_job_there_is_nothing_to_know() -> None:
    facts = Facts.of(None)

    assert facts == Facts()
    assert facts.simulated
    assert facts.sdk_version == agents.__version__


async def test_a_fake_job_is_simulated() -> None:
    with fake_job_context() as ctx:
        facts = Facts.of(ctx)
        ctx._tempdir.cleanup()

    assert facts.simulated
    assert (facts.job_id, facts.room_name, facts.worker_id) == ("fake-job", "fake-room", "fake")


async def test_a_job_of_a_simulation_is_simulated() -> None:
    dispatch = '{"simulationRunId": "SR_1"}'

    with job_context(job(attributes={ATTRIBUTE_SIMULATOR_DISPATCH: dispatch})) as ctx:
        assert Facts.of(ctx).simulated


async def test_nothing_is_read_from_the_mock_room_of_a_fake_job() -> None:
    room = create_autospec(rtc.Room, instance=True)

    with job_context(job(), room=room, fake=True) as ctx:
        facts = Facts.of(ctx)

    assert (facts.room_name, facts.room_sid) == ("call-4711", "RM_1")


async def test_the_facts_are_there_before_any_connection() -> None:
    with job_context(job()) as ctx:
        assert not ctx.room.isconnected()
        assert Facts.of(ctx).room_sid == "RM_1"
        assert len(asyncio.all_tasks()) == 1


# -- session ids


def test_a_session_id_is_the_rooms_and_the_jobs() -> None:
    facts = Facts(room_sid="RM_1", job_id="AJ_1", simulated=False)

    assert facts.session_id() == facts.session_id() == "RM_1-AJ_1"


@pytest.mark.parametrize(
    "facts",
    [
        Facts(),
        Facts(room_sid="RM_1", job_id="fake-job"),
        Facts(job_id="AJ_1", simulated=False),
        Facts(room_sid="RM_1", simulated=False),
    ],
)
def test_where_these_are_not_unique_the_id_is_random(facts: Facts) -> None:
    ids = {facts.session_id() for _ in range(100)}

    assert len(ids) == 100
    for session_id in ids:
        assert safe_session_id(session_id) == session_id
        assert session_id.startswith(facts.room_sid or facts.job_id or "local-")


def test_a_session_id_is_safe_for_a_file_name() -> None:
    facts = Facts(room_sid="../RM 1", job_id="AJ/1", simulated=False)

    assert facts.session_id() == "RM-1-AJ-1"


@pytest.mark.parametrize(
    ("session_id", "number", "result"),
    [
        ("RM_1-AJ_1", 1, "RM_1-AJ_1"),
        ("RM_1-AJ_1", 2, "RM_1-AJ_1-2"),
        ("RM_1-AJ_1", 11, "RM_1-AJ_1-11"),
        ("x" * 100, 1, "x" * 100),
        ("x" * 100, 2, "x" * 98 + "-2"),
        ("x" * 100, 11, "x" * 97 + "-11"),
    ],
)
def test_the_second_session_of_a_job_has_a_number(
    session_id: str, number: int, result: str
) -> None:
    assert numbered(session_id, number) == result
    assert len(result) <= MAX_SESSION_ID
