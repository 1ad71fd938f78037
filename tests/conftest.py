"""Fixtures for the real servers, each started when the first test asks for it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext, suppress

import hypothesis
import pytest

from tests import tools
from tests.servers import FaultServer, LiveKitServer, MotoServer, ToolUnavailable, VersityGateway

# How long an example takes says more of the machine's load than of the code.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# Opens the reason of a skip, by which the summary finds it, from other processes too.
LACK = "SKIPPED FOR LACK OF "

# What the fixtures need that may have to be built.
TOOLS = {"livekit_server": tools.livekit_server, "versity": tools.versitygw}


@pytest.fixture(scope="session")
def livekit_server() -> Iterator[LiveKitServer]:
    """A livekit-server whose rooms go a second after the last participant."""
    with LiveKitServer(departure_timeout=1) as server:
        yield server


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    """S3 and CloudWatch Logs by moto, shared: use bucket and group names of your own."""
    with MotoServer() as server:
        yield server


@pytest.fixture(scope="session")
def versity() -> Iterator[VersityGateway]:
    """An S3 that checks signatures, shared: use bucket names of your own."""
    with VersityGateway() as server:
        yield server


@pytest.fixture
def faults() -> Iterator[FaultServer]:
    """An S3 and CloudWatch Logs that fails on demand."""
    with FaultServer() as server:
        yield server


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the tools of the tests to come: in minutes, which no test's own timeout allows for."""
    if session.config.option.collectonly:
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for name in TOOLS.keys() & wanted:
        # Progress goes to the terminal; a lack is told by the tests that suffer it.
        with (
            suppress(ToolUnavailable),
            capture.global_and_fixture_disabled() if capture else nullcontext(),
        ):
            TOOLS[name]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud which tools were lacking."""
    reasons = {
        report.longrepr[2].partition(LACK)[2]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and LACK in report.longrepr[2]
    }
    for reason in sorted(reasons):
        terminalreporter.write_line(LACK + reason, red=True, bold=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    """Skip a test whose fixture lacks a tool."""
    with _skipping():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """Skip a test that starts a server itself and lacks a tool."""
    with _skipping():
        return (yield)


@contextmanager
def _skipping() -> Iterator[None]:
    """Turn the lack of a tool into a skip, except where CI promises to have everything."""
    try:
        yield
    except ToolUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{LACK}{error}")
