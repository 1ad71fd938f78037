"""``livekit-analytics query``: SQL over stored records, in this process."""

from __future__ import annotations

from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .lake import NoCache, Parquet, Since, Until, Where, as_objects, loaded, say_problems
from .options import AsJson, EnvFile, begin, give_up

if TYPE_CHECKING:
    from ..warehouse.lake import Lake

# A screen or two: what is longer is for a file.
TABLE_ROWS = 100


class Format(str, Enum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    json = "json"
    jsonl = "jsonl"


def query(
    sql: Annotated[str, typer.Argument(help='SQL of DuckDB: "SELECT count(*) FROM sessions".')],
    path: Where = None,
    since: Since = None,
    until: Until = None,
    format_: Annotated[Format, typer.Option("--format", help="How rows are written.")] = (
        Format.table
    ),
    limit: Annotated[
        int | None,
        typer.Option(min=0, help=f"Rows at most, 0: all. By default {TABLE_ROWS} in a table."),
    ] = None,
    allow_files: Annotated[
        bool,
        typer.Option("--allow-files", help="Let the SQL read and write files of this machine."),
    ] = False,
    parquet: Parquet = None,
    no_cache: NoCache = False,
    env_file: EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Run SQL over stored records.

    Tables: records (every revision), sessions (the latest of each call), and one row per entry:
    tool_calls, signals, discovered, usage, costs, unpriced, participants, transcript_items, errors,
    handoffs, state_history, conversation_notes, tags, evaluations, metrics, latencies. Times are
    UTC.

    What cannot be read is named on stderr, and the rest is queried.
    """
    from . import answer

    begin(env_file, verbose=False)
    if as_json:
        format_ = Format.json
    if limit is None:
        limit = TABLE_ROWS if format_ is Format.table else 0
    with loaded(path, since, until, no_cache=no_cache, parquet=parquet) as (lake, _):
        lake.lock(allow_files=allow_files)
        if format_ is not Format.json:
            say_problems(lake.problems)
        columns, found = _answered(lake, sql, limit)
        if format_ is Format.csv:
            answer.print_csv(columns, found)
        elif format_ is Format.jsonl:
            answer.print_jsonl(columns, found)
        else:
            taken = list(islice(found, limit or None))
            more = next(found, None) is not None
            if format_ is Format.table:
                answer.print_table(columns, taken, more=more)
                return
            typer.echo(
                answer.dumps(
                    {
                        "columns": columns,
                        "rows": [dict(zip(columns, row, strict=True)) for row in taken],
                        "more": more,
                        "problems": as_objects(lake.problems),
                    }
                )
            )


def _answered(lake: Lake, sql: str, limit: int) -> tuple[list[str], Any]:
    """The columns' names and the rows, one more than the limit."""
    import duckdb

    from .answer import rows

    try:
        result = lake.connection.execute(sql)
        columns = _distinct([each[0] for each in result.description or []])
        return columns, iter(_first_fetched(rows(result, limit and limit + 1)))
    except duckdb.Error as error:
        give_up(_explained(lake, error))


def _first_fetched(found: Any) -> Any:
    """The same rows, the first of which was fetched: most errors come with it."""
    from itertools import chain

    first = list(islice(found, 1))
    return chain(first, found)


def _distinct(names: list[str]) -> list[str]:
    """Names of columns, each once: a JSON object would lose one of two."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return distinct


def _explained(lake: Lake, error: Exception) -> str:
    import duckdb

    text = str(error).strip()
    if isinstance(error, duckdb.PermissionException) or "has been locked" in text:
        return (
            "This SQL reaches for files, the network or settings, which it may not: "
            "--allow-files lets it read and write files of this machine."
        )
    if isinstance(error, duckdb.CatalogException) and "Table with name" in text:
        found = lake.connection.execute("SELECT name FROM (SHOW TABLES) ORDER BY name").fetchall()
        return f"{text}\n\nThere are: {', '.join(name for (name,) in found)}"
    return text
