"""One trustworthy record per LiveKit voice-agent call, in your own AWS account.

import livekit_plugins_analytics as analytics

@server.rtc_session(agent_name="sales", on_session_end=analytics.on_session_end)
async def entrypoint(ctx: JobContext):
    session = AgentSession(...)
    analytics.attach(session, ctx)
    await session.start(SalesAgent(), room=ctx.room)
"""

import functools
import importlib
import sys
import typing

from .errors import AnalyticsError, SettingsError, SinkError, SpoolError
from .log import logger
from .settings import Settings
from .version import __version__
from .writers import Parcel, Writer

if typing.TYPE_CHECKING:
    from .costs import Rate, RateCard, RatesError
    from .record import SCHEMA_VERSION, SessionRecord
    from .recorder import Recorder
    from .session import attach, current, on_session_end, prewarm

__all__ = [
    "SCHEMA_VERSION",
    "AnalyticsError",
    "Parcel",
    "Rate",
    "RateCard",
    "RatesError",
    "Recorder",
    "SessionRecord",
    "Settings",
    "SettingsError",
    "SinkError",
    "SpoolError",
    "Writer",
    "__version__",
    "attach",
    "current",
    "on_session_end",
    "prewarm",
]


# What is loaded when it is asked for, and where it is. What needs the framework: commands on stored
# records start without its second, and a Lambda function has no room for it.
_WITH_LIVEKIT = {
    "Recorder": "recorder",
    "attach": "session",
    "current": "session",
    "on_session_end": "session",
    "prewarm": "session",
}
# And what few agents ask for: their start does without these 20 ms.
_SELDOM = {
    "Rate": "costs",
    "RateCard": "costs",
    "RatesError": "costs",
    "SCHEMA_VERSION": "record",
    "SessionRecord": "record",
}


def __getattr__(name: str) -> typing.Any:
    """Load what is not loaded with the package."""
    module = (_WITH_LIVEKIT | _SELDOM).get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _WITH_LIVEKIT:
        _register()
    value = getattr(importlib.import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


@functools.cache
def _register() -> None:
    """Make the package known to the framework, which preloads what it names in its forkserver."""
    from livekit.agents import Plugin

    class AnalyticsPlugin(Plugin):
        """What the framework lists and preloads."""

        def __init__(self) -> None:
            super().__init__(__name__, __version__, f"{__name__}.preload", logger)

    try:
        Plugin.register_plugin(AnalyticsPlugin())
    except RuntimeError:
        # Imported off the main thread first: the framework refuses, and recording does not need
        # it.
        logger.debug("imported off the main thread; not registered as a plugin")


# In an agent the framework is there already, or is asked for by what follows.
if "livekit.agents" in sys.modules:
    for _name in _WITH_LIVEKIT:
        __getattr__(_name)
