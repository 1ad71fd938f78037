"""All checks in their order, each kept from hurting the others."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ...settings import PREFIX, SINKS, Settings
from ...writers import writers_for
from .aws import check_clock, check_credentials, check_region
from .check import Check
from .configuration import check_settings, check_variables
from .mask import Mask
from .probe import check_sink, probe
from .rates import check_rates
from .redaction import check_redaction
from .rules import check_signals
from .server import check_livekit
from .spool import check_spool
from .versions import check_versions

Make = Callable[[], Check]

_OF_AWS = ("s3", "cloudwatch", "firehose")

# Far above what any check's own limits allow for: only what hangs for good meets it, such as a
# network share that is gone or a credential process that waits for input.
_SECONDS = 30.0


def examine(from_file: frozenset[str] = frozenset()) -> list[Check]:
    """Make all checks.

    Args:
        from_file: The variables that come from a file and not from the environment.
    """
    settings, problem = Settings.load_leniently()
    wrong = _wrong_settings()
    checks: list[tuple[str, Make]] = [
        ("versions", check_versions),
        ("settings", lambda: check_settings(settings, problem, wrong, from_file)),
        ("variables", check_variables),
        ("signals", lambda: check_signals(settings)),
        ("rates", lambda: check_rates(settings)),
        ("redaction", lambda: check_redaction(settings)),
        *_checks_of_aws(settings, wrong),
        *_checks_of_sinks(settings, wrong),
        ("spool", lambda: check_spool(settings)),
        ("livekit", check_livekit),
    ]
    mask = Mask()
    return [_masked(check, mask) for check in run(checks)]


def _checks_of_aws(settings: Settings, wrong: set[str]) -> list[tuple[str, Make]]:
    places = {SINKS[name] for name in _OF_AWS}
    if any(getattr(settings, place) for place in places) or wrong & places:
        return [
            ("credentials", check_credentials),
            ("region", lambda: check_region(settings)),
            ("clock", lambda: check_clock(settings)),
        ]
    return [
        (name, _skipped("no sink of AWS is set")) for name in ("credentials", "region", "clock")
    ]


def _checks_of_sinks(settings: Settings, wrong: set[str]) -> list[tuple[str, Make]]:
    writers = {writer.name: writer for writer in writers_for(settings)}
    # With the default of a wrong one, a probe would show something else than is meant.
    deciding = {
        "directory": {"directory", "s3_prefix"},
        "s3": {"s3_bucket", "s3_prefix", "s3_endpoint_url", "s3_kms_key_id"},
        "cloudwatch": {"log_group", "log_stream"},
        "firehose": {"firehose_stream"},
        "webhook": {"webhook_url", "webhook_secret", "webhook_allow_http", "webhook_allow_private"},
    }
    if settings.directory is None:
        deciding["directory"] |= {*SINKS.values()}
    parcel = probe()
    checks: list[tuple[str, Make]] = []
    for name in dict.fromkeys((*deciding, *writers)):
        if bad := sorted((deciding.get(name, set()) | {"sinks"}) & wrong):
            variables = ", ".join(PREFIX + each.upper() for each in bad)
            checks.append((name, _skipped(f"not tried: wrong {variables}")))
        elif name in writers:
            checks.append((name, functools.partial(check_sink, writers[name], settings, parcel)))
        else:
            left_out = name in SINKS and getattr(settings, SINKS[name]) is not None
            why = "not among ANALYTICS_SINKS" if left_out else "not set"
            checks.append((name, _skipped(why)))
    return checks


def run(checks: Iterable[tuple[str, Make]], seconds: float = _SECONDS) -> list[Check]:
    """Make checks one after the other: one that breaks or hangs is itself the finding."""
    return [replace(_guarded(make, seconds), name=name) for name, make in checks]


def _guarded(make: Make, seconds: float) -> Check:
    found: list[Check] = []

    def work() -> None:
        try:
            found.append(make())
        except Exception as error:
            # The type only: the text of an exception may hold a secret.
            found.append(
                Check(
                    "failed",
                    f"the check itself failed: {type(error).__name__}",
                    "Report this as a bug of livekit-plugins-analytics",
                )
            )

    # A daemon: what hangs does not keep the process from ending.
    thread = threading.Thread(target=work, name="doctor", daemon=True)
    thread.start()
    thread.join(seconds)
    if found:
        return found[0]
    return Check(
        "failed",
        f"no result within {seconds:g} s",
        "Something that the check asks hangs: the disk, the network or a credential process",
    )


def _skipped(why: str) -> Make:
    return lambda: Check("skipped", why)


def _wrong_settings() -> set[str]:
    try:
        Settings()
    except ValidationError as error:
        return {str(each["loc"][0]) for each in error.errors() if each["loc"]}
    return set()


def _masked(check: Check, mask: Mask) -> Check:
    facts: Any = mask.value(dict(check.facts))
    return replace(check, detail=mask.text(check.detail), fix=mask.text(check.fix), facts=facts)
