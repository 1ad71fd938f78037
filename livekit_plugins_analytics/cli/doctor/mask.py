"""Keeps secrets out of the report, whatever a check put into it."""

from __future__ import annotations

import os
import re
from typing import Any

# Variables that hold a secret by their name; a *_FILE holds a path.
_SECRET_NAME = re.compile(
    r"SECRET|TOKEN|PASSW|CREDENTIAL|WEBHOOK_URL|(API|ACCESS|PRIVATE)_?KEY", re.IGNORECASE
)

# Shorter ones are not worth hiding, and hiding "true" or "dev" would garble the report.
_SHORTEST = 8

# Up to the last '@', since a password may hold one or a slash.
_USER_IN_URL = re.compile(r"\b(https?|wss?)://\S*@")
# Signed URLs carry their signature there.
_QUERY_OF_URL = re.compile(r"\b((?:https?|wss?)://[^\s?]*)\?\S+")


def last_four(identifier: str) -> str:
    """A key's id, told apart from others but not given away."""
    return f"***{identifier[-4:]}" if len(identifier) >= _SHORTEST else "***"


class Mask:
    """Replaces the secrets of this process' environment, and what is secret in a URL."""

    def __init__(self) -> None:
        secrets = {
            form
            for name, value in os.environ.items()
            if _SECRET_NAME.search(name) and not name.upper().endswith("_FILE")
            for form in (value, value.strip())
            if len(form) >= _SHORTEST
        }
        # The longest first: one may be a part of another.
        self._secrets = sorted(secrets, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, last_four(secret) if _is_id(secret) else "***")
        text = _USER_IN_URL.sub(r"\1://***@", text)
        return _QUERY_OF_URL.sub(r"\1?***", text)

    def value(self, value: Any) -> Any:
        """A JSON value without secrets in its texts."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.value(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.value(each) for each in value]
        return value


def _is_id(text: str) -> bool:
    """Whether it is an access key's id, of which the end may be shown."""
    return text.strip() == os.environ.get("AWS_ACCESS_KEY_ID", "").strip()
