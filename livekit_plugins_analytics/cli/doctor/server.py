"""Whether the LiveKit server knows the key."""

from __future__ import annotations

import asyncio
import os
import re
import warnings

from .check import Check

_VARIABLES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")

# Told that it has less than 5 s, livekit-api asks once and does not go on to other regions. It
# takes that for a hint only (1.2.2 waits for ever): the limit is ours.
_SECONDS = 4.9

# HS256 wants a key as long as its hash (RFC 7518, 3.2); PyJWT warns about a shorter one.
_SECRET_BYTES = 32

_URL = re.compile(r"(wss?|https?)://[^/\s]+(/\S*)?", re.IGNORECASE)

_COPY = "Copy LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET from one project's settings"


def check_livekit() -> Check:
    """Ask the server for a room that nobody has, with the key."""
    values = [os.environ.get(name, "") for name in _VARIABLES]
    if missing := [name for name, value in zip(_VARIABLES, values, strict=True) if not value]:
        return Check(
            "warning",
            f"not asked: {', '.join(missing)} not set",
            "Set them where the agent runs; where only AWS is checked they are not needed",
        )
    url, key, secret = values
    if not _URL.fullmatch(url):
        return Check(
            "failed",
            "LIVEKIT_URL is no URL of a server",
            "Set LIVEKIT_URL to an address such as wss://project.livekit.cloud",
        )
    facts = {"url": url}
    if problem := asyncio.run(_asked(url, key, secret)):
        return Check("failed", f"{url}: {problem[0]}", problem[1], facts)
    detail = f"{url} knows the key"
    if (size := len(secret.encode())) < _SECRET_BYTES:
        return Check(
            "warning",
            f"{detail}; its secret has {size} bytes, which is weak for signing (RFC 7518)",
            f"Make a key with a secret of {_SECRET_BYTES} bytes or more",
            facts,
        )
    return Check("ok", detail, "", facts)


async def _asked(url: str, key: str, secret: str) -> tuple[str, str] | None:
    """What went wrong and its fix, or None."""
    import aiohttp
    from livekit import api

    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        with warnings.catch_warnings():
            # PyJWT's about a short secret: the report says it.
            warnings.simplefilter("ignore")
            async with api.LiveKitAPI(url, key, secret, timeout=timeout) as server:
                question = api.ListRoomsRequest(names=["analytics-doctor"])
                await asyncio.wait_for(server.room.list_rooms(question), _SECONDS)
    except api.TwirpError as error:
        if error.status in (401, 403):
            return f"the server refuses the key (HTTP {error.status})", _COPY
        return (
            f"the server answered HTTP {error.status}",
            "Check that LIVEKIT_URL is a LiveKit server, then its state",
        )
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
        return (
            f"out of reach ({type(error).__name__})",
            "Check LIVEKIT_URL and the way there: DNS, firewall, proxy, TLS",
        )
    return None
