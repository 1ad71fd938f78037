"""Runs the suite on every supported Python of this machine, with both ends of livekit-agents.

Each pair has a virtual environment of its own, ``.venv-{python}-{agents}``, kept for next time.
Run it as ``python -m tests.matrix``, or ``make test-all``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")

# Where pyenv keeps its interpreters; its shims answer to names that they then refuse to run.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


@dataclass(frozen=True)
class Pair:
    """One Python with one livekit-agents."""

    python: str
    interpreter: str
    agents: str

    @property
    def folder(self) -> Path:
        """Its virtual environment."""
        return PROJECT / f".venv-{self.python}-{self.agents}"


def interpreter(version: str) -> str | None:
    """A Python of that version which works here."""
    candidates = [f"python{version}", *map(str, sorted(PYENV.glob(f"{version}.*/bin/python")))]
    for candidate in candidates:
        try:
            answer = subprocess.run(
                [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        if answer.stdout.strip() == version:
            return candidate
    return None


def oldest_agents() -> str:
    """The lower bound of livekit-agents that the package declares."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    match = re.search(r'"livekit-agents>=([\d.]+)', text)
    assert match, "pyproject.toml names the oldest livekit-agents"
    return match[1]


def pairs(newest: str, *, ends: bool = False) -> list[Pair]:
    """Every Python with the newest livekit-agents; the first and last one with the oldest too.

    Args:
        newest: The newest livekit-agents to test with.
        ends: Only the first Python with the oldest livekit-agents and the last with the newest.
    """
    found = [(v, path) for v in PYTHONS if (path := interpreter(v))]
    if not found:
        return []
    oldest = oldest_agents()
    if ends:
        return [Pair(*found[0], oldest), Pair(*found[-1], newest)]
    return [
        *(Pair(v, path, newest) for v, path in found),
        *(Pair(v, path, oldest) for v, path in sorted({found[0], found[-1]})),
    ]


def is_current(mark: Path) -> bool:
    """Whether an environment was made of the requirements as they are now."""
    wanted = [PROJECT / "pyproject.toml", PROJECT / "constraints.txt"]
    return mark.exists() and mark.stat().st_mtime > max(p.stat().st_mtime for p in wanted)


def run(pair: Pair, arguments: list[str]) -> bool:
    """Set the pair's environment up and run the suite in it."""
    python = pair.folder / "bin" / "python"
    if not is_current(pair.folder / "ready"):
        subprocess.run([pair.interpreter, "-m", "venv", str(pair.folder)], check=True)
        install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        packages = ["--editable", ".[dev]", f"livekit-agents=={pair.agents}"]
        constraints = ["--constraint", "constraints.txt"]
        subprocess.run([*install, *constraints, *packages], cwd=PROJECT, check=True)
        (pair.folder / "ready").touch()
    command = [str(python), "-m", "pytest", "-n", "2", "--dist", "loadfile", "-q", *arguments]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode == 0


def main() -> int:
    """Run every pair; 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--newest", required=True, help="the newest livekit-agents to test with")
    parser.add_argument("--ends", action="store_true", help="only the two extreme pairs")
    options, arguments = parser.parse_known_args()
    results: dict[Pair, bool] = {}
    for pair in pairs(options.newest, ends=options.ends):
        print(f"\n--- Python {pair.python}, livekit-agents {pair.agents}", flush=True)
        results[pair] = run(pair, arguments)
    print()
    for pair, passed in results.items():
        verdict = "passed" if passed else "FAILED"
        print(f"Python {pair.python}, livekit-agents {pair.agents}: {verdict}")
    missing = [v for v in PYTHONS if v not in {p.python for p in results}]
    print(f"not on this machine: {', '.join(missing)}" if missing else "every supported Python ran")
    return 0 if results and all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
