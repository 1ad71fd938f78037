"""Where records go: one sink per module, none of which knows what a record is."""

import importlib
from typing import Literal

from ..settings import Settings
from .aws import CONNECTIONS, Aws, load_models, region_of_environment
from .cloudwatch import NAME as CLOUDWATCH
from .cloudwatch import CloudWatchWriter
from .directory import DirectoryWriter
from .event import members
from .installed import check_installed, installed_writers
from .s3 import CHECKPOINTS, S3Writer, encryption, encryption_of, s3_uri
from .verdicts import explained
from .writer import MAX_EVENT_BYTES, Parcel, Rehearsing, Writer, beside

__all__ = [
    "CLOUDWATCH",
    "CONNECTIONS",
    "Aws",
    "MAX_EVENT_BYTES",
    "Parcel",
    "Rehearsing",
    "Writer",
    "beside",
    "check_installed",
    "checkpoint_writer",
    "encryption",
    "encryption_of",
    "explained",
    "load_sdk",
    "members",
    "region_of_environment",
    "s3_uri",
    "writers_for",
]

_AWS_SERVICES: dict[str, Literal["s3", "logs", "firehose"]] = {
    "s3": "s3",
    CLOUDWATCH: "logs",
    "firehose": "firehose",
}


def checkpoint_writer(settings: Settings) -> Writer | None:
    """The sink for records of calls that still go on, or None where there is no bucket."""
    return S3Writer(settings, folder=CHECKPOINTS) if settings.s3_bucket else None


def writers_for(settings: Settings) -> list[Writer]:
    """Return the sinks that the settings ask for; nothing is created or sent yet."""
    writers: list[Writer] = []
    aws = Aws()
    for name in settings.sink_names:
        if name == "directory" and (folder := settings.local_directory):
            writers.append(DirectoryWriter(folder, settings.s3_prefix))
        elif name == "s3":
            writers.append(S3Writer(settings, aws))
        elif name == CLOUDWATCH:
            writers.append(CloudWatchWriter(settings, aws))
        elif name == "firehose":
            from .firehose import FirehoseWriter  # not above: few have one

            writers.append(FirehoseWriter(settings, aws))
        elif name == "webhook":
            from .webhook import WebhookWriter

            writers.append(WebhookWriter(settings))
    return [*writers, *installed_writers(settings)]


def load_sdk(settings: Settings) -> None:
    """Load what the sinks of the settings need, for processes forked from this one.

    Raises:
        Exception: What boto3 raises.
    """
    names = settings.sink_names
    for name in {"firehose", "webhook"} & set(names):
        importlib.import_module(f".{name}", __name__)
    services = [_AWS_SERVICES[name] for name in names if name in _AWS_SERVICES]
    if services:
        load_models(services)
    if CLOUDWATCH in names:
        import watchtower  # noqa: F401  # to have it loaded
