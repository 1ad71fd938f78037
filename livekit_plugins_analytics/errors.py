"""Everything this package raises.

    AnalyticsError
    ├── SettingsError     a setting is wrong; the message names the variable and the fix
    │   └── RatesError    the rate card is; the message names the file, the entry and the fix
    ├── SinkError         a sink did not confirm a record
    └── SpoolError        the spool directory cannot be used

None of them is ever raised into a running call.
"""

from __future__ import annotations


class AnalyticsError(Exception):
    """Anything that this package raises."""


class SettingsError(AnalyticsError, ValueError):
    """A setting is wrong. The message names the environment variable and the fix."""


class SpoolError(AnalyticsError):
    """The spool directory cannot be used. The message names the setting and the fix."""


class SinkError(AnalyticsError):
    """A sink did not confirm a record.

    Args:
        sink: The sink's name: "s3", "cloudwatch", "directory".
        code: What the sink answered, in its own words ("AccessDenied") or ours ("Timeout").
        retryable: True where the same request may succeed a moment later.
        fix: What a person can do about it; names the setting where there is one.
        of_record: True where the failure says something of this record and nothing of the sink:
            the next record may well be taken.
        final: True where this sink will never take this record, whatever anybody sets or repairs:
            it is too large, or malformed. Implies ``of_record``. Once every other sink has the
            record, it is put aside and not tried again.
    """

    def __init__(
        self,
        sink: str,
        code: str,
        *,
        retryable: bool,
        fix: str = "",
        of_record: bool = False,
        final: bool = False,
    ) -> None:
        self.sink = sink
        self.code = code
        self.retryable = retryable
        self.fix = fix
        self.of_record = of_record or final
        self.final = final
        super().__init__(f"{sink}: {code}" + (f". {fix}" if fix else ""))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not pickle by themselves.
        values = (self.sink, self.code, self.retryable, self.fix, self.of_record, self.final)
        return _rebuild, values


def _rebuild(
    sink: str, code: str, retryable: bool, fix: str, of_record: bool, final: bool
) -> SinkError:
    return SinkError(sink, code, retryable=retryable, fix=fix, of_record=of_record, final=final)
