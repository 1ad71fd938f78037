"""What the commands have in common: their options, and how they begin and give up."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ..errors import SettingsError
from ..log import logger
from ..settings import Settings

WRONG_USAGE = 2
"""The exit code for wrong arguments and wrong settings, which is also what typer uses."""

EnvFile = Annotated[
    Path | None,
    typer.Option(
        "--env-file",
        exists=True,
        dir_okay=False,
        readable=True,
        help="Read variables from this file first; those already set win.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show everything that is logged, on stderr.")
]


def begin(env_file: Path | None, verbose: bool) -> frozenset[str]:
    """Read the file of variables and start logging; returns the variables the file has set."""
    handler = _StderrHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
    return frozenset() if env_file is None else _loaded(env_file)


def settings_or_exit(**changes: str) -> Settings:
    """The settings, with these instead; where one is wrong, the command ends."""
    try:
        return Settings.load(**changes)
    except SettingsError as error:
        give_up(str(error))


def give_up(message: str) -> NoReturn:
    """End the command for something that whoever called it must change."""
    typer.echo(message, err=True)
    raise typer.Exit(WRONG_USAGE)


class _StderrHandler(logging.Handler):
    """Writes to what stderr is at the moment: a progress bar takes its place for a while."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def _loaded(path: Path) -> frozenset[str]:
    from dotenv import dotenv_values

    try:
        values = dotenv_values(path, encoding="utf-8-sig")  # editors on Windows put a mark first
    except (OSError, UnicodeDecodeError) as error:
        give_up(f"{path} cannot be read: {type(error).__name__}. It must be a text file in UTF-8.")
    new = {name: value for name, value in values.items() if value and name not in os.environ}
    os.environ.update(new)
    return frozenset(new)
