"""What AWS needs to know a request of this machine: credentials, region and the right time."""

from __future__ import annotations

import os
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ...settings import PREFIX, Settings
from ...writers.verdicts import explained
from .check import Check
from .mask import last_four

if TYPE_CHECKING:
    from boto3 import Session

# In the order in which the sinks read them.
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

# What botocore calls its sources of credentials.
_METHODS = {
    "env": "environment variables",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the configuration file of AWS",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a web identity token",
    "sso": "IAM Identity Center (SSO)",
    "login": "aws login",
    "custom-process": "a credential process",
    "container-role": "the role of the container",
    "iam-role": "the role of the EC2 instance",
}

# SigV4 is refused beyond five minutes (S3: fifteen); a clock that is a minute off drifts.
_SKEW_WARNED = 60.0
_SKEW_REFUSED = 300.0

_SYNCHRONISE = "Synchronise the clock of this machine (chrony, systemd-timesyncd, NTP)"


def check_credentials() -> Check:
    """Where the credentials come from; never the credentials."""
    try:
        credentials: Any = _session().get_credentials()
        if credentials is None:
            from botocore.exceptions import NoCredentialsError

            raise NoCredentialsError()
        # A role's credentials are fetched here.
        frozen = credentials.get_frozen_credentials()
    except Exception as error:
        failure = explained("aws", error)
        return Check("failed", failure.code, failure.fix, {"code": failure.code})
    method, key = credentials.method, last_four(frozen.access_key.strip())
    temporary = bool(frozen.token)
    facts = {"method": method, "access_key_id": key, "temporary": temporary}
    detail = f"from {_METHODS.get(method, method)} ({method}), access key {key}"
    if method != "env":
        return Check("ok", detail, "", facts)
    if untidy := [name for name in _SECRETS if os.environ.get(name, "") != _value(name)]:
        names = ", ".join(untidy)
        return Check(
            "failed",
            f"{detail}; white space around {names}",
            f"Set {names} again without spaces or line breaks at the ends",
            facts,
        )
    if temporary:
        return Check(
            "warning",
            f"{detail}; temporary: they expire, and nothing here renews them",
            "For an agent that runs on, use the key of an IAM user or a role",
            facts,
        )
    return Check("ok", detail, "", facts)


def check_region(settings: Settings) -> Check:
    """The region, and which variable says it."""
    given = {name: _value(name) for name in _REGIONS if _value(name)}
    try:
        region = _session().region_name
    except Exception as error:
        failure = explained("aws", error)
        return Check("failed", failure.code, failure.fix, {"code": failure.code})
    source = next(iter(given), "profile")
    if not region:
        if settings.s3_endpoint_url and not (settings.log_group or settings.firehose_stream):
            return Check("ok", "none, and the store of ANALYTICS_S3_ENDPOINT_URL is free")
        places = ("s3_bucket", "log_group", "firehose_stream")
        first = next((name for name in places if getattr(settings, name)), places[0])
        variable = PREFIX + first.upper()
        return Check("failed", "none", f"Set AWS_REGION to the region of {variable}")
    facts: dict[str, Any] = {"region": region, "source": source}
    detail = f"{region}, from {source}"
    endpoints = _endpoints(settings)
    if endpoints:
        facts |= {"endpoints": endpoints}
        detail += "".join(f"; {name} leads to {url}" for name, url in endpoints.items())
    if len(set(given.values())) > 1:
        other = given["AWS_DEFAULT_REGION"]
        return Check(
            "warning",
            f"{detail}; AWS_DEFAULT_REGION says {other}, which other programs may follow",
            "Set AWS_REGION and AWS_DEFAULT_REGION to the same region, or one of them only",
            facts,
        )
    return Check("ok", detail, "", facts)


def check_clock(settings: Settings) -> Check:
    """This machine's clock against the ``Date`` of an answer of AWS."""
    began = time.time()
    try:
        date = _date_of_an_answer(settings)
    except Exception as error:
        code = explained("aws", error).code
        return Check("skipped", f"nothing answered to compare with ({code})")
    # The date has whole seconds, cut off: in the middle it is half a second later.
    middle = (began + time.time()) / 2
    try:
        theirs = parsedate_to_datetime(date).timestamp() + 0.5
    except ValueError:
        return Check("skipped", "the answer does not say what time it is")
    skew = round(middle - theirs, 1)
    # Half a second of rounding, and the way there and back.
    shown = "in step" if abs(skew) < 2 else f"{abs(skew):.0f} s {'fast' if skew > 0 else 'slow'}"
    facts = {"skew_seconds": skew}
    if abs(skew) > _SKEW_REFUSED:
        return Check("failed", f"{shown}: AWS refuses requests", _SYNCHRONISE, facts)
    if abs(skew) > _SKEW_WARNED:
        return Check("warning", shown, _SYNCHRONISE, facts)
    return Check("ok", shown, "", facts)


def _date_of_an_answer(settings: Settings) -> str:
    """The ``Date`` of an answer to an unsigned question, which needs no permission at all."""
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import ClientError

    session = _session()
    service = "s3" if settings.s3_bucket else "logs" if settings.log_group else "firehose"
    client: Any = session.client(  # type: ignore[call-overload]  # the stubs want literals
        service,
        region_name=session.region_name or "us-east-1",
        endpoint_url=settings.s3_endpoint_url if service == "s3" else None,
        config=Config(
            signature_version=UNSIGNED,
            connect_timeout=2,
            read_timeout=4,
            retries={"mode": "standard", "total_max_attempts": 1},
        ),
    )
    try:
        if service == "s3":
            answer = client.head_bucket(Bucket=settings.s3_bucket)
        elif service == "logs":
            answer = client.describe_log_groups(limit=1)
        else:
            answer = client.list_delivery_streams(Limit=1)
    except ClientError as error:
        answer = error.response  # as a rule: the refusal has the date too
    finally:
        client.close()
    return str(answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date", ""))


def _session() -> Session:
    import boto3

    return boto3.Session(region_name=next(filter(None, map(_value, _REGIONS)), None))


def _endpoints(settings: Settings) -> dict[str, str]:
    """The variables that lead requests elsewhere than to AWS."""
    names = ["AWS_ENDPOINT_URL"]
    names += ["AWS_ENDPOINT_URL_S3"] if settings.s3_bucket else []
    names += ["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] if settings.log_group else []
    names += ["AWS_ENDPOINT_URL_FIREHOSE"] if settings.firehose_stream else []
    return {name: _value(name) for name in names if _value(name)}


def _value(name: str) -> str:
    return os.environ.get(name, "").strip()
