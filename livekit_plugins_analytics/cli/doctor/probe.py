"""A probe written through each sink's own way, which tells more than any question could."""

from __future__ import annotations

import gzip
import json
import socket
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ...errors import SinkError
from ...session_id import safe_session_id
from ...settings import Settings
from ...version import __version__
from ...writers import Parcel, Writer
from .check import Check

# A hiccup must not fail a deployment; what is down for this long is no hiccup.
_PATIENCE = 3.0
_PAUSE = 0.5

_ELSEWHERE = "Set ANALYTICS_S3_BUCKET or ANALYTICS_LOG_GROUP"


def check_sink(writer: Writer, settings: Settings, parcel: Parcel) -> Check:
    """Write a probe and say where it is, or why it is not.

    It is left there: a sink's credentials need not be allowed to read or to delete.
    """
    began = time.monotonic()
    result = _sent(writer, parcel)
    facts: dict[str, Any] = {"seconds": round(time.monotonic() - began, 3)}
    if isinstance(result, SinkError):
        fix = result.fix or "The sink may be busy or out of reach: check the network and try again"
        return Check(
            "failed",
            f"{result.code}: the probe was not confirmed",
            fix,
            {**facts, "code": result.code, "retryable": result.retryable},
        )
    if writer.name == "directory":
        result = str(Path(result).absolute())
    facts["place"] = result
    if writer.name == "directory" and not settings.has_sink:
        return Check(
            "warning",
            f"no sink is set: records stay on this machine; the probe is at {result}",
            _ELSEWHERE + ", or ANALYTICS_DIRECTORY if that is meant",
            facts,
        )
    return Check("ok", f"the probe is at {result}", "", facts)


def probe() -> Parcel:
    """A parcel that no reader of records will meet."""
    now = datetime.now(timezone.utc)
    name = f"doctor-{now:%Y%m%dT%H%M%SZ}-{safe_session_id(socket.gethostname()) or 'host'}"
    said = {"probe": name, "time": now.isoformat(timespec="seconds"), "version": __version__}
    line = json.dumps(said).encode()
    return Parcel(
        session_id=name,
        revision=1,
        name=f"year={now:%Y}/month={now:%m}/day={now:%d}/{name}.json.gz",
        body=gzip.compress(line + b"\n", mtime=0),
        event=line,
        happened_at=now.timestamp(),
        stream="doctor",
        probe=True,
    )


def _sent(writer: Writer, parcel: Parcel) -> str | SinkError:
    patience = time.monotonic() + _PATIENCE
    while True:
        try:
            writer.prepare()
            return writer.write(parcel)
        except SinkError as error:
            if not error.retryable or time.monotonic() > patience:
                return error
        time.sleep(_PAUSE)
