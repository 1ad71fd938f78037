"""The transcript of a finished session, from LiveKit Cloud."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from ..document import TranscriptDocument
from ..errors import SettingsError
from ..log import logger
from ..record import Privacy, Transcript
from ..redaction import Masks, Redactor
from ..session_id import safe_session_id
from .connection import Connection
from .errors import UnexpectedAnswer
from .history import items_of_history
from .masking import masked
from .patience import Patience
from .translation import transcript
from .wire import Item, Page, RecordingUrl, read_items

BASE_URL = "https://beta-api.livekit.cloud"
API_VERSION = "v0"
PAGE_SIZE = 100

# A call of many hours has some thousand items; a server whose paging never ends is broken.
_MAX_ITEMS = 100_000
# Pages one after the other with nothing new in them: a server may filter, but not for ever.
_MAX_IDLE = 50

# What a header takes; anything else would be quoted in the HTTP library's own error.
_TOKEN = re.compile(r"[!-~]+")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Fetched:
    """What LiveKit Cloud has of a session."""

    session_id: str
    """The room's sid."""
    transcript: Transcript
    """``source`` is "cloud". ``complete`` only where the data had settled, the server could read
    all of it, every page came, and nothing had to be cut."""
    state: str | None
    """The data's state as the server named it (``DATA_STATE_...``); None where it said nothing."""
    settled: bool
    """Nothing more will arrive."""
    skipped: int
    """Items that the server could not read, or that this package could not."""
    has_more: bool
    """The server has more, and its paging did not lead there."""

    def document(self, redactor: Redactor | None = None) -> TranscriptDocument:
        """The transcript as an object of its own, as a separate one is stored.

        It begins and ends with its items; where none has a time, now.

        Args:
            redactor: Finds what is masked; None: nothing is.
        """
        words, privacy = self.transcript, Privacy()
        if redactor is not None:
            masks = Masks(redactor)
            words = masked(words, masks)
            privacy = Privacy(redacted=True, counts=masks.counts)
        times = [item.at for item in self.transcript.items if item.at is not None]
        now = datetime.now(timezone.utc)
        return TranscriptDocument(
            session_id=safe_session_id(self.session_id) or "session",
            room_name=None,
            room_sid=self.session_id,
            agent_name=None,
            start_time=min(times, default=now),
            end_time=max(times, default=now),
            transcript=words,
            privacy=privacy,
        )

    def shortcoming(self) -> str | None:
        """Why the transcript is incomplete, in words; None where it is complete."""
        reasons = []
        if not self.settled:
            reasons.append(f"the data had not settled ({self.state or 'no state given'})")
        if self.skipped:
            reasons.append(f"{self.skipped} item{'s' * (self.skipped != 1)} could not be read")
        if self.has_more:
            reasons.append("not all pages came")
        if not reasons and not self.transcript.complete:
            reasons.append("long texts were cut")
        return "; ".join(reasons) or None


@dataclass
class _Pages:
    """The pages of one transcript, as they come."""

    items: dict[str, Item] = field(default_factory=dict)
    """By id: pages may overlap."""
    skipped: int = 0
    state: str = ""
    settled: bool = True
    has_more: bool = False

    def add(self, page: Page) -> bool:
        """Take in one more; returns whether anything in it is new."""
        before = len(self.items)
        items, unread = read_items(page.items)
        for item in items:
            self.items.setdefault(item.id or f"item-{len(self.items) + 1}", item)
        self.skipped += page.skipped_records + unread
        if self.settled:
            # Where one page had not settled, what it lacked is still missing.
            self.state, self.settled = page.data_status.state, page.data_status.settled
        self.has_more = page.page_info.has_more
        return len(self.items) > before


