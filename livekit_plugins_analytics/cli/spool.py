"""``livekit-analytics spool``: what waits, what was given up and why, and another chance for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from .drain import Quiet
from .options import AsJson, EnvFile, Verbose, begin, give_up, settings_or_exit
from .sending import finish, listed, send, settings_with_sink_or_exit, standing

if TYPE_CHECKING:
    from ..delivery import Spool
    from ..delivery.inventory import Inventory, Item

app = typer.Typer(
    name="spool",
    help="See what waits in the spool or was given up, and try that again.",
    no_args_is_help=True,
)


@app.command()
def ls(env_file: EnvFile = None, as_json: AsJson = False, verbose: Verbose = False) -> None:
    """List what waits, what was given up, calls that go on, and how much was lost, by reason.

    Exits with 0 when nothing waits and nothing was given up, 1 otherwise, 2 for wrong settings.
    """
    begin(env_file, verbose)
    settings = settings_or_exit()
    spools, problem = standing(settings)
    found = [_inventory(each) for each in spools]

    from .listing import as_object, print_inventories

    if as_json:
        typer.echo(json.dumps(as_object(found)))
    elif found:
        print_inventories(found)
    elif not problem:
        typer.echo(f"There is no spool in {settings.spool.absolute()}: nothing ever waited.")
    if problem:
        give_up(problem)
    if any(each.waiting or each.dead or each.orphans for each in found):
        raise typer.Exit(1)


@app.command()
def show(
    session: Annotated[str, typer.Argument(help="The session's id, as `spool ls` lists it.")],
    env_file: EnvFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The record as one JSON line, as a sink gets it.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Show a record that waits or was given up; on stderr, which sinks have it.

    It prints what callers said, where the record holds it. Exits with 0 when the record is shown, 1
    when its file is damaged, 2 when there is none.
    """
    begin(env_file, verbose)
    spools, problem = standing(settings_or_exit())
    found = [_inventory(each) for each in spools]
    # What waits is newer than what was given up.
    items = [
        item
        for where in ("dead", "waiting")
        for each in found
        for item in getattr(each, where)
        if item.session_id == session
    ]
    if not items:
        give_up(problem or f"No record of {session} waits or was given up.")
    item = max(items, key=lambda each: (each.revision or 0, items.index(each)))

    from rich.console import Console

    from ..stored import parsed
    from .listing import state

    try:
        record = parsed(item.parcel().body)
    except (OSError, ValueError) as error:
        typer.echo(f"{item.path} cannot be read: {error}", err=True)
        raise typer.Exit(1) from None
    confirmed = ", ".join(item.confirmed) or "no sink"
    typer.echo(f"{item.path}\n{state(item)}; confirmed by {confirmed}", err=True)
    if as_json:
        typer.echo(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
    else:
        Console().print_json(data=record, ensure_ascii=False)


@app.command("retry-dead")
def retry_dead(
    sessions: Annotated[
        list[str] | None, typer.Argument(help="Only these; all where none is named.")
    ] = None,
    env_file: EnvFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Bring back what was given up and send it, to those sinks that do not have it.

    Exits with 0 when nothing stays, 1 when something stays or was given up again, 2 for wrong
    settings or a session that was not given up.
    """
    begin(env_file, verbose)
    settings = settings_with_sink_or_exit()
    spools, problem = standing(settings)
    dead = _dead(spools, sessions or [])
    revived: list[str] = []
    stayed: list[str] = []
    for spool, item in dead:
        (revived if spool.dead.revive(item.path) else stayed).append(item.session_id)
    report = send(spools, settings, show=not (as_json or quiet))
    if stayed and not as_json:
        typer.echo(f"Stays in dead/, unreadable or in another's hands: {listed(stayed)}")
    more = {"revived": revived, "stayed": stayed}
    finish(report, spools, settings, problem, as_json, quiet, more)


def _inventory(spool: Spool) -> Inventory:
    from ..delivery.inventory import Inventory

    try:
        return Inventory.of(spool)
    except OSError as error:  # pragma: no cover  # what it was opened with goes meanwhile
        give_up(f"The spool cannot be read ({error.strerror}): {error.filename}")


def _dead(spools: list[Spool], sessions: list[str]) -> list[tuple[Spool, Item]]:
    """What was given up, of these sessions or of all."""
    dead = [(spool, item) for spool in spools for item in _inventory(spool).dead]
    if unknown := set(sessions) - {item.session_id for _, item in dead}:
        give_up(f"Not in dead/: {listed(unknown)}. `livekit-analytics spool ls` lists what is.")
    return [(spool, item) for spool, item in dead if not sessions or item.session_id in sessions]
