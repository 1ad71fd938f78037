"""Run by the Python that has pyspark: a statement a line in, its rows a line out."""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main(settings: dict[str, str]) -> None:
    """Answer until there are no more lines.

    Args:
        settings: Spark's.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Spark talks on stdout
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").enableHiveSupport()
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for line in sys.stdin:
        result: dict[str, Any]
        try:
            rows = spark.sql(json.loads(line)).collect()
            result = {"rows": [list(row) for row in rows]}
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result, default=str), file=answers, flush=True)
    spark.stop()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
