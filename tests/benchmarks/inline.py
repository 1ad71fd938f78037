"""The baseline: analytics as one writes them without this package, on the loop of the call.

What happened is kept in a list, and an async shutdown callback makes JSON of it, compresses it,
makes a boto3 client, puts the object, and logs the same through a queued watchtower handler.
"""

from __future__ import annotations

import gzip
import json
import logging
import uuid
from typing import Any

import boto3
from botocore.config import Config
from livekit.agents import AgentSession
from watchtower import CloudWatchLogHandler

GROUP = "/calls"
BUCKET = "calls"


class InlineAnalytics:
    """What one would write in the agent's own file.

    Args:
        session: The session.
        config: For boto3's clients.
    """

    def __init__(self, session: AgentSession[Any], config: Config | None = None) -> None:
        self.session_id = uuid.uuid4().hex
        self._session = session
        self._config = config
        self._events: list[dict[str, Any]] = []
        # Made as the agent starts, as one does: not part of what the export takes.
        self._handler = CloudWatchLogHandler(
            log_group_name=GROUP,
            log_stream_name="inline",
            boto3_client=boto3.client("logs", config=config),
            create_log_group=False,
            max_message_size=1_000_000,
        )
        self._logger = logging.Logger("inline")
        self._logger.addHandler(self._handler)
        for name in ("conversation_item_added", "function_tools_executed", "agent_state_changed"):
            session.on(name, self._keep)

    def payload(self) -> dict[str, Any]:
        """What is stored."""
        return {
            "session_id": self.session_id,
            "events": self._events,
            "history": self._session.history.to_dict(exclude_timestamp=False),
            "usage": [usage.model_dump() for usage in self._session.usage.model_usage],
        }

    async def shutdown(self) -> None:
        """The shutdown callback; returns when both have it."""
        payload = self.payload()
        body = gzip.compress(json.dumps(payload, indent=2, default=str).encode())
        s3 = boto3.client("s3", config=self._config)
        s3.put_object(Bucket=BUCKET, Key=f"inline/{self.session_id}.json.gz", Body=body)
        self._logger.info(json.dumps(payload, default=str))
        self._handler.flush()  # type: ignore[no-untyped-call]  # watchtower has no types

    def close(self) -> None:
        """End the handler's thread."""
        self._handler.close()  # type: ignore[no-untyped-call]  # watchtower has no types

    def _keep(self, event: Any) -> None:
        self._events.append(event.model_dump(mode="json"))
