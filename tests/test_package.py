"""The package is light to import, safe to preload, and has no names but those it promises."""

from __future__ import annotations

import importlib
import inspect
import json
import pickle
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Plugin

import livekit_plugins_analytics as analytics
from livekit_plugins_analytics.log import logger

# Loaded when a client is made or a record is priced, in a thread: never by the import itself.
HEAVY = ("boto3", "botocore", "voice_prices", "watchtower", "numpy", "rich", "typer", "moto")

# What registering a plugin takes; LiveKit's own plugins have these beside their public names too.
OF_THE_PLUGIN = {"logger"}


def run(code: str) -> Any:
    """What the code prints as JSON, in a process of its own where livekit.agents is loaded."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# -- names


def test_the_public_names_are_sorted_and_there() -> None:
    def by_kind(name: str) -> tuple[bool, bool, str]:
        """Constants, classes, functions: the order of isort, and of LiveKit's own plugins."""
        return not name.isupper(), not name[0].isupper(), name

    assert analytics.__all__ == sorted(analytics.__all__, key=by_kind)
    assert all(hasattr(analytics, name) for name in analytics.__all__)


def test_there_are_no_other_public_names() -> None:
    assert all(hasattr(analytics, name) for name in analytics.__all__)  # some are loaded by that
    public = {
        name
        for name, value in vars(analytics).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert public | {"__version__"} == set(analytics.__all__) | OF_THE_PLUGIN


def test_every_public_name_of_the_package_says_what_it_is() -> None:
    for name in analytics.__all__:
        value = getattr(analytics, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name


def test_the_version_is_the_distributions() -> None:
    assert analytics.__version__ == version("livekit-plugins-analytics")


def test_the_package_is_typed() -> None:
    assert (Path(analytics.__path__[0]) / "py.typed").exists()


@pytest.mark.parametrize("name", ["testing", "costs", "writers", "delivery", "transcripts"])
def test_a_subpackage_names_what_it_offers(name: str) -> None:
    module = importlib.import_module(f"livekit_plugins_analytics.{name}")

    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, each) for each in module.__all__)


# -- the plugin


def test_the_framework_knows_the_plugin() -> None:
    (plugin,) = [p for p in Plugin.registered_plugins if type(p).__name__ == "AnalyticsPlugin"]

    assert plugin.title == "livekit_plugins_analytics"
    # What the framework has its forkserver load: see test_preload.
    assert plugin.package == "livekit_plugins_analytics.preload"
    assert plugin.version == analytics.__version__
    assert plugin.logger is logger
    assert logger.name == "livekit.plugins.analytics"


@pytest.mark.parametrize("hook", [analytics.on_session_end, analytics.prewarm])
def test_a_hook_can_be_handed_to_a_process(hook: Any) -> None:
    assert pickle.loads(pickle.dumps(hook)) is hook


@pytest.mark.parametrize(
    ("preloaded", "registered"),
    # Without the framework the package is made known when it is used, here on the main thread.
    [("import livekit.agents", 0), ("", 1)],
    ids=["with the framework", "before it"],
)
def test_an_import_off_the_main_thread_works(preloaded: str, registered: int) -> None:
    answer = run(f"""
{preloaded}
import threading, warnings
warnings.simplefilter("error")
failures = []

def load():
    try:
        import livekit_plugins_analytics
    except BaseException as error:
        failures.append(repr(error))

thread = threading.Thread(target=load)
thread.start()
thread.join()
import livekit_plugins_analytics as analytics
from livekit.agents import Plugin
print(json.dumps([failures, callable(analytics.attach), len(Plugin.registered_plugins)]))
""")

    assert answer == [[], True, registered]


# -- the import: the framework preloads the package in the process that it forks the jobs from


def test_the_import_starts_no_thread_and_opens_nothing() -> None:
    answer = run("""
import livekit.agents, threading
before = set(threading.enumerate())
seen = []

def audit(event, args):
    if event.startswith("socket.") or event in ("_thread.start_new_thread", "subprocess.Popen"):
        seen.append(event)
    if event == "open" and args[1] is not None and set(str(args[1])) & set("wax+"):
        if ".pyc" not in str(args[0]) and "__pycache__" not in str(args[0]):
            seen.append(f"open {args[0]}")

sys.addaudithook(audit)
import livekit_plugins_analytics
print(json.dumps([seen, len(set(threading.enumerate()) - before)]))
""")

    assert answer == [[], 0]


def test_the_import_loads_nothing_heavy() -> None:
    answer = run(f"""
import livekit.agents
before = set(sys.modules)
import livekit_plugins_analytics
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(new & set({HEAVY!r}))))
""")

    assert answer == []


def test_the_import_loads_nothing_that_only_a_calls_end_needs() -> None:
    """The record's models and the prices are half of the package's time."""
    answer = run("""
import livekit.agents
import livekit_plugins_analytics
print(json.dumps([n for n in sys.modules if n.startswith("livekit_plugins_analytics.")]))
""")

    names = {name.split(".")[1] for name in answer}
    assert "session" in names
    assert not names & {"assembly", "costs", "emf", "lines", "record", "recovery", "rendering"}


def test_the_import_does_not_load_the_testing_module_or_the_command() -> None:
    answer = run("""
import livekit_plugins_analytics
print(json.dumps([n for n in sys.modules if n.startswith("livekit_plugins_analytics.")]))
""")

    assert not [n for n in answer if ".testing" in n or ".cli" in n]


def test_the_import_changes_no_warning_filter_and_no_log_level() -> None:
    answer = run("""
import livekit.agents, logging, warnings
before = (list(warnings.filters), logging.getLogger().level, list(logging.getLogger().handlers))
import livekit_plugins_analytics
after = (list(warnings.filters), logging.getLogger().level, list(logging.getLogger().handlers))
print(json.dumps(before == after))
""")

    assert answer is True


def test_how_long_the_import_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """No bound is asserted: the figure depends on the machine and on its load."""
    times = run("""
import time
start = time.perf_counter()
import livekit.agents
agents = time.perf_counter()
import livekit_plugins_analytics
end = time.perf_counter()
print(json.dumps([agents - start, end - agents]))
""")

    with capsys.disabled():
        print(f"\nimport: livekit.agents {times[0]:.3f} s, the package over it {times[1]:.3f} s")
