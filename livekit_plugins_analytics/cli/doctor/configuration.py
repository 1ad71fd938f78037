"""The settings as they are understood."""

from __future__ import annotations

import os
from typing import Any

from ...settings import PREFIX, Settings, unknown_variables
from .check import Check


def check_settings(
    settings: Settings, problem: str | None, wrong: set[str], from_file: frozenset[str]
) -> Check:
    """Every setting with its value and where that is from.

    Args:
        settings: As read, with the defaults for what is wrong.
        problem: What is wrong, in words.
        wrong: The names of the wrong ones.
        from_file: The variables that come from a file.
    """
    values = settings.model_dump(mode="json")
    in_file = {name.upper() for name in from_file}
    rows: list[dict[str, Any]] = []
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        source = "default"
        if name in wrong:
            source = "wrong"
        elif name in settings.model_fields_set:
            source = "env file" if variable in in_file else "environment"
        rows.append({"variable": variable, "value": values[name], "source": source})
    facts = {"settings": rows}
    if problem:
        return Check("failed", problem, "Correct or unset these variables", facts)
    if not settings.enabled:
        return Check(
            "warning",
            "ANALYTICS_ENABLED is off: no call is recorded",
            "Unset ANALYTICS_ENABLED, unless that is meant",
            facts,
        )
    given = sum(row["source"] != "default" for row in rows)
    return Check("ok", f"{given} of {len(rows)} set, the others default", "", facts)


def check_variables() -> Check:
    """``ANALYTICS_*`` variables that nothing reads: misspelt, as a rule."""
    unknown = unknown_variables()
    if not unknown:
        known = {PREFIX + name.upper() for name in Settings.model_fields}
        count = sum(name.upper() in known for name in os.environ)
        return Check("ok", f"{count} ANALYTICS_* variables, all known")
    return Check(
        "warning",
        "no setting reads " + ", ".join(unknown),
        "; ".join(
            f"Rename {name} to {meant}" if meant else f"Unset {name}"
            for name, meant in unknown.items()
        ),
        {"unknown": unknown},
    )
