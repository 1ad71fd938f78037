"""What is installed, and whether it fits together."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .check import Check

PACKAGE = "livekit-plugins-analytics"
_SHOWN = (
    PACKAGE,
    "livekit-agents",
    "livekit",
    "livekit-api",
    "boto3",
    "botocore",
    "watchtower",
    "pydantic",
)


def check_versions() -> Check:
    """Compare what is installed with the package's own requirements."""
    ranges = {
        each.name: each.specifier
        for each in map(Requirement, requires(PACKAGE) or [])
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }
    installed = {name: installed_version(name) for name in dict.fromkeys((*_SHOWN, *ranges))}
    facts = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": installed,
        "supported": {name: str(specifier) for name, specifier in ranges.items()},
    }
    shown = ", ".join(f"{name} {installed[name] or 'missing'}" for name in _SHOWN)
    detail = f"Python {facts['python']}, {shown}"
    fixes = []
    pythons = SpecifierSet(metadata(PACKAGE)["Requires-Python"])
    if not _fits(platform.python_version(), pythons):
        fixes.append(f"Use a Python {pythons}")
    if wrong := [name for name in ranges if not _fits(installed[name], ranges[name])]:
        detail += "; not supported: "
        detail += ", ".join(f"{name} {installed[name] or 'missing'}" for name in wrong)
        fixes.append("pip install " + " ".join(f"'{name}{ranges[name]}'" for name in wrong))
    return Check("failed" if fixes else "ok", detail, "; ".join(fixes), facts)


def installed_version(name: str) -> str | None:
    """A distribution's version by its metadata; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _fits(found: str | None, wanted: SpecifierSet) -> bool:
    return found is not None and wanted.contains(found, prereleases=True)