class CloudTranscripts:
    """Fetches transcripts of a project's sessions from LiveKit Cloud, after the call.

    Everything here blocks; in asyncio call it by ``asyncio.to_thread``. An object is for one
    thread at a time. It is a context manager that closes its connections.

    Args:
        project: The project's id (``p_...``), as in the dashboard's URL.
        token: The session token of a LiveKit user with the Admin role in the project. It is no
            project's API key or secret.
        base_url: LiveKit Cloud's API.
        api_version: ``v0`` or ``v1``.
        page_size: Items to ask for at a time.
        patience: How long to wait, and how often to ask.

    Raises:
        SettingsError: An argument is wrong; the message says which.
    """

    def __init__(
        self,
        project: str,
        token: str,
        *,
        base_url: str = BASE_URL,
        api_version: str = API_VERSION,
        page_size: int = PAGE_SIZE,
        patience: Patience | None = None,
    ) -> None:
        _check(project, token, base_url, api_version)
        self._sessions = f"{base_url.rstrip('/')}/{api_version}/projects/{quote(project, safe='')}"
        self._token = token
        self._page_size = page_size
        self._patience = patience or Patience()
        self._connection = Connection(self._patience)

    def fetch(self, session_id: str) -> Fetched:
        """The transcript, once its data has settled or patience has ended.

        Args:
            session_id: The room's sid (``RM_...``), which is ``room_sid`` in a record.

        Raises:
            CloudError: What LiveKit Cloud answered instead; the message names the fix.
        """
        pages = _Pages()
        page = self._settled_page(session_id)
        pages.add(page)
        seen: set[str] = set()
        idle = 0
        while page.page_info.has_more and len(pages.items) < _MAX_ITEMS:
            cursor = page.page_info.next_cursor
            if not cursor or cursor in seen or idle >= _MAX_IDLE:
                logger.warning("%s: the server's paging leads nowhere", session_id)
                break
            seen.add(cursor)
            page = self._page(session_id, cursor)
            idle = 0 if pages.add(page) else idle + 1
        whole = pages.settled and not pages.skipped and not pages.has_more
        return Fetched(
            session_id=session_id,
            transcript=transcript(list(pages.items.values()), whole=whole),
            state=pages.state or None,
            settled=pages.settled,
            skipped=pages.skipped,
            has_more=pages.has_more,
        )

    def fetch_chat_history(self, session_id: str) -> Fetched:
        """The transcript from the chat history that the agent uploaded when it had closed.

        There is one such file, whole or not there: it has no pages and no state.

        Args:
            session_id: The room's sid (``RM_...``).

        Raises:
            CloudError: What LiveKit Cloud answered instead; the message names the fix.
        """
        what = f"chat history of {session_id}"
        answer = self._connection.get(
            self._url(session_id, "recording-url"),
            what,
            token=self._token,
            query={"fileType": "RECORDING_FILE_TYPE_CHAT_HISTORY"},
        )
        try:
            url = RecordingUrl.model_validate(answer).url
        except ValidationError:
            url = ""
        if urlsplit(url).scheme not in ("https", urlsplit(self._sessions).scheme):
            raise UnexpectedAnswer(f"{what}: the answer has no URL that can be fetched")
        raw = items_of_history(self._connection.get(url, what))
        if raw is None:
            raise UnexpectedAnswer(f"{what}: the file is no chat history")
        items, unread = read_items(raw)
        return Fetched(
            session_id=session_id,
            transcript=transcript(items, whole=not unread),
            state=None,
            settled=True,
            skipped=unread,
            has_more=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> CloudTranscripts:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _settled_page(self, session_id: str) -> Page:
        """The first page, as soon as it says that the data has settled."""
        deadline = time.monotonic() + self._patience.settled
        while True:
            page = self._page(session_id, None)
            left = deadline - time.monotonic()
            if not page.data_status.waiting or left <= 0:
                return page
            logger.info("%s: %s", session_id, page.data_status.state)
            time.sleep(min(self._patience.poll, left))

    def _page(self, session_id: str, cursor: str | None) -> Page:
        what = f"transcript of {session_id}"
        query: dict[str, str | int] = {"page.pageSize": self._page_size}
        if cursor is not None:
            query["page.cursor"] = cursor
        answer: Any = self._connection.get(
            self._url(session_id, "transcript"), what, token=self._token, query=query
        )
        try:
            return Page.model_validate(answer)
        except ValidationError:
            raise UnexpectedAnswer(
                f"{what}: the answer is no transcript as documented. Check --api-version, and that"
                " this version of the package is the newest"
            ) from None

    def _url(self, session_id: str, what: str) -> str:
        return f"{self._sessions}/sessions/{quote(session_id, safe='')}/{what}"


def fetch_transcript(project: str, session_id: str, *, token: str) -> Transcript:
    """The transcript of one finished session, with everything else at its default.

    Blocks until LiveKit Cloud's data has settled, two minutes at most. ``complete`` tells whether
    anything may be missing; `CloudTranscripts` tells why.

    Args:
        project: The project's id (``p_...``).
        session_id: The room's sid (``RM_...``).
        token: The session token of a LiveKit user with the Admin role in the project.

    Raises:
        SettingsError: An argument is wrong; the message says which.
        CloudError: What LiveKit Cloud answered instead; the message names the fix.
    """
    with CloudTranscripts(project, token) as cloud:
        return cloud.fetch(session_id).transcript


def _check(project: str, token: str, base_url: str, api_version: str) -> None:
    if not project:
        raise SettingsError(
            "--project: the project's id is empty. It is p_... in the dashboard's URL"
        )
    if not _TOKEN.fullmatch(token):
        raise SettingsError(
            "the token is empty, or has spaces, line breaks or letters that no token has: copy it"
            " again, alone"
        )
    parts = urlsplit(base_url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise SettingsError(
            f"--base-url: {base_url!r} does not begin with https://: the token must not go over the"
            " network in the clear"
        )
    if not re.fullmatch(r"v\d+\w*", api_version):
        raise SettingsError(f"--api-version: {api_version!r} is none; it is v0 or v1")
