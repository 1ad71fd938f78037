"""A check that breaks or hangs is a finding, and the others are made all the same."""

from __future__ import annotations

import threading

from livekit_plugins_analytics.cli.doctor.check import Check
from livekit_plugins_analytics.cli.doctor.examination import run


def test_a_check_that_breaks_is_reported_without_its_text() -> None:
    def broken() -> Check:
        raise RuntimeError("planted-secret")

    first, second = run([("first", broken), ("second", lambda: Check("ok", "fine"))])

    assert (first.name, first.status) == ("first", "failed")
    assert "RuntimeError" in first.detail
    assert "planted-secret" not in f"{first}"
    assert (second.name, second.status) == ("second", "ok")


def test_a_check_that_hangs_is_given_up() -> None:
    released = threading.Event()

    def hanging() -> Check:
        released.wait()
        return Check("ok", "too late")

    (check,) = run([("slow", hanging)], seconds=0.05)
    released.set()

    assert (check.name, check.status, check.detail) == ("slow", "failed", "no result within 0.05 s")
