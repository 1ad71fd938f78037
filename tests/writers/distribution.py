"""A package of somebody else's, built as a wheel and installed by pip."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile


def install(
    folder: Path, name: str, modules: Mapping[str, str], entry_points: Mapping[str, str]
) -> None:
    """Install a distribution into a folder, for PYTHONPATH.

    Args:
        folder: Where to.
        name: The distribution's.
        modules: Each module's source.
        entry_points: The sinks that it offers: name and ``module:attribute``.
    """
    stem = f"{name.replace('-', '_')}-1.0"
    info = f"{stem}.dist-info"
    points = "\n".join(f"{each} = {value}" for each, value in entry_points.items())
    files = {
        **{f"{module}.py": source for module, source in modules.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[livekit_plugins_analytics.writers]\n{points}\n",
    }
    wheel = folder.parent / f"{stem}-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
        archive.writestr(f"{info}/RECORD", record)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    done = subprocess.run(
        [*pip, "--no-index", "--no-deps", "--target", folder, wheel],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
