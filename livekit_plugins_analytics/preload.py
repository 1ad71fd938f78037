"""What every job needs, made once in the worker's forkserver: name it there.

    server = AgentServer(preload_modules=["livekit_plugins_analytics.preload"])

Importing it compiles the signal rules, and loads the AWS SDK, the models of the services in use and
the list prices; job processes inherit all that, and share its memory. It looks up no credentials,
sends nothing and starts no thread. Where processes are spawned, as on Windows and macOS, each would
do it for itself: `prewarm` does then.
"""

from __future__ import annotations

import importlib

from .errors import AnalyticsError
from .log import logger
from .masking import load_redactor
from .rulebook import compile_rules
from .settings import Settings
from .writers import load_sdk

# Loaded by the end of a call, or where a killed one is recovered.
_LATER = ("voice_prices", "livekit_plugins_analytics.recovery")


def _preload() -> None:
    settings, _ = Settings.load_leniently()  # `prewarm` tells what is wrong with them
    if not settings.enabled:
        return
    for name in _LATER:
        importlib.import_module(name)
    compile_rules(settings.signals)
    load_sdk(settings)
    try:
        load_redactor(settings)
    except AnalyticsError:
        return  # logged


try:
    _preload()
except Exception as error:
    # Anything but an ImportError would end the forkserver, and with it every call.
    logger.warning("analytics is not preloaded (%s); each job does it", type(error).__name__)
