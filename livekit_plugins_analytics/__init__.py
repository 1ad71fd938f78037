"""One trustworthy record per LiveKit voice-agent call, in your own AWS account.

import livekit_plugins_analytics as analytics

@server.rtc_session(agent_name="sales", on_session_end=analytics.on_session_end)
async def entrypoint(ctx: JobContext):
    session = AgentSession(...)
    analytics.attach(session, ctx)
    await session.start(SalesAgent(), room=ctx.room)
"""

from .costs import Rate, RateCard, RatesError
from .errors import AnalyticsError, SettingsError, SinkError, SpoolError
from .log import logger
from .record import SCHEMA_VERSION, SessionRecord
from .settings import Settings
from .version import __version__
from .writers import Parcel, Writer

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


try:
    from livekit.agents import Plugin
except ModuleNotFoundError as error:
    # What works on stored records needs no framework, and a Lambda function has no room for it.
    if error.name not in ("livekit", "livekit.agents"):
        raise
else:
    from .recorder import Recorder
    from .session import attach, current, on_session_end, prewarm

    class AnalyticsPlugin(Plugin):
        """Makes the package known to the framework, which preloads it in its forkserver."""

        def __init__(self) -> None:
            super().__init__(__name__, __version__, __package__ or __name__, logger)

    try:
        Plugin.register_plugin(AnalyticsPlugin())
    except RuntimeError:
        # Imported off the main thread first: the framework refuses, and recording does not need
        # it.
        logger.debug("imported off the main thread; not registered as a plugin")
