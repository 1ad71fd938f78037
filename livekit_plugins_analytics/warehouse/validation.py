"""Every record against the schema of its version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .cache import Cache
from .fetching import Fetched, fetched
from .inspection import Inspection, documents, inspect
from .lines import lines
from .listing import Bucket, Directory, is_firehose, records
from .partition import Span, dates
from .problem import Problem


@dataclass
class Validation:
    """What was found."""

    objects: int = 0
    records: int = 0
    """Lines that are records, right or wrong."""
    valid: int = 0
    """Of them, those without an error."""
    versions: Counter[str] = field(default_factory=Counter)
    """Records by schema version."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return sum(each.severity == "error" for each in self.problems)

    @property
    def warnings(self) -> int:
        """How many are not."""
        return len(self.problems) - self.errors


def validate(
    source: Directory | Bucket,
    span: Span,
    cache: Cache | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Validation:
    """Check the records of some days; one that cannot be read is an error, the rest goes on.

    Args:
        source: Where they are.
        span: The days.
        cache: What is kept of a bucket.
        on_progress: Called with objects read and objects to read.

    Raises:
        LakeError: The source cannot be listed.
    """
    done = Validation()
    listed = records(source, span, done.problems)
    done.objects = len(listed)
    for number, found in enumerate(fetched(source, listed, cache)):
        on_progress(number, len(listed))
        done.problems.extend(_checked(found, done))
    return done


def _checked(found: Fetched, done: Validation) -> Iterator[Problem]:
    name = found.object.name
    if found.failure:
        yield Problem(name, None, found.failure)
        return
    unpacked = lines(found.body)
    for number, line in documents(unpacked):
        seen = inspect(line)
        if seen.session_id is not None:
            done.records += 1
            done.versions[seen.schema_version or "none"] += 1
            done.valid += all(each.severity != "error" for each in seen.findings)
            yield from _misplaced(name, number, seen)
        for finding in seen.findings:
            yield Problem(name, number, finding.reason, finding.severity)
    if unpacked.broken:
        yield Problem(name, unpacked.breaks_at, unpacked.broken)


def _misplaced(name: str, number: int, seen: Inspection) -> Iterator[Problem]:
    """Whether the record is where its call's day and id say; Firehose goes by the arrival."""
    days = dates(name.rpartition("/")[0])
    if days is None or is_firehose(name):
        return
    stem = name.rpartition("/")[2]
    if stem not in (f"{seen.session_id}.json.gz", f"{seen.session_id}.json"):
        yield Problem(name, number, "named after another session than its own", "warning")
    day = (seen.start_time or "")[:10]
    if day and not days[0].isoformat() <= day <= days[1].isoformat():
        reason = f"began on {day}, which is another day than its folder's: --since may miss it"
        yield Problem(name, number, reason, "warning")
