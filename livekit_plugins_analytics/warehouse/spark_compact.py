"""Days of small session records to Parquet, or into an Iceberg table, on Spark 3.5.

    spark-submit compact.py --from s3://bucket/sessions/ --to s3://bucket/parquet/
    spark-submit ... compact.py --from s3://bucket/sessions/ --iceberg catalog.database.sessions

Nothing but pyspark is needed: it runs on AWS Glue 5 and EMR Serverless 7 as it is. Every object and
line that cannot be read is named; the exit code is 1 where there was one, or where the Parquet does
not have all rows. Partitions of Parquet are replaced as a whole; the objects are left alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Filled in when the script is printed.
SCHEMA: dict[str, Any] = {}

PARTITIONS = ("year", "month", "day")
# Bad objects that are named; of more there is a count.
NAMED = 100
# Rows of one Parquet file, a few hundred MB of JSON.
ROWS_PER_FILE = 50_000


def main(arguments: list[str] | None = None) -> int:
    """Compact; 0 where all was read and all is there."""
    options = _options(arguments)
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("compact session records").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    # "01" stays "01": the folders are named as those of the objects.
    spark.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    # One truncated object would end the job; what is dropped so is found below, and named.
    spark.conf.set("spark.sql.files.ignoreCorruptFiles", "true")
    lines = _lines(spark, options)
    rows = _rows(lines).cache()
    bad = _bad(spark, lines, rows)
    good = _once(rows.where("record.session_id IS NOT NULL"))
    if options.iceberg:
        report = _merge(spark, good, options.iceberg)
    else:
        report = _write(spark, good, options.to)
    report |= {"bad_objects": bad[:NAMED], "bad_objects_count": len(bad)}
    print(json.dumps(report))
    whole = report["rows"] == report.get("rows_found", report["rows"])
    return 0 if whole and not bad else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--from", dest="source", required=True, help="what has year=... in it")
    parser.add_argument("--to", help="where the Parquet goes")
    parser.add_argument("--iceberg", help="the table that is merged into, instead of --to")
    parser.add_argument(
        "--days", default="year=*/month=*/day=*", help="such as year=2026/month=11/day=*"
    )
    options = parser.parse_args(arguments)
    if bool(options.to) == bool(options.iceberg):
        parser.error("one of --to and --iceberg")
    return options


def _lines(spark: SparkSession, options: argparse.Namespace) -> DataFrame:
    """Every line of every object, with the object's name and its date."""
    root = options.source.rstrip("/")
    text = spark.read.option("basePath", root).text(f"{root}/{options.days}/*.json*")
    # Not input_file_name(): MERGE takes nothing that is not deterministic.
    return text.selectExpr("value", "_metadata.file_path AS object", *PARTITIONS)


def _rows(lines: DataFrame) -> DataFrame:
    """Each line as a record: null where it is none; the whole text too where something is left."""
    from pyspark.sql import functions as f
    from pyspark.sql.types import StringType, StructField, StructType

    fields = StructType.fromJson(SCHEMA).fields
    schema = StructType([*fields, StructField("_corrupt_record", StringType())])
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_corrupt_record"}
    known = f.array(*(f.lit(field.name) for field in fields))
    unknown = f.size(f.array_except(f.json_object_keys("value"), known)) > 0
    parsed = lines.where("trim(value) <> ''").withColumn(
        "record", f.from_json("value", schema, options)
    )
    # A value that does not fit its column, or a key of a newer version: as the one-machine
    # compaction has it, nothing is lost.
    odd = unknown | f.col("record._corrupt_record").isNotNull()
    return parsed.select(
        "record", "object", *PARTITIONS, f.when(odd, f.col("value")).alias("extra")
    )


