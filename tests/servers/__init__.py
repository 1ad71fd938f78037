"""Real servers for tests, each on free loopback ports and gone when the test ends."""

from tests.tools import ToolUnavailable

from .aws import MotoServer
from .faults import FaultServer, Mode, Request
from .livekit import LiveKitServer
from .process import ServerFailed
from .receiver import Received, Receiver, Reply
from .versity import VersityGateway

__all__ = [
    "FaultServer",
    "LiveKitServer",
    "Mode",
    "MotoServer",
    "Received",
    "Receiver",
    "Reply",
    "Request",
    "ServerFailed",
    "ToolUnavailable",
    "VersityGateway",
]
