"""A caller in a process of its own, for those who are killed: they neither hang up nor close."""

from __future__ import annotations

import asyncio
import os

from tests.calls.agents import GREETING
from tests.calls.caller import Caller
from tests.endings import wire

URL, TOKEN = "ENDINGS_CALLER_URL", "ENDINGS_CALLER_TOKEN"


async def main() -> None:
    """Join, wait for the greeting, stay."""
    caller = Caller()
    await caller.join(os.environ[URL], os.environ[TOKEN])
    await caller.hears(GREETING)
    wire.tell("greeted")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
