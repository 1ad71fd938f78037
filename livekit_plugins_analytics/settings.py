"""What the package can be told, all of it by environment variables (LiveKit Cloud secrets)."""

from __future__ import annotations

import base64
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .errors import SettingsError

PREFIX = "ANALYTICS_"

# Bucket naming rules of the S3 user guide; an access point's ARN goes in the same place.
_BUCKET = re.compile(r"arn:[\w:/.-]+|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Log group naming rules of the CloudWatch Logs API reference (CreateLogGroup).
_LOG_GROUP = re.compile(r"[\w./#-]{1,512}", re.ASCII)
# Namespaces (PutMetricData); "AWS/" is Amazon's own.
_NAMESPACE = re.compile(r"(?!AWS/|:)[A-Za-z0-9./_#: -]{1,255}")
TRANSCRIPTS = "transcripts/"
"""The folder of separate transcripts, in the place of the records' own (``sessions/``)."""
DIMENSIONS_WITHOUT_NULL = (
    "environment",
    "record_status",
    "end_cause",
    "plugin_version",
    "sdk_version",
)
"""Fields of the record that tell metrics apart, and that every record has."""
# Those with few values, so that CloudWatch has few metrics to bill.
_DIMENSIONS = (
    *("agent_name", "close_reason", "outcome", "conversation_state", "consent_method"),
    *("signal_pack", *DIMENSIONS_WITHOUT_NULL),
)
# Those with a value of their own for each call.
_UNBOUNDED = frozenset(
    {"session_id", "job_id", "room_name", "room_sid", "worker_id", "user_email", "shutdown_reason"}
    | {"start_time", "end_time", "closed_at", "consent_timestamp", "duration_seconds"}
)
# Log stream names (CreateLogStream): no colon, no asterisk.
_LOG_STREAM = re.compile(r"[^:*]{1,512}")
# Firehose's DeliveryStreamName.
_FIREHOSE_STREAM = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
# The Standard Webhooks specification: "whsec_" and 24 to 64 bytes in base64.
_WEBHOOK_SECRET = "whsec_"
_WEBHOOK_SECRET_BYTES = range(24, 65)
# Sinks go by their names in the spool's files.
_SINK_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
SINKS = {
    "directory": "directory",
    "s3": "s3_bucket",
    "cloudwatch": "log_group",
    "firehose": "firehose_stream",
    "webhook": "webhook_url",
}
"""The sinks that come with the package, each with the setting that says where it is."""


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _lowered_off(value: Any) -> Any:
    """Off in any case; the rest may be a path, where case counts."""
    return "off" if isinstance(value, str) and value.lower() == "off" else value


def _path_or_card(value: Any) -> Any:
    """A path, or a `RateCard`, whose class is loaded already where somebody has made one."""
    made = sys.modules.get(f"{__package__}.costs.rates")
    if value is None or (made and isinstance(value, made.RateCard)):
        return value
    if isinstance(value, (str, Path)):
        return Path(value)
    raise ValueError("a path to a rate card, or in code a RateCard")


if TYPE_CHECKING:
    from .costs import RateCard

    _Rates = Path | RateCard | None
else:
    # Most processes have no rate card, and what belongs to one takes 5 ms to import.
    _Rates = Annotated[Any, BeforeValidator(_path_or_card)]


class Settings(BaseModel):
    """The package's settings, read from ``ANALYTICS_*`` environment variables.

    Every field ``name`` is the variable ``ANALYTICS_NAME``. An empty variable counts as unset.
    AWS credentials and the region come from AWS's own variables (``AWS_ACCESS_KEY_ID``,
    ``AWS_REGION``, ...).

    Build it with `Settings.load` (clear errors) or, in code, with keyword arguments, which win
    over the environment.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    enabled: bool = True
    """Off: `attach` returns a recorder that records nothing."""
    s3_bucket: str | None = None
    """The bucket for records; unset: no S3."""
    s3_prefix: str = "sessions/"
    """What every S3 key starts with."""
    s3_endpoint_url: str | None = None
    """An S3-compatible store other than AWS."""
    s3_kms_key_id: str | None = None
    """Encrypt objects with this KMS key (SSE-KMS) instead of the bucket's default."""
    log_group: str | None = None
    """The CloudWatch Logs group for one event per session; it must exist. Unset: no CloudWatch."""
    log_stream: str | None = None
    """The log stream; unset: ``{agent name}/{UTC day}``."""
    firehose_stream: str | None = None
    """The Amazon Data Firehose stream for records; it must exist. Unset: no Firehose."""
    webhook_secret: SecretStr | None = None
    """What webhooks are signed with (Standard Webhooks): ``whsec_`` and base64."""
    webhook_allow_http: bool = False
    """Whether `webhook_url` may be plain HTTP, which everybody on the way can read."""
    webhook_allow_private: bool = False
    """Whether `webhook_url` may lead to a private, loopback or link-local address."""
    webhook_url: SecretStr | None = None
    """Where records are POSTed. Not shown: such URLs often carry a key. Unset: no webhook."""
    directory: Path | None = None
    """A local directory for records, in S3's layout. ``./analytics`` where no sink is set."""
    spool_directory: Path | None = None
    """Where a record waits until every sink has confirmed it; unset: ``./.analytics-spool``."""
    spool_max_days: float = Field(default=30.0, gt=0, le=3650)
    """Days that a record may wait in the spool; then it is put aside in the spool's ``dead/``."""
    spool_max_megabytes: float = Field(default=1024.0, gt=0, le=1_000_000)
    """Megabytes (of 1,000,000 bytes) that may wait in the spool; beyond, the oldest records are put
    aside in ``dead/``, which holds as much again before its oldest are deleted."""
    environment: str = "production"
    """Written to each record: production, staging, ..."""
    transcript: Annotated[Literal["off", "on", "separate"], BeforeValidator(_lowered)] = "off"
    """Whether the record carries the transcript; "separate": it goes beside the record, under
    ``transcripts/``, and the record says where."""
    content_consent: Annotated[Literal["off", "required"], BeforeValidator(_lowered)] = "off"
    """"required": what was said and who called is kept only with the caller's consent
    (`Recorder.record_consent`)."""
    consent_from: Annotated[Literal["start", "grant"], BeforeValidator(_lowered)] = "start"
    """Whether a grant applies from the call's start, or only from its own moment."""
    redact: str | None = None
    """Entities that are masked wherever they are, with commas: email, phone, card, iban, ssn, ip,
    and TOML files with patterns of your own; unset: none."""
    redact_region: str = Field(default="US", pattern="^[A-Z]{2}$")
    """The country whose phone numbers are written without a country code (ISO 3166)."""
    signals: Annotated[str, BeforeValidator(_lowered_off)] = "sales"
    """The rules that find signals in what callers say: a pack's name, "off", or a TOML file."""
    checkpoint_seconds: float | None = Field(default=None, ge=10)
    """Seconds between two copies to S3 of what is known of a live call; unset: none are made."""
    export_budget_seconds: float = Field(default=20.0, gt=0, le=300)
    """Seconds from a session's end in which sending is tried; afterwards the spool keeps it."""
    export_at: Annotated[Literal["close", "session_end"], BeforeValidator(_lowered)] = "close"
    """When the record leaves: as soon as the session closes, or when the job's session ends."""
    metrics: Annotated[Literal["off", "emf"], BeforeValidator(_lowered)] = "off"
    """Whether the log event is in CloudWatch's embedded metric format (EMF), which makes metrics of
    its figures without another call."""
    metrics_namespace: str = "LiveKitAnalytics"
    """The CloudWatch namespace of these metrics."""
    metrics_dimensions: str = "agent_name,environment"
    """The record's fields that tell these metrics apart, with commas between them, or "none"."""
    rates: _Rates = None
    """The user's own rates, which go before list prices: a TOML file, or in code a `RateCard`."""
    # The last one: it is checked against those before.
    sinks: str | None = None
    """The sinks that get records, with commas between them: those of this package and installed
    ones by the name of their entry point. Unset: every one of this package that has a place."""

    # Not pydantic-settings: it takes 10 ms to import, and each attach() 2 ms of the event loop.
    @model_validator(mode="before")
    @classmethod
    def _from_environment(cls, given: Any) -> Any:
        """Take what is not given from the environment.

        A pasted secret often ends in a line break; one that is nothing else is unset.
        """
        if not isinstance(given, dict):
            return given
        found = {
            name[len(PREFIX) :].lower(): value
            for name, value in os.environ.items()
            if value and name.upper().startswith(PREFIX)
        }
        known = {n: found[n] for n in cls.model_fields if n in found} | given
        values = {n: v.strip() if isinstance(v, str) else v for n, v in known.items()}
        # Not a validator of each field: to make thirty of these takes a millisecond at import.
        return {n: v for n, v in values.items() if v or not known[n] or n not in cls.model_fields}

    @field_validator("s3_bucket")
    @classmethod
    def _bucket_name(cls, value: str | None) -> str | None:
        if value is not None and not _BUCKET.fullmatch(value):
            raise ValueError(
                "not a bucket name (3 to 63 of a-z, 0-9, '.', '-'; no s3://, no path); "
                "a path goes to ANALYTICS_S3_PREFIX"
            )
        return value

    @field_validator("s3_prefix")
    @classmethod
    def _key_prefix(cls, value: str) -> str:
        if value.startswith("s3://") or "//" in value:
            raise ValueError("a key prefix such as 'sessions/', without s3:// and without '//'")
        value = value.strip("/")
        return f"{value}/" if value else ""

    @field_validator("s3_endpoint_url")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]", value):
            raise ValueError("a URL such as https://s3.example.com")
        return value

    @field_validator("log_group")
    @classmethod
    def _group_name(cls, value: str | None) -> str | None:
        if value is not None and not _LOG_GROUP.fullmatch(value):
            raise ValueError("a log group's name: letters, digits and _ - / . # (not its ARN)")
        return value

    @field_validator("log_stream")
    @classmethod
    def _stream_name(cls, value: str | None) -> str | None:
        if value is not None and not _LOG_STREAM.fullmatch(value):
            raise ValueError("a log stream's name: up to 512 characters, no ':' and no '*'")
        return value

    @field_validator("transcript")
    @classmethod
    def _transcript_place(cls, value: str, info: ValidationInfo) -> str:
        known = info.data
        has_files = known.get("s3_bucket") or known.get("directory")
        elsewhere = ("log_group", "firehose_stream", "webhook_url")
        if value == "separate" and any(map(known.get, elsewhere)) and not has_files:
            raise ValueError(
                "a separate transcript is a file: set ANALYTICS_S3_BUCKET or "
                "ANALYTICS_DIRECTORY, or use on"
            )
        return value

    @field_validator("firehose_stream")
    @classmethod
    def _delivery_stream(cls, value: str | None) -> str | None:
        if value is not None and not _FIREHOSE_STREAM.fullmatch(value):
            raise ValueError(
                "a Firehose stream's name: up to 64 letters, digits and _ . - (not its ARN)"
            )
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _signing_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                size = len(signing_key(value.get_secret_value()))
            except ValueError:
                size = 0
            if size not in _WEBHOOK_SECRET_BYTES:
                raise ValueError(
                    "whsec_ followed by 24 to 64 bytes in base64, as the receiver shows it; a new "
                    'one: echo "whsec_$(openssl rand -base64 32)"'
                )
        return value

    @field_validator("webhook_url")
    @classmethod
    def _receiver(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value()
        url = _split(text)
        if url is None or url.scheme not in ("https", "http") or not url.hostname:
            raise ValueError("a URL such as https://hooks.example.com/calls, in ASCII")
        if url.scheme == "http" and not info.data.get("webhook_allow_http"):
            raise ValueError(
                "plain HTTP shows what callers say to everybody on the way: take https://, or set "
                "ANALYTICS_WEBHOOK_ALLOW_HTTP=true"
            )
        if url.username is not None:
            raise ValueError(
                "no user or password before the host: the signature shows who sends; a key may be "
                "in the path or the query"
            )
        if not info.data.get("webhook_secret"):
            raise ValueError("needs ANALYTICS_WEBHOOK_SECRET to sign with")
        return value

    @field_validator("sinks")
    @classmethod
    def _sink_names(cls, value: str | None, info: ValidationInfo) -> str | None:
        names = _names(value or "")
        for name in names:
            if not _SINK_NAME.fullmatch(name):
                raise ValueError(
                    f"sinks' names with commas: {', '.join(SINKS)}, or that of an installed one"
                )
            if name in SINKS and info.data.get(SINKS[name]) is None:
                raise ValueError(f"{name} needs {PREFIX}{SINKS[name].upper()}")
        if (
            names
            and info.data.get("transcript") == "separate"
            and not {"s3", "directory"} & {*names}
        ):
            raise ValueError("a separate transcript is a file: name s3 or directory as well")
        return ",".join(dict.fromkeys(names)) or None

    @field_validator("metrics_namespace")
    @classmethod
    def _namespace(cls, value: str) -> str:
        if not _NAMESPACE.fullmatch(value):
            raise ValueError(
                "a CloudWatch namespace: up to 255 letters, digits, spaces and . - _ / # : (not "
                "first); not AWS/..."
            )
        return value

    @field_validator("metrics_dimensions")
    @classmethod
    def _dimension_names(cls, value: str) -> str:
        names = _names(value)
        for name in names:
            if name in _UNBOUNDED:
                raise ValueError(
                    f"{name} differs from call to call, and each value would be a metric of its "
                    f"own on the bill; take some of {', '.join(_DIMENSIONS)}"
                )
            if name not in _DIMENSIONS:
                # Not shown: a secret may be in the wrong place.
                raise ValueError(f"some of {', '.join(_DIMENSIONS)}, with commas, or none")
        return ",".join(dict.fromkeys(names)) or "none"

    @field_validator("directory", "spool_directory", "rates")
    @classmethod
    def _expanded(cls, value: Path | RateCard | None) -> Path | RateCard | None:
        try:
            return value.expanduser() if isinstance(value, Path) else value
        except RuntimeError:
            raise ValueError("a path; the user after its '~' has no home directory") from None

    @classmethod
    def load(cls, **changes: Any) -> Settings:
        """Read the environment.

        Args:
            **changes: What counts instead of the environment, by field name.

        Raises:
            SettingsError: A variable is wrong; the message names every wrong one and the fix.
        """
        try:
            return cls(**changes)
        except ValidationError as error:
            raise SettingsError(_explained(error)) from None

    @classmethod
    def load_leniently(cls) -> tuple[Settings, str | None]:
        """Read the environment, taking the default for whatever is wrong.

        For the start of a call, which a wrong setting must not fail.

        Returns:
            The settings, and what `load` would have said, or None where nothing is wrong.
        """
        try:
            return cls(), None
        except ValidationError as error:
            wrong = {str(e["loc"][0]) for e in error.errors()}
            defaults = {name: cls.model_fields[name].get_default() for name in wrong}
            return cls(**defaults), _explained(error)

    @property
    def has_sink(self) -> bool:
        """Whether it is said where records go; else they go to ``./analytics``."""
        return bool(self.sinks) or any(getattr(self, place) for place in SINKS.values())

    @property
    def sink_names(self) -> tuple[str, ...]:
        """The names of the sinks that get records, those of this package first."""
        if self.sinks is None:
            named = [name for name, place in SINKS.items() if getattr(self, place)]
            return tuple(named or ["directory"])
        names = _names(self.sinks)
        ours = [name for name in SINKS if name in names]
        return (*ours, *(name for name in names if name not in SINKS))

    @property
    def foreign_sinks(self) -> tuple[str, ...]:
        """Those of them that other packages have to offer."""
        return tuple(name for name in self.sink_names if name not in SINKS)

    @property
    def keeps_objects(self) -> bool:
        """Whether the bucket gets each record that is too large for a log event."""
        sinks = self.sink_names
        return bool(self.s3_bucket) and ("s3" in sinks or "firehose" in sinks)

    @property
    def local_directory(self) -> Path | None:
        """Where the directory sink writes; None where records go to other sinks only."""
        if "directory" not in self.sink_names:
            return None
        return self.directory or Path("analytics")

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names in `metrics_dimensions`."""
        return tuple(_names(self.metrics_dimensions))

    @property
    def spool(self) -> Path:
        """The spool directory as it will be used."""
        return self.spool_directory or Path(".analytics-spool")


def unknown_variables() -> dict[str, str | None]:
    """``ANALYTICS_*`` variables that no setting reads, each with the setting it may mean."""
    import difflib  # not above: few processes need it, and it takes half a millisecond

    known = [PREFIX + name.upper() for name in Settings.model_fields]
    return {
        name: next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), None)
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name.upper() not in known
    }


def signing_key(secret: str) -> bytes:
    """The key in a secret of Standard Webhooks: ``whsec_`` and base64, padded or not.

    Raises:
        ValueError: It is none.
    """
    if not secret.startswith(_WEBHOOK_SECRET):
        raise ValueError("no whsec_")
    text = secret[len(_WEBHOOK_SECRET) :].rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _split(text: str) -> SplitResult | None:
    """A URL's parts; None where it has none, or holds what no request line may."""
    try:
        url = urlsplit(text)
        _ = url.port  # raises where it is no number
    except ValueError:
        return None
    return url if text.isascii() and text.isprintable() and " " not in text else None


def _names(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",")]
    return [] if names == ["none"] else [name for name in names if name]


def _explained(error: ValidationError) -> str:
    """One line per wrong variable, without the value: a secret may be in the wrong place."""
    lines = []
    for e in error.errors(include_input=False, include_url=False):
        message = e["msg"].removeprefix("Value error, ")
        lines.append(f"{PREFIX}{str(e['loc'][0]).upper()}: {message[:1].lower()}{message[1:]}")
    return "Wrong analytics settings. " + "; ".join(lines) + "."
