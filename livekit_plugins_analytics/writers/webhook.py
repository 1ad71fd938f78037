"""Records POSTed to a URL, signed as the Standard Webhooks specification says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

The connection is made here, with http.client, and not by an HTTP library: it goes to an address
that was checked, the URL is written to no log, and neither a redirect nor a proxy leads elsewhere.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ..errors import SettingsError, SinkError
from ..settings import Settings, signing_key
from ..version import __version__
from .address import is_public
from .writer import Parcel, record_line

NAME = "webhook"

# Seconds, each for one operation of a socket. Receivers are commonly given 10 to 15 s to answer;
# with less, two attempts fit in the default budget of 20 s.
CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 8.0

# A name may have many addresses; each that does not answer costs a timeout.
_MOST_ADDRESSES = 3

# A receiver may ask for more time, but not for all time.
_LONGEST_PAUSE = 3600.0

# What may pass by itself, besides 5xx: too late, too early, too many.
_TRANSIENT = frozenset({408, 425, 429})
# What a receiver has against one record, and not against its sender.
_OF_THE_RECORD = frozenset({400, 413, 422})
_FIXES = {
    401: "The receiver does not accept the sender: check ANALYTICS_WEBHOOK_SECRET and the key in"
    " ANALYTICS_WEBHOOK_URL",
    404: "Nothing receives at ANALYTICS_WEBHOOK_URL: check the path, and whether it is switched on",
    410: "The receiver is gone for good: set ANALYTICS_WEBHOOK_URL to another, or unset it",
    413: "The record is too large for the receiver: raise its limit, or send it no transcript",
}
_FIXES[403] = _FIXES[401]
_FIXES[405] = _FIXES[404]
_REDIRECTED = "Redirects are not followed: set ANALYTICS_WEBHOOK_URL to where it leads"
_REFUSED = "The receiver refuses the request: check ANALYTICS_WEBHOOK_URL and the receiver's log"

_Address = tuple[socket.AddressFamily, tuple[object, ...]]


class WebhookWriter:
    """POSTs the record to the URL; a 2xx confirms it.

    The body is ``{"type": "session.recorded", "timestamp": ..., "data": {record}}``. A repeated
    attempt has the same ``webhook-id``, one per session and revision: receivers tell repetitions
    by it.

    Args:
        settings: ``webhook_url`` must be set.

    Raises:
        SettingsError: There is no URL.
    """

    name = NAME

    def __init__(self, settings: Settings) -> None:
        if not (settings.webhook_url and settings.webhook_secret):
            raise SettingsError(
                "ANALYTICS_WEBHOOK_URL is not set: name the URL, and ANALYTICS_WEBHOOK_SECRET."
            )
        url = urlsplit(settings.webhook_url.get_secret_value())
        self._secure = url.scheme == "https"
        self._host = url.hostname or ""
        self._port = url.port or (443 if self._secure else 80)
        self._target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._key = signing_key(settings.webhook_secret.get_secret_value())
        self._private = settings.webhook_allow_private
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._not_before = 0.0

    def prepare(self) -> None:
        """Load the certificate authorities; see `Writer.prepare`. No connection is made."""
        if self._secure:
            self._context()

    def write(self, parcel: Parcel) -> str:
        """POST the parcel's record; see `Writer.write`.

        Returns:
            ``webhook:{host}``: the rest of the URL may be secret.
        """
        if time.monotonic() < self._not_before:
            # The limit is the receiver's, whichever record met it.
            raise SinkError(NAME, "RetryAfter", retryable=True)
        body = _body(parcel)
        try:
            status, retry_after = self._posted(body, self._headers(parcel, body))
        except SinkError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _explained(error) from None
        if not 200 <= status < 300:
            if status in (429, 503) and retry_after:
                self._not_before = time.monotonic() + retry_after
            raise _answered(status)
        return f"webhook:{self._host}"

    def _headers(self, parcel: Parcel, body: bytes) -> dict[str, str]:
        # No session id: it may hold a full stop, which separates what is signed.
        named = f"{parcel.session_id}\n{parcel.revision}".encode("utf-8", "replace")
        message = f"msg_{hashlib.sha256(named).hexdigest()[:32]}"
        now = int(time.time())
        signed = hmac.new(self._key, b"%s.%d.%s" % (message.encode(), now, body), hashlib.sha256)
        return {
            "Content-Type": "application/json",
            "User-Agent": f"livekit-plugins-analytics/{__version__}",
            "webhook-id": message,
            "webhook-timestamp": str(now),
            "webhook-signature": f"v1,{base64.b64encode(signed.digest()).decode()}",
            "Connection": "close",
        }

    def _posted(self, body: bytes, headers: dict[str, str]) -> tuple[int, float]:
        """The answer's status, and the seconds that it asks to wait."""
        # Given its socket, it neither resolves nor connects by itself.
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port)
        connection.sock = self._connected()
        try:
            # Refused before it was read to the end: the answer says why.
            with contextlib.suppress(BrokenPipeError):
                connection.request("POST", self._target, body, headers)
            # Closed with its body unread: that is not waited for.
            with connection.getresponse() as answer:
                return answer.status, _seconds(answer.getheader("Retry-After"))
        finally:
            connection.close()

    def _connected(self) -> socket.socket:
        """A connection to an address that was checked, with TLS for the URL's host."""
        failure: OSError = ConnectionError()
        for family, address in self._addresses()[:_MOST_ADDRESSES]:
            plain = socket.socket(family, socket.SOCK_STREAM)
            try:
                plain.settimeout(CONNECT_TIMEOUT)
                plain.connect(address)
                plain.settimeout(READ_TIMEOUT)
                if not self._secure:
                    return plain
                return self._context().wrap_socket(plain, server_hostname=self._host)
            except OSError as error:
                plain.close()
                failure = error
                if isinstance(error, ssl.SSLError):
                    break  # somebody is there, and would be with the next address
        raise failure

    def _addresses(self) -> list[_Address]:
        """What the host's name stands for now: all of it, or nothing, may be sent to."""
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        if not self._private and not all(is_public(str(each[4][0])) for each in found):
            raise SinkError(
                NAME,
                "PrivateAddress",
                retryable=False,
                fix="The host of ANALYTICS_WEBHOOK_URL has an address that is not public: take"
                " another, or set ANALYTICS_WEBHOOK_ALLOW_PRIVATE=true if that is meant",
            )
        return [(family, address) for family, _, _, _, address in found]

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = ssl.create_default_context()
            return self._tls


