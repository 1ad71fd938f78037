"""``livekit-analytics transcripts fetch``: transcripts from LiveKit Cloud."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...errors import SettingsError
from ..options import AsJson, EnvFile, Verbose, begin, give_up
from .backfilling import backfill
from .period import Since, Until, period_or_exit

if TYPE_CHECKING:
    from ...redaction import Redactor
    from ...transcripts import Fetched

_TOKEN_ENV = "LIVEKIT_CLOUD_TOKEN"


class Origin(str, Enum):
    """What to fetch."""

    transcript = "transcript"
    chat_history = "chat-history"


def fetch(
    project: Annotated[str, typer.Option(help="The project's id: p_... in the dashboard's URL.")],
    session: Annotated[
        str | None, typer.Option(help="One room's sid: RM_..., `room_sid` in a record.")
    ] = None,
    since: Since = None,
    until: Until = None,
    records: Annotated[
        str | None,
        typer.Option(help="Stored records to merge into: a directory or s3://bucket/prefix."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Without --records: the file to write; default: stdout."
        ),
    ] = None,
    origin: Annotated[
        Origin,
        typer.Option(
            "--from", help="The API's transcript, or the file that the agent uploaded at its end."
        ),
    ] = Origin.transcript,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where a record has a complete transcript.")
    ] = False,
    redact: Annotated[
        str | None,
        typer.Option(help="Mask these: email,phone,card, ...; default: ANALYTICS_REDACT."),
    ] = None,
    token_env: Annotated[
        str, typer.Option(help="The variable with the session token of a LiveKit user.")
    ] = _TOKEN_ENV,
    base_url: Annotated[
        str, typer.Option(help="LiveKit Cloud's API.")
    ] = "https://beta-api.livekit.cloud",
    api_version: Annotated[str, typer.Option(help="The API's version: v0 or v1.")] = "v0",
    page_size: Annotated[int, typer.Option(min=1, max=1000, help="Items per request.")] = 100,
    requests_per_minute: Annotated[
        float, typer.Option(min=0.1, help="How often to ask; the plan sets the limit.")
    ] = 60.0,
    wait_seconds: Annotated[
        float, typer.Option(min=0.0, help="How long to wait for data that has not settled.")
    ] = 120.0,
    poll_seconds: Annotated[
        float, typer.Option(min=0.001, help="How often to look at such data.")
    ] = 10.0,
    timeout_seconds: Annotated[
        float, typer.Option(min=0.1, help="How long one answer may take.")
    ] = 60.0,
    attempts: Annotated[
        int, typer.Option(min=1, help="Tries per request where the failure may pass.")
    ] = 5,
    backoff_seconds: Annotated[
        float, typer.Option(min=0.0, help="The pause before the second try; then doubled.")
    ] = 1.0,
    env_file: EnvFile = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Fetch transcripts of finished calls from LiveKit Cloud.

    With --records they go into the stored records that lack one, each as its next revision; all
    between --since and --until, or those of one --session. What is merged already is not fetched
    again, so that the same command goes on where it was stopped. Without --records the transcript
    of --session is written as JSON. Exits with 1 where something failed, 2 for wrong arguments.
    """
    begin(env_file, verbose)
    period = period_or_exit(since, until)
    if records is None and session is None:
        give_up("Say what to fetch: --session RM_..., or --records with --since")
    if records is not None and session is None and period.since is None and period.until is None:
        give_up("Say which records: --since, --until or --session")
    if records is not None and output is not None:
        give_up("--output is for a transcript that goes into no record: leave out one of the two")
    gated = os.environ.get("ANALYTICS_CONTENT_CONSENT", "").strip().lower() == "required"
    if gated and records is None:
        give_up(
            "ANALYTICS_CONTENT_CONSENT=required: LiveKit Cloud does not tell whether the caller"
            " consented. Fetch into --records, which do"
        )
    from ...transcripts import CloudTranscripts, Patience, Terms

    try:
        cloud = CloudTranscripts(
            project,
            _token(token_env),
            base_url=base_url,
            api_version=api_version,
            page_size=page_size,
            patience=Patience(
                settled=wait_seconds,
                poll=poll_seconds,
                attempts=attempts,
                backoff=backoff_seconds,
                answer=timeout_seconds,
                requests_per_minute=requests_per_minute,
            ),
        )
    except SettingsError as error:
        give_up(str(error))
    finder = _redactor(redact)
    with cloud:
        fetched = cloud.fetch if origin is Origin.transcript else cloud.fetch_chat_history
        if records is not None:
            terms = Terms(replace=replace, redactor=finder, consent_required=gated)
            backfill(records, fetched, period=period, session=session, terms=terms, as_json=as_json)
        elif session is not None:
            _write(session, fetched, finder, output, as_json)


def _token(name: str) -> str:
    token = os.environ.get(name, "").strip()
    if not token:
        give_up(
            f"{name} is not set. It takes the session token of a LiveKit user with the Admin role"
            " in the project (`lk cloud auth --user-auth`), not the project's API key and secret"
        )
    return token


def _redactor(names: str | None) -> Redactor | None:
    names = names or os.environ.get("ANALYTICS_REDACT", "").strip()
    if not names:
        return None
    from ...redaction import redactor

    try:
        return redactor(names, region=os.environ.get("ANALYTICS_REDACT_REGION", "").strip() or "US")
    except SettingsError as error:
        give_up(f"--redact, ANALYTICS_REDACT: {error}")


def _write(
    session: str,
    fetch: Callable[[str], Fetched],
    redactor: Redactor | None,
    output: Path | None,
    as_json: bool,
) -> None:
    from rich.console import Console

    from ...lines import compressed, line
    from ...transcripts import CloudError

    errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    try:
        with errors.status(f"Fetching {session}"):
            found = fetch(session)
    except CloudError as error:
        errors.print(str(error), style="red")
        raise typer.Exit(1) from None
    if (why := found.shortcoming()) is not None:
        errors.print(f"{session}: incomplete: {why}", style="yellow")
    body = line(found.document(redactor))
    if output is None:
        typer.echo(body.decode())
        return
    try:
        output.write_bytes(compressed(body) if output.suffix == ".gz" else body + b"\n")
    except OSError as error:
        give_up(f"{output}: {error.strerror or type(error).__name__}")
    items = len(found.transcript.items)
    if as_json:
        summary = {
            "session": session,
            "file": str(output),
            "items": items,
            "complete": found.transcript.complete,
            "state": found.state,
            "skipped": found.skipped,
        }
        typer.echo(json.dumps(summary))
    else:
        typer.echo(f"{output}: {items} item{'s' * (items != 1)}")
