"""Requests to LiveKit Cloud: paced, tried again, bounded in time and size."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..log import logger
from ..version import __version__
from .errors import CloudError, RateLimited, Unavailable, UnexpectedAnswer
from .patience import Patience
from .refusal import refusal

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

# Bytes of one answer, unpacked: a page has at most some hundred turns, a chat history of a day's
# talk has some megabytes.
_MAX_BYTES = 64 * 1024 * 1024
_CHUNK = 64 * 1024

_GZIP = b"\x1f\x8b"
_ANY_WINDOW = 31  # zlib's number for "gzip, with the largest window"


class Connection:
    """Fetches JSON, over kept-alive connections. Not for two threads at a time.

    Args:
        patience: How long to wait, and how often to ask.
    """

    def __init__(self, patience: Patience) -> None:
        import urllib3

        self._patience = patience
        self._http = urllib3.PoolManager(retries=False)
        self._next = time.monotonic()

    def get(
        self,
        url: str,
        what: str,
        *,
        token: str | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Any:
        """The answer's JSON. It may be gzip, whether or not its headers say so.

        Args:
            url: Where to.
            what: What is fetched, for the messages; they never have the URL.
            token: Goes with the request; None: the URL itself gives the right, and the request
                does not count towards the API's rate limit.
            query: What to ask for.

        Raises:
            CloudError: What the server answered instead, after the last attempt.
        """
        failure: CloudError | None = None
        for attempt in range(1, self._patience.attempts + 1):
            if failure is not None:
                self._back_off(failure, attempt)
            if token is not None:
                self._take_turn()
            try:
                return _json(self._once(url, what, token, query), what)
            except CloudError as error:
                if not error.transient:
                    raise
                failure = error
        assert failure is not None  # attempts are at least 1
        raise failure

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()

    def _once(
        self, url: str, what: str, token: str | None, query: Mapping[str, str | int] | None
    ) -> bytes:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"livekit-plugins-analytics/{__version__}",
        }
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        deadline = time.monotonic() + self._patience.answer
        logged = contextlib.nullcontext() if token is not None else _unlogged()
        try:
            with logged:
                response = self._http.request(
                    "GET",
                    url,
                    fields={name: str(value) for name, value in (query or {}).items()} or None,
                    headers=headers,
                    timeout=Timeout(connect=self._patience.connect, read=self._patience.answer),
                    preload_content=False,
                    # A token must not follow to another host.
                    redirect=False,
                )
            try:
                body = _body(response, deadline, what)
            finally:
                response.close()
        except HTTPError as error:
            # Its text has the URL, of which the query may be a right.
            raise Unavailable(
                f"{what}: {urlsplit(url).hostname} gave no whole answer"
                f" ({type(error).__name__}). Check the network and --base-url, then try again"
            ) from None
        if response.status != 200:
            raise refusal(response.status, response.headers, body, what, signed=token is None)
        return body

    def _take_turn(self) -> None:
        """Wait until the next request is due."""
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 60.0 / self._patience.requests_per_minute

    def _back_off(self, failure: CloudError, attempt: int) -> None:
        """Wait before another attempt.

        Raises:
            RateLimited: The server asks for a longer wait than there is patience for.
        """
        wait = self._patience.backoff * 2.0 ** (attempt - 2)
        wait *= random.uniform(0.75, 1.25)  # several commands must not come back at one moment
        if isinstance(failure, RateLimited) and failure.retry_after is not None:
            wait = max(wait, failure.retry_after)
            if failure.retry_after > self._patience.longest:
                raise failure
        wait = min(wait, self._patience.longest)
        logger.info("%s: attempt %d in %.1f s", type(failure).__name__, attempt, wait)
        time.sleep(wait)


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """urllib3 logs each request's URL at DEBUG: not this thread's meanwhile."""
    thread = threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    urls = logging.getLogger("urllib3.connectionpool")
    urls.addFilter(others)
    try:
        yield
    finally:
        urls.removeFilter(others)


def _body(response: BaseHTTPResponse, deadline: float, what: str) -> bytes:
    """The answer as it came over the wire, so that only its first bytes tell whether it is gzip."""
    body = bytearray()
    # One read of the socket at a time: of a server that drips, a full chunk comes much too late.
    while chunk := response.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > _MAX_BYTES:
            raise UnexpectedAnswer(f"{what}: the answer is larger than {_MAX_BYTES >> 20} MB")
        if time.monotonic() > deadline:
            raise Unavailable(f"{what}: the answer did not come in time. Try again")
    return bytes(body)


def _json(body: bytes, what: str) -> Any:
    try:
        text = unpacked(body) if body.startswith(_GZIP) else body
        return json.loads(text)
    except (ValueError, zlib.error, RecursionError) as error:
        raise UnexpectedAnswer(
            f"{what}: the answer is no JSON ({type(error).__name__}). Check that --base-url is"
            " LiveKit Cloud's API, and --api-version"
        ) from None


def unpacked(body: bytes) -> bytes:
    """What was packed by gzip.

    Raises:
        ValueError: It is cut off, or larger than an answer may be.
        zlib.error: It is no gzip.
    """
    unpacking = zlib.decompressobj(_ANY_WINDOW)
    text = unpacking.decompress(body, _MAX_BYTES)
    if not unpacking.eof:
        raise ValueError("cut off or too large")
    return text