def _body(parcel: Parcel) -> bytes:
    line = record_line(parcel, NAME).rstrip(b"\n")
    kind = "session.probe" if parcel.probe else "session.recorded"
    head = f'{{"type":"{kind}","timestamp":"{_time(parcel.happened_at)}","data":'
    return head.encode() + line + b"}"


def _time(happened_at: float) -> str:
    try:
        moment = datetime.fromtimestamp(happened_at, timezone.utc)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, timezone.utc)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _seconds(retry_after: str | None) -> float:
    """What ``Retry-After`` asks for: seconds, or until a date; 0 where it cannot be read."""
    if not retry_after:
        return 0.0
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            moment = parsedate_to_datetime(retry_after)
            seconds = moment.timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(seconds, _LONGEST_PAUSE) if seconds > 0 else 0.0


def _answered(status: int) -> SinkError:
    """What a status means; the answer itself may say anything and is not passed on."""
    if status in _TRANSIENT or status >= 500:
        return SinkError(NAME, f"HTTP{status}", retryable=True)
    if 300 <= status < 400:
        return SinkError(NAME, f"HTTP{status}", retryable=False, fix=_REDIRECTED)
    return SinkError(
        NAME,
        f"HTTP{status}",
        retryable=False,
        fix=_FIXES.get(status, _REFUSED),
        of_record=status in _OF_THE_RECORD,
    )


def _explained(error: Exception) -> SinkError:
    """What a failure on the way means. Nothing of its text is passed on: it may hold the URL."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return SinkError(
            NAME,
            "CertificateInvalid",
            retryable=False,
            fix="The certificate is not valid for the host of ANALYTICS_WEBHOOK_URL: renew it, or"
            " name its authority's file in SSL_CERT_FILE",
        )
    if isinstance(error, ssl.SSLError):
        return SinkError(
            NAME, "TLSFailed", retryable=True, fix="Check whether a proxy is in between"
        )
    if isinstance(error, socket.gaierror):
        return SinkError(
            NAME,
            "NameNotResolved",
            retryable=True,
            fix="Check the host in ANALYTICS_WEBHOOK_URL and this machine's DNS",
        )
    if isinstance(error, TimeoutError):
        return SinkError(NAME, "Timeout", retryable=True)
    if isinstance(error, (ConnectionResetError, http.client.HTTPException)):
        return SinkError(NAME, "ConnectionClosed", retryable=True)
    if isinstance(error, OSError):
        return SinkError(
            NAME,
            "ConnectionFailed",
            retryable=True,
            fix="Nothing answers: check ANALYTICS_WEBHOOK_URL and the network",
        )
    return SinkError(
        NAME, type(error).__name__, retryable=False, fix="Check the host in ANALYTICS_WEBHOOK_URL"
    )
