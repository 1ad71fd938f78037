"""The wiring: `attach` to a session, the job's hooks, and the recorder of the current code."""

from __future__ import annotations

import concurrent.futures
import contextvars
import multiprocessing
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from livekit.agents import AgentSession, JobContext, get_job_context

from .delivery import Courier, courier_for
from .delivery.threads import start_soon
from .desk import hurried
from .errors import AnalyticsError, SettingsError
from .job import Job
from .log import logger
from .masking import chained, load_redactor
from .recorder import Recorder
from .rulebook import ready, rules_for
from .session_id import safe_session_id
from .settings import Settings, unknown_variables
from .sweeper import keep_sweeping, stop_sweeping, sweep
from .writers import Writer, check_installed

if TYPE_CHECKING:
    from livekit.agents import JobProcess

    from .privacy import Redacting
    from .redaction import Redactor
    from .signals import RuleSet

# The framework kills a process whose setup takes more than 10 s (initialize_process_timeout).
_PREPARE_SECONDS = 5.0

# By the session's id(): a recorder holds its session, which keeps it alive through its handlers, so
# a dictionary that held either would hold both for ever.
_recorders: weakref.WeakValueDictionary[int, Recorder] = weakref.WeakValueDictionary()
_current: contextvars.ContextVar[Recorder] = contextvars.ContextVar("analytics_recorder")
_said: set[str] = set()


def attach(
    session: AgentSession[Any],
    ctx: JobContext | None = None,
    *,
    settings: Settings | None = None,
    session_id: str | None = None,
    user_email: str | None = None,
    user_metadata: Mapping[str, Any] | None = None,
    writers: Sequence[Writer] | None = None,
    rules: RuleSet | None = None,
    redactor: Redactor | None = None,
) -> Recorder:
    """Record a session: one record per call, on its way when the session closes.

    Call it before ``session.start()``. It never raises for wrong settings in the environment:
    they are logged, the defaults are used, and the call goes on.

    Args:
        session: The session. Attaching to it twice gives the same recorder.
        ctx: Its job; the current one where it is not given.
        settings: Instead of the environment's.
        session_id: The record's id, at most 100 of ``A-Z a-z 0-9 . _ -``; others become ``-``.
            Without it ``{room sid}-{job id}``. A second session under an id ends in ``-2``.
        user_email: Who the caller is, where that is known already.
        user_metadata: Anything else known of the caller, as JSON values.
        writers: Sinks of your own instead of the settings' (a
            `livekit_plugins_analytics.testing.MemoryWriter` in a test); nothing is spooled then.
        rules: Signal rules built in Python, instead of the pack that ``ANALYTICS_SIGNALS`` names.
        redactor: Finds what is to be masked, beside what ``ANALYTICS_REDACT`` names.

    Returns:
        The recorder.
    """
    known = _recorders.get(id(session))
    if known is not None and known.session is session:
        logger.warning("analytics.attach() was called twice for one session; the first call holds")
        return known
    settings = settings or _lenient_settings()
    recorder = _recorder(session, ctx, settings, session_id, writers, rules, redactor)
    _recorders[id(session)] = recorder
    _current.set(recorder)
    if user_email is not None or user_metadata is not None:
        recorder.set_user(email=user_email, metadata=user_metadata)
    return recorder


def current() -> Recorder:
    """The recorder of the code that is running: a tool, a handler, the entrypoint.

    Where none was attached, a recorder that records nothing: a tool can be tested by itself.
    """
    here = _current.get(None)
    ctx = get_job_context(required=False)
    job = Job.known(ctx) if ctx else None
    if job and job.recorders and here not in job.recorders:
        return job.recorders[-1]
    if here is None:
        _say_once("analytics.current() was called where no recorder is attached; nothing is kept")
        return Recorder(None, None, Settings.model_construct(), None, "none")
    return here


async def on_session_end(ctx: JobContext) -> None:
    """Hand over what the job's sessions left, with the framework's 300 s for it.

    For ``rtc_session(on_session_end=...)``; await it at the end of an ``on_session_end`` of your
    own. Without it the shutdown callback does the same within 10 s.
    """
    job = Job.known(ctx)
    if job is None:
        return
    try:
        await job.session_end()
    except Exception as error:
        job.guard.failed("on_session_end", error)


def prewarm(proc: JobProcess | None = None) -> None:
    """Make the sinks' clients before the first call, and send what dead processes left behind.

    For ``AgentServer(setup_fnc=...)``; call it from a ``setup_fnc`` of your own. Called by
    yourself before the worker starts, without a process, it checks the settings.

    Raises:
        SettingsError: A setting or the rate card (`RatesError`) is wrong, and this is not a job's
            process. There an exception
            would fail every call (livekit-agents 1.8.9 registers all the same after 12 s): the
            variable is logged, and its default is used.
    """
    at_start = proc is None or _is_main()
    settings = Settings.load() if at_start else _lenient_settings()
    if settings.enabled:
        if not _has_rendering():
            _load_rendering()
        _load_rates(settings, at_start)
    for name, meant in unknown_variables().items():
        hint = f"; did you mean {meant}?" if meant else ""
        logger.warning("the environment variable %s is no setting of analytics%s", name, hint)
    if settings.enabled:
        _load_rules(settings, at_start)
        _load_redactor(settings, at_start)
        if at_start:
            check_installed(settings)
        courier = _courier(settings)
        courier.prepare(timeout=_PREPARE_SECONDS)
        if settings.has_sink:
            keep_sweeping(courier, settings)