def _bad(spark: SparkSession, lines: DataFrame, rows: DataFrame) -> list[str]:
    """The objects that gave no line at all, or one that is no record."""
    # A local file is file:/x in `_metadata` and file:///x here.
    names = [(name.replace("file:///", "file:/"),) for name in lines.inputFiles()]
    listed = spark.createDataFrame(names, "object string")
    silent = listed.join(lines.select("object").distinct(), "object", "left_anti")
    broken = rows.where("record.session_id IS NULL").select("object").distinct()
    return [row.object for row in silent.union(broken).distinct().orderBy("object").collect()]


def _once(rows: DataFrame) -> DataFrame:
    """Each revision of a session once, in the record's columns; times without a zone, in UTC."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    key = Window.partitionBy(*PARTITIONS, "record.session_id", "record.revision")
    first = rows.withColumn("place", f.row_number().over(key.orderBy("object"))).where("place = 1")
    names = [field["name"] for field in SCHEMA["fields"]]
    plain = first.select(*(f"record.{name}" for name in names), "extra", *PARTITIONS)
    # As DuckDB writes them; Spark reads a moment with its Z only into a type with a zone.
    types = {field.name: field.dataType for field in plain.schema.fields}
    return plain.select(
        *(f.col(name).cast(_zoneless(types[name])).alias(name) for name in plain.columns)
    )


def _zoneless(of: Any) -> Any:
    """The type with every timestamp in it as one without a zone."""
    from pyspark.sql.types import DataType, StructType

    text = of.json().replace('"timestamp"', '"timestamp_ntz"')
    wrapped = {"type": "struct", "fields": [_field("of", json.loads(text))]}
    inner: DataType = StructType.fromJson(wrapped).fields[0].dataType
    return inner


def _field(name: str, of: Any) -> dict[str, Any]:
    return {"name": name, "type": of, "nullable": True, "metadata": {}}


def _write(spark: SparkSession, good: DataFrame, target: str) -> dict[str, Any]:
    """Write the partitions and count what is in them afterwards."""
    good = good.cache()
    days = [
        tuple(row) for row in good.select(*PARTITIONS).distinct().orderBy(*PARTITIONS).collect()
    ]
    (
        good.repartition(*PARTITIONS)
        .sortWithinPartitions(*PARTITIONS, "start_time")
        .write.mode("overwrite")
        .partitionBy(*PARTITIONS)
        .option("compression", "zstd")
        .option("maxRecordsPerFile", ROWS_PER_FILE)
        .parquet(target)
    )
    found = 0
    if days:
        folders = ["/".join(f"{k}={v}" for k, v in zip(PARTITIONS, day)) for day in days]  # noqa: B905  # Python 3.9 has no strict=
        root = target.rstrip("/")
        found = spark.read.parquet(*(f"{root}/{folder}" for folder in folders)).count()
    return {"rows": good.count(), "rows_found": found, "partitions": len(days)}


def _merge(spark: SparkSession, good: DataFrame, table: str) -> dict[str, Any]:
    """Add new sessions to an Iceberg table, put later revisions in place of earlier ones."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    key = Window.partitionBy("session_id").orderBy(f.col("revision").desc())
    latest = good.withColumn("place", f.row_number().over(key)).where("place = 1").drop("place")
    # The day of its start is the session's for life: it lets the merge look at these days only.
    dated = latest.withColumn("session_date", f.to_date("start_time")).drop(*PARTITIONS)
    dated.createOrReplaceTempView("compacted")
    if not spark.catalog.tableExists(table):
        dated.limit(0).writeTo(table).partitionedBy(f.col("session_date")).create()
    spark.sql(
        f"MERGE INTO {table} t USING compacted s "
        "ON t.session_id = s.session_id AND t.session_date = s.session_date "
        "WHEN MATCHED AND s.revision > t.revision THEN UPDATE SET * "
        "WHEN NOT MATCHED THEN INSERT *"
    )
    return {"rows": dated.count(), "rows_in_table": spark.table(table).count()}


if __name__ == "__main__":
    sys.exit(main())
