"""The processes of an ending: worker, caller, and a livekit-server that comes back."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.endings import wire
from tests.endings.wire import Wire
from tests.servers import LiveKitServer
from tests.servers.process import ServerProcess

PROJECT = Path(__file__).parents[2]


class PythonProcess(ServerProcess):
    """A module of ours, ready when it has said so on the wire.

    Args:
        name: What messages call it.
        arguments: The module and its arguments.
        environment: Its variables, beside ours that are not settings of anything.
        line: Where it speaks.
        ready: The event that it tells when it is ready.
    """

    # It is not asked: what it has to say was said, or is what an ending must not need.
    term_timeouts = (0.0, 0.0)

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        line: Wire,
        ready: str,
    ) -> None:
        super().__init__(name)
        self._arguments = arguments
        self._given = environment
        self._line = line
        self._ready_event = ready

    def _command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", *self._arguments]

    def _environment(self) -> Mapping[str, str]:
        ours = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("AWS_", "ANALYTICS_", "LIVEKIT_"))
        }
        path = os.pathsep.join(filter(None, [str(PROJECT), ours.get("PYTHONPATH")]))
        # The second: 244 MB of a model that no ending needs.
        more = {"PYTHONPATH": path, "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0"}
        return {**ours, **more, wire.VARIABLE: self._line.address, **self._given}

    def _ready(self) -> bool:
        return any(m.group == self.pid for m in self._line.all(self._ready_event))


class SteadyServer(LiveKitServer):
    """A livekit-server that has its ports again when it is started again."""

    def __init__(self, departure_timeout: int) -> None:
        super().__init__(departure_timeout=departure_timeout)
        self._first: Sequence[str | Path] = ()

    def _command(self) -> Sequence[str | Path]:
        self._first = self._first or super()._command()
        return self._first
