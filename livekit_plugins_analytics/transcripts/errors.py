"""What LiveKit Cloud can answer instead of a transcript, each with its fix.

    CloudError
    ├── TokenRefused        401: the token is none, or has expired
    ├── RoleMissing         403: its user may not read this project
    ├── UnknownSession      404: no such session in the project
    ├── RecordingOff        400: the project records nothing
    ├── RateLimited         429: too many requests, still after waiting
    ├── Unavailable         5xx, no connection, no answer in time
    └── UnexpectedAnswer    anything else: not JSON, too large, cut off, another status

No message carries a token, what was said, or the query of a signed URL.
"""

from __future__ import annotations

from ..errors import AnalyticsError


class CloudError(AnalyticsError):
    """LiveKit Cloud gave no transcript. The message names the fix.

    Args:
        message: What happened and what to do.
        status: The answer's HTTP status; None where there was no answer.
    """

    of_session = True
    """True where another session may well be fetched; False where none will be."""
    transient = False
    """True where the same request may succeed later."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class TokenRefused(CloudError):
    """The token is none of a LiveKit user, or has expired."""

    of_session = False


class RoleMissing(CloudError):
    """The token's user may not read the observability data of the project."""

    of_session = False


class UnknownSession(CloudError):
    """The project has no such session."""


class RecordingOff(CloudError):
    """Recording of user data is off in the project, and nothing was recorded before.

    Args:
        message: What to do.
        status: The answer's HTTP status.
        dashboard_url: Where to switch it on; None where the answer did not say.
    """

    def __init__(
        self, message: str, *, status: int | None = None, dashboard_url: str | None = None
    ) -> None:
        self.dashboard_url = dashboard_url
        super().__init__(message, status=status)


class RateLimited(CloudError):
    """The project's requests of this minute are used up.

    Args:
        message: What to do.
        status: The answer's HTTP status.
        retry_after: Seconds that the server asks to wait; None where it did not say.
    """

    transient = True

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, status=status)


class Unavailable(CloudError):
    """The server failed, or did not answer in time."""

    transient = True


class UnexpectedAnswer(CloudError):
    """The answer is not what the API's documentation says."""
