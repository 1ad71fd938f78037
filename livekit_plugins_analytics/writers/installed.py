"""Sinks of other packages, found by their entry points and used only where they are named."""

from __future__ import annotations

import threading
from importlib.metadata import EntryPoint, entry_points

from ..errors import SettingsError, SinkError
from ..settings import Settings
from .writer import Parcel, Rehearsing, Writer

GROUP = "livekit_plugins_analytics.writers"
"""The group of entry points. Each is a callable that takes `Settings` and returns a `Writer`."""

_UNUSABLE = "or take it out of ANALYTICS_SINKS"


class InstalledWriter:
    """A sink that an installed package offers, loaded when it is first needed.

    Loading imports foreign code: it is done in the thread that prepares or writes, never on the
    event loop of a call. Where it fails, this sink fails, and records wait for it.

    Args:
        name: The entry point's; the sink goes by it, whatever the sink calls itself.
        settings: Handed to the entry point.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._settings = settings
        self._lock = threading.Lock()
        self._writer: Writer | None = None

    def load(self) -> Writer:
        """Import and create the sink, once.

        Raises:
            SettingsError: There is no such sink, or it cannot be created; names the package.
        """
        with self._lock:
            if self._writer is None:
                self._writer = self._created(_found(self.name))
            return self._writer

    def prepare(self) -> None:
        """Load and prepare the sink; see `Writer.prepare`."""
        self._loaded().prepare()

    def rehearse(self) -> None:
        """Let the sink rehearse, if it does; see `Rehearsing.rehearse`."""
        writer = self._loaded()
        if isinstance(writer, Rehearsing):
            writer.rehearse()

    def write(self, parcel: Parcel) -> str:
        """Let the sink write; see `Writer.write`."""
        return self._loaded().write(parcel)

    def _loaded(self) -> Writer:
        try:
            return self.load()
        except SettingsError as error:
            # Not for this record and not for this moment: it is asked again with the next one.
            raise SinkError(
                self.name, "SinkUnavailable", retryable=False, fix=str(error).rstrip(".")
            ) from None

    def _created(self, point: EntryPoint) -> Writer:
        where = f"the sink {self.name!r} of {_package(point)}"
        try:
            factory = point.load()
            writer = factory(self._settings)
        except (Exception, SystemExit) as error:
            # Its text is in the traceback of the worker's start, and in no log: it is not ours.
            raise SettingsError(
                f"ANALYTICS_SINKS: {where} cannot be created ({type(error).__name__}): mend it, "
                f"{_UNUSABLE}."
            ) from error
        if not all(callable(getattr(writer, each, None)) for each in ("prepare", "write")):
            raise SettingsError(
                f"ANALYTICS_SINKS: {where} is no Writer (prepare, write): {point.value} must "
                f"return one; mend it, {_UNUSABLE}."
            )
        made: Writer = writer
        return made


def check_installed(settings: Settings) -> None:
    """Load every sink of other packages that the settings name.

    Raises:
        SettingsError: One cannot be used.
    """
    for writer in installed_writers(settings):
        writer.load()


def installed_writers(settings: Settings) -> list[InstalledWriter]:
    """The sinks of other packages that the settings name; none is looked for yet."""
    return [InstalledWriter(name, settings) for name in settings.foreign_sinks]


def _found(name: str) -> EntryPoint:
    points = entry_points(group=GROUP)
    # A distribution may be found twice: in the environment, and on PYTHONPATH.
    offers = {(point.value, _package(point)): point for point in points if point.name == name}
    if not offers:
        others = ", ".join(sorted({point.name for point in points})) or "none"
        raise SettingsError(
            f"ANALYTICS_SINKS names {name!r}, which no installed package offers (there are: "
            f"{others}): install its package, {_UNUSABLE}."
        )
    if len(offers) > 1:
        packages = " and ".join(sorted(package for _, package in offers))
        raise SettingsError(
            f"ANALYTICS_SINKS names {name!r}, which several packages offer ({packages}): uninstall "
            f"all but one, {_UNUSABLE}."
        )
    return next(iter(offers.values()))


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.module
