"""Reports of invented and of hand-made records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.record import SessionRecord
from livekit_plugins_analytics.report import Origin, ReportData, page, report_data
from livekit_plugins_analytics.synth import lines, records, write_lines
from livekit_plugins_analytics.warehouse.lake import Lake
from livekit_plugins_analytics.warehouse.listing import source
from livekit_plugins_analytics.warehouse.partition import Span


def invented(folder: Path, count: int, *, seed: int = 11) -> Path:
    """A file with so many records, superseded revisions besides."""
    path = folder / "records.jsonl"
    for _ in write_lines(lines(count, seed=seed, superseded=True), path):
        pass
    return path


def given(folder: Path, values: Iterable[dict[str, Any]]) -> Path:
    """A file with these records."""
    path = folder / "given.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")
    return path


def plain(count: int, *, seed: int = 11) -> list[dict[str, Any]]:
    """Invented records as JSON objects, to be changed."""
    return [as_json(record) for record in records(count, seed=seed)]


def as_json(record: SessionRecord) -> dict[str, Any]:
    """A record as the object that is stored."""
    found: dict[str, Any] = json.loads(line(record))
    return found


def data_of(path: Path, *, most: int = 1000) -> ReportData:
    """What a report of the records has."""
    with Lake(source(str(path)), Span(None, None), None) as lake:
        done = lake.load()
        problems = [str(each) for each in lake.problems]
        origin = Origin(str(path), None, None, done.records, problems, done.left_out)
        return report_data(lake.connection, origin, most=most)


def report_of(path: Path, *, most: int = 1000) -> Path:
    """The report's page, beside the records."""
    output = path.with_suffix(".html")
    output.write_text(page(data_of(path, most=most)), "utf-8")
    return output
