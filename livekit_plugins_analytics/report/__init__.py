"""One page that shows what the records of many calls have to say, and each call by itself."""

from __future__ import annotations

from .calls import MOST_CALLS
from .data import Origin, ReportData, report_data
from .page import page

__all__ = ["MOST_CALLS", "Origin", "ReportData", "page", "report_data"]
