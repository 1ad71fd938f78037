"""The package's logger. It never carries what a caller said, credentials or signed URLs."""

import logging

# The name that LiveKit's own plugins use, so that one setting covers them all.
logger = logging.getLogger("livekit.plugins.analytics")
