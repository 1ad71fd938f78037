"""A call's figures in CloudWatch's embedded metric format: metrics without another request.

The format's specification: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/\
CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .figures import figures
from .record import SessionRecord

# What CloudWatch takes for a dimension's value: printable ASCII, not blank, no colon first.
_VALUE = re.compile(r"(?=.*[!-~])(?!:)[ -~]{1,1024}")


def metric_members(
    record: SessionRecord, namespace: str, dimensions: Sequence[str]
) -> dict[str, Any]:
    """The members of a log event that make its figures CloudWatch metrics.

    Args:
        record: The session.
        namespace: The metrics' namespace.
        dimensions: The record's fields that tell them apart. One that is null, or that CloudWatch
            takes for none, is left out.

    Returns:
        The figures by name, and ``_aws``. The dimensions' own values are members of the record.
    """
    known = figures(record)
    directive = {
        "Namespace": namespace,
        "Dimensions": [[name for name in dimensions if _usable(getattr(record, name))]],
        "Metrics": [{"Name": each.name, "Unit": each.unit} for each in known],
    }
    return {
        **{each.name: value for each, value in known.items()},
        "_aws": {
            # The call's end. CloudWatch takes no metrics of what is older than two weeks.
            "Timestamp": round(record.end_time.timestamp() * 1000),
            "CloudWatchMetrics": [directive],
        },
    }


def _usable(value: Any) -> bool:
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None
