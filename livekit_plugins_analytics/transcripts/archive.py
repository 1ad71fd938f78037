"""Where the transcripts of watched rooms go: a file, or the sinks that may hold words."""

from __future__ import annotations

from pathlib import Path

from ..delivery import Courier, Limits, Spool
from ..document import TranscriptDocument
from ..errors import SettingsError
from ..files import write_whole
from ..lines import compressed, line
from ..settings import TRANSCRIPTS, Settings
from ..writers import Aws, Parcel, Writer, beside
from ..writers.directory import DirectoryWriter
from ..writers.s3 import S3Writer
from .room import Watched


def write(document: TranscriptDocument, path: Path) -> None:
    """Write the document to a file: whole, or not at all; gzip where its name ends in ``.gz``.

    Raises:
        OSError: It cannot be written.
    """
    text = line(document)
    body = compressed(text) if path.suffix == ".gz" else text + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    # For this user only: it is what people said.
    write_whole(path, body, mode=0o600)


class Archive:
    """The directory and the bucket of the settings, with a spool of their own before them.

    The records' spool is not used: whoever drains that sends everything to the records' prefix and
    to the log. Nor is the log group: words never go to a log.

    Args:
        settings: As for the records; ``transcripts/`` takes the place of ``sessions/``.

    Raises:
        SettingsError: No sink is set that may hold words.
        SpoolError: The spool cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._courier = Courier(
            Spool(settings.spool / "transcripts", limits=Limits.of(settings)),
            _writers(settings),
            budget=settings.export_budget_seconds,
        )

    @property
    def waiting(self) -> list[Path]:
        """Files of documents that some sink lacks."""
        return self._courier.spool.paths() if self._courier.spool else []

    def send_waiting(self) -> list[str]:
        """Send what earlier watchers could not; the session ids that every sink has now."""
        report = self._courier.sweep_now()
        return report.sent if report else []

    def store(self, watched: Watched) -> dict[str, str]:
        """Keep the document on disk, then bring it to every sink.

        Returns:
            Where each sink has it. Those that are missing get it from the next watcher: it waits.
        """
        document = watched.document
        parcel = Parcel(
            session_id=document.session_id,
            revision=document.revision,
            name=watched.name,
            body=compressed(line(document)),
            event=b"{}",
            happened_at=document.end_time.timestamp(),
            stream=document.agent_name or "",
        )
        shipment = self._courier.submit(lambda: parcel)
        shipment.delivered.result()
        return dict(shipment.places)


def _writers(settings: Settings) -> list[Writer]:
    writers: list[Writer] = []
    if folder := settings.local_directory:
        writers.append(DirectoryWriter(folder, beside(settings.s3_prefix, TRANSCRIPTS)))
    if settings.keeps_objects:
        writers.append(S3Writer(settings, Aws(), folder=TRANSCRIPTS))
    if not writers:
        raise SettingsError(
            "No sink is set that may hold words (logs and webhooks may not): set "
            "ANALYTICS_S3_BUCKET or ANALYTICS_DIRECTORY, or name a file with -o."
        )
    return writers
