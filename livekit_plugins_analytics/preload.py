"""What every job needs, made once in the worker's forkserver.

It is what the registered plugin has the framework preload there. Importing it compiles the signal
rules, and loads the AWS SDK, the models of the services in use and the list prices; job processes
inherit all that, and share its memory. It looks up no credentials, sends nothing and starts no
thread. Where processes are spawned, as on Windows and macOS, each does it for itself: `prewarm`
does then.
"""

from __future__ import annotations

import importlib

from .errors import AnalyticsError
from .log import logger
from .masking import load_redactor
from .rendering import load_prices
from .rulebook import compile_rules
from .settings import Settings
from .writers import load_sdk

# What works with the framework, which itself may come later in the forkserver's list, and what is
# loaded where a killed call is recovered, or a record sent that was left behind.
_MODULES = (
    "livekit_plugins_analytics.session",
    "livekit_plugins_analytics.recovery",
    "livekit_plugins_analytics.delivery.drain",
)


def _preload() -> None:
    for name in _MODULES:
        importlib.import_module(name)
    settings, _ = Settings.load_leniently()  # `prewarm` tells what is wrong with them
    if not settings.enabled:
        return
    compile_rules(settings.signals)
    load_prices()
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
