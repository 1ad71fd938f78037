"""AWS Glue's Data Catalog: the same table as Athena's, as its API takes it."""

from __future__ import annotations

from typing import Any

from .columns import PARTITIONS, columns
from .hive import INPUT_FORMAT, OUTPUT_FORMAT, SERDE, SERDE_PROPERTIES, hive_type, projection
from .names import Location, identifier


def create_table(
    location: Location, *, database: str, table: str, years: tuple[int, int]
) -> dict[str, Any]:
    """The arguments of Glue's CreateTable, for boto3 and for ``--cli-input-json``.

    Args:
        location: Where the objects are.
        database: A database that is there.
        table: As in Athena: the table's name is this and ``_raw``.
        years: The first and the last year that are looked for.

    Raises:
        ValueError: A name cannot stand in a statement.
    """
    return {
        "DatabaseName": identifier(database, "--database"),
        "TableInput": {
            "Name": f"{identifier(table, '--table')}_raw",
            "Description": "Session records of livekit-plugins-analytics: one JSON line a session.",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {
                "EXTERNAL": "TRUE",
                "classification": "json",
                **projection(location, *years),
            },
            "PartitionKeys": [{"Name": name, "Type": "int"} for name in PARTITIONS],
            "StorageDescriptor": {
                "Columns": [
                    {"Name": one.name, "Type": hive_type(one.type, quote="")} for one in columns()
                ],
                "Location": location.uri(),
                "InputFormat": INPUT_FORMAT,
                "OutputFormat": OUTPUT_FORMAT,
                "Compressed": True,
                "SerdeInfo": {"SerializationLibrary": SERDE, "Parameters": SERDE_PROPERTIES},
            },
        },
    }
