"""Run by the Python that has fakesnow: a statement a line in, its rows a line out."""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    """Answer until there are no more lines."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import fakesnow
    import snowflake.connector

    with fakesnow.patch():
        connection = snowflake.connector.connect(database="analytics", schema="public")
        cursor = connection.cursor()
        for line in sys.stdin:
            result: dict[str, Any]
            try:
                rows = cursor.execute(json.loads(line)).fetchall()
                result = {"rows": [list(row) for row in rows]}
            except Exception as error:
                result = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(result, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
