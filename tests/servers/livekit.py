"""A real livekit-server."""

from __future__ import annotations

import http.client
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from livekit import api

from tests.tools import livekit_server

from .process import ServerProcess, free_ports

# For one answer of a server on this machine.
REQUEST_TIMEOUT = 5.0


class LiveKitServer(ServerProcess):
    """A LiveKit server of one node, with a key pair of its own.

    Args:
        departure_timeout: Whole seconds a room lives on after the last participant left.
        empty_timeout: Whole seconds a room lives on when nobody ever joined.

    Attributes:
        url: ``ws://127.0.0.1:<port>``, for rooms and workers.
        http_url: The same address for the server API.
        api_key: Key id.
        api_secret: Secret of 32 characters; PyJWT warns about shorter ones.
    """

    def __init__(self, departure_timeout: int = 1, empty_timeout: int = 10) -> None:
        super().__init__("livekit-server")
        self.departure_timeout = departure_timeout
        self.empty_timeout = empty_timeout
        self.api_key = "devkey"
        self.api_secret = secrets.token_hex(16)  # only this server accepts it
        self.url = self.http_url = ""

    def token(
        self,
        identity: str,
        room: str,
        kind: api.AccessToken.ParticipantKind | None = None,
        attributes: dict[str, str] | None = None,
        **grants: Any,
    ) -> str:
        """Return a token to join a room.

        Args:
            identity: Who joins.
            room: The room's name.
            kind: What the others see, as ``sip``.
            attributes: The participant's attributes.
            grants: Further fields of ``livekit.api.VideoGrants``.
        """
        token = (
            api.AccessToken(self.api_key, self.api_secret)
            .with_identity(identity)
            .with_grants(api.VideoGrants(**{"room_join": True, "room": room, **grants}))
        )
        if kind:
            token = token.with_kind(kind)
        if attributes:
            token = token.with_attributes(attributes)
        return token.to_jwt()

    def api(self) -> api.LiveKitAPI:
        """Return a client of the server API, to be made inside a loop and closed by the caller."""
        return api.LiveKitAPI(self.http_url, self.api_key, self.api_secret)

    def environment(self) -> dict[str, str]:
        """Return the variables that lead a worker in a child process here."""
        return {
            "LIVEKIT_URL": self.url,
            "LIVEKIT_API_KEY": self.api_key,
            "LIVEKIT_API_SECRET": self.api_secret,
        }

    def _command(self) -> Sequence[str | Path]:
        binary = livekit_server()
        http_port, tcp_port, udp_port = free_ports(3)
        self.url = f"ws://127.0.0.1:{http_port}"
        self.http_url = f"http://127.0.0.1:{http_port}"
        config = {
            "port": http_port,
            "bind_addresses": ["127.0.0.1"],
            "keys": {self.api_key: self.api_secret},
            "rtc": {
                "tcp_port": tcp_port,
                "udp_port": udp_port,
                "use_external_ip": False,  # would ask a STUN server
                "enable_loopback_candidate": True,  # media over 127.0.0.1 too
            },
            "room": {
                "departure_timeout": self.departure_timeout,
                "empty_timeout": self.empty_timeout,
            },
        }
        # JSON is YAML.
        return [binary, "--config-body", json.dumps(config), "--node-ip", "127.0.0.1"]

    def _environment(self) -> Mapping[str, str]:
        # LIVEKIT_KEYS, LIVEKIT_CONFIG and others of the developer would change the server.
        return {k: v for k, v in os.environ.items() if not k.startswith("LIVEKIT_")}

    def _ready(self) -> bool:
        """Return whether the room service answers our key, which no other server does."""
        grants = api.VideoGrants(room_list=True)
        token = api.AccessToken(self.api_key, self.api_secret).with_grants(grants).to_jwt()
        connection = http.client.HTTPConnection(
            self.http_url.removeprefix("http://"), timeout=REQUEST_TIMEOUT
        )
        try:
            connection.request(
                "POST",
                "/twirp/livekit.RoomService/ListRooms",
                "{}",
                {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
            return connection.getresponse().status == 200
        except http.client.HTTPException:
            return False
        finally:
            connection.close()
