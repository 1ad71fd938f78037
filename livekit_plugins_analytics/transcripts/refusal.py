"""What an HTTP answer other than 200 means, and what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from pydantic import ValidationError

from .errors import (
    CloudError,
    RateLimited,
    RecordingOff,
    RoleMissing,
    TokenRefused,
    Unavailable,
    UnexpectedAnswer,
    UnknownSession,
)
from .wire import Failure

# gRPC's status codes, of which the API's answers have the number.
_NOT_FOUND = 5
_FAILED_PRECONDITION = 9

_RECORDING_OFF = "observability.v1.ObservabilityDisabled"

# What a terminal shows as it is.
_URL = re.compile(r"https?://[!-~]{1,500}")

_TOKEN = (
    "the token is refused. It must be the session token of a LiveKit user (`lk cloud auth"
    " --user-auth`), not a project's API key or secret, and it expires: put a new one in"
    " LIVEKIT_CLOUD_TOKEN or the variable of --token-env"
)
_ROLE = (
    "the token's user may not read this project's sessions. Give them the Admin role in the"
    " project, or correct --project"
)
_SESSION = (
    "the project has no such session. A session's id is its room's (RM_..., `room_sid` in a"
    " record); check it and --project. Sessions older than the plan keeps them are gone"
)
_OFF = (
    "recording of user data is off in the project, and this session has none. It can be switched"
    " on for the sessions to come{place}"
)
_RATE = (
    "too many requests to the project in this minute{asked}. Try again later, or ask less often"
    " (--requests-per-minute)"
)
_FAILED = "the server failed with HTTP {status}. Try again later"
_SIGNED = (
    "the store refused the signed URL with HTTP {status}: it has expired or the file is gone. Try"
    " again"
)
_PATH = (
    "the API is not there (HTTP {status}). Check --base-url and --api-version: the documented one"
    " is v0, a newer one v1"
)
_REDIRECT = (
    "the server leads elsewhere (HTTP {status}), where the token is not sent. Set --base-url to"
    " the API itself"
)
_OTHER = (
    "unexpected HTTP {status}{code}. Check --project, --api-version and --page-size, and that this"
    " version of the package is the newest"
)


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, what: str, *, signed: bool
) -> CloudError:
    """The error to raise for an answer.

    Of the answer only numbers and the dashboard's URL are passed on: its text may repeat the
    token, and may be a proxy's.

    Args:
        status: Its HTTP status, not 200.
        headers: Its headers.
        body: Its body.
        what: What was fetched.
        signed: The request was for a signed URL, without a token.
    """
    failure = _failure(body)
    if status == 429:
        seconds = retry_after(headers)
        asked = "" if seconds is None else f"; it asks to wait for {seconds:.0f} s"
        message = f"{what}: {_RATE.format(asked=asked)}"
        return RateLimited(message, status=status, retry_after=seconds)
    if status in (408, 425) or status >= 500:
        return Unavailable(f"{what}: {_FAILED.format(status=status)}", status=status)
    if signed:
        return UnexpectedAnswer(f"{what}: {_SIGNED.format(status=status)}", status=status)
    if status == 401:
        return TokenRefused(f"{what}: {_TOKEN}", status=status)
    if status == 403:
        return RoleMissing(f"{what}: {_ROLE}", status=status)
    if status == 404 and failure.code == _NOT_FOUND:
        return UnknownSession(f"{what}: {_SESSION}", status=status)
    if status == 400 and failure.code == _FAILED_PRECONDITION:
        for detail in failure.details:
            if str(detail.get("@type", detail.get("type", ""))).endswith(_RECORDING_OFF):
                return _recording_off(detail.get("dashboardUrl"), what, status)
    if status == 404:
        text = _PATH.format(status=status)
    elif 300 <= status < 400:
        text = _REDIRECT.format(status=status)
    else:
        code = f", code {failure.code}" if failure.code else ""
        text = _OTHER.format(status=status, code=code)
    return UnexpectedAnswer(f"{what}: {text}", status=status)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by the ``Retry-After`` header: a number, or a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:
        return None
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())


def _recording_off(url: object, what: str, status: int) -> RecordingOff:
    known = url if isinstance(url, str) and _URL.fullmatch(url) else None
    place = f": {known}" if known else " in its settings, under Data and privacy"
    message = f"{what}: {_OFF.format(place=place)}"
    return RecordingOff(message, status=status, dashboard_url=known)


def _failure(body: bytes) -> Failure:
    try:
        return Failure.model_validate(json.loads(body))
    except (ValueError, ValidationError, RecursionError):
        return Failure()  # a proxy's page, or nothing