def _has_rendering() -> bool:
    """Whether what makes records of calls is loaded, or being loaded."""
    return f"{__package__}.rendering" in sys.modules


def _load_rendering() -> None:
    """Load it, with its prices; never raises: in `prewarm` that would fail every call."""
    try:
        with hurried():
            from .rendering import load_prices

            load_prices()
    except Exception as error:
        # A record is rendered without prices, or stays in its journal, and that is told then.
        logger.error("what makes analytics records cannot be loaded (%s)", type(error).__name__)


def _load_rates(settings: Settings, at_start: bool) -> None:
    from .rates import load_rates, load_rates_leniently

    (load_rates if at_start else load_rates_leniently)(settings)


def _load_rules(settings: Settings, at_start: bool) -> None:
    """Compile the signal rules before the first call."""
    rules = rules_for(settings.signals)
    try:
        error = rules.exception(_PREPARE_SECONDS) if rules else None
    except concurrent.futures.TimeoutError:
        return  # a slow machine; calls keep what they hear until the rules are there
    # In a job's process it has been logged, and calls are recorded without signals.
    if error is not None and at_start:
        raise SettingsError(f"ANALYTICS_SIGNALS: {error}") from None


def _load_redactor(settings: Settings, at_start: bool) -> None:
    """Build what redacts before the first call."""
    try:
        load_redactor(settings)
    except AnalyticsError as error:
        # In a job's process it has been logged, and calls are recorded without content.
        if at_start:
            raise SettingsError(f"ANALYTICS_REDACT: {error}") from None


def _is_main() -> bool:
    """Whether this is the worker's own start, not the framework's set-up of a job's process.

    The framework calls a ``setup_fnc`` in a child process, or in a thread of the worker.
    """
    in_child = multiprocessing.parent_process() is not None
    return not in_child and threading.current_thread() is threading.main_thread()


def _lenient_settings() -> Settings:
    settings, problem = Settings.load_leniently()
    if problem:
        logger.error("%s The defaults are used for these, and calls go on.", problem)
    return settings


def _recorder(
    session: AgentSession[Any],
    ctx: JobContext | None,
    settings: Settings,
    session_id: str | None,
    writers: Sequence[Writer] | None,
    rules: RuleSet | None,
    redactor: Redactor | None,
) -> Recorder:
    if not settings.enabled:
        return Recorder(None, None, settings, None, "off")
    if not _has_rendering():
        # Neither the forkserver nor `prewarm` has: beside the call, which needs it at its end.
        start_soon("loader", _load_rendering, lambda: None)
    if writers is None:
        courier = _courier(settings)
        if multiprocessing.parent_process() is not None:
            stop_sweeping()
        # Where no sink is configured, leftovers may be meant for sinks that are not known here, as
        # where an agent is once started by hand without its variables.
        if settings.has_sink:
            sweep(courier, settings)
    else:
        courier = Courier(None, writers, budget=settings.export_budget_seconds)
    ctx = ctx or get_job_context(required=False)
    job = Job.of(ctx) if ctx else None
    redacting = _redacting(settings, redactor)
    if isinstance(session_id, str) and redacting and _is_personal(session_id, redacting):
        logger.warning("analytics: the session id has what is to be masked; another is taken")
        session_id = None
    safe = safe_session_id(session_id) if isinstance(session_id, str) else ""
    if session_id and safe != session_id:
        logger.warning("analytics: the session id was made safe for keys and file names: %s", safe)
    found_by = rules_for(settings.signals) if rules is None else ready(rules)
    recorder = Recorder(session, job, settings, courier, safe or None, found_by, redacting)
    if job:
        job.recorders.append(recorder)
    return recorder


def _redacting(settings: Settings, own: Redactor | None) -> Redacting | None:
    if settings.redact is None and own is None:
        return None

    return lambda: chained(load_redactor(settings), own)


def _is_personal(session_id: str, redacting: Redacting) -> bool:
    """Whether an id that is to name files and keys has what no record may have."""
    try:
        redactor = redacting()
        return redactor is not None and bool(list(redactor.find(session_id)))
    except Exception:  # it cannot be known
        return True


def _courier(settings: Settings) -> Courier:
    if not settings.has_sink and (local := settings.local_directory):
        _say_once(
            f"no sink is configured: analytics records go to {local.absolute()}. Set "
            "ANALYTICS_S3_BUCKET or ANALYTICS_LOG_GROUP, or ANALYTICS_DIRECTORY to choose it"
        )
    return courier_for(settings)


def _say_once(message: str) -> None:
    if message not in _said:
        _said.add(message)
        logger.warning(message)
