"""The pack of signal rules."""

from __future__ import annotations

from ...rulebook import OFF, load
from ...settings import Settings
from ...signals import PackError
from .check import Check


def check_signals(settings: Settings) -> Check:
    """Whether the pack can be used."""
    if settings.signals == OFF:
        return Check("skipped", "ANALYTICS_SIGNALS is off")
    try:
        rules = load(settings.signals)
    except PackError as error:
        return Check(
            "failed",
            str(error),
            "Mend the pack (livekit-analytics signals check), or set ANALYTICS_SIGNALS=off",
        )
    found = len(rules.signals) + len(rules.computed)
    facts = {"pack": rules.id, "rules": len(rules.rules), "signals": found}
    return Check("ok", f"{rules.id}: {len(rules.rules)} rules for {found} signals", "", facts)
