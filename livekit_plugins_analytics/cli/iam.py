"""``livekit-analytics iam``: policies for whoever writes or reads the records."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated

import typer

from ..settings import Settings
from ..warehouse import policies
from ..warehouse.policies import Account, Policy, PolicyError
from ..writers import region_of_environment
from .options import EnvFile, begin, give_up, settings_or_exit

app = typer.Typer(name="iam", help="Least-privilege policies, ready for AWS.", no_args_is_help=True)

Bucket = Annotated[
    str | None, typer.Option("--bucket", help="The bucket; default: ANALYTICS_S3_BUCKET.")
]
KmsKey = Annotated[
    str | None,
    typer.Option("--kms-key", help="The key's id, ARN or alias; default: ANALYTICS_S3_KMS_KEY_ID."),
]
AccountId = Annotated[
    str | None, typer.Option("--account", help="The account's 12 digits, for ARNs that need it.")
]
Region = Annotated[str | None, typer.Option("--region", help="The region; default: AWS_REGION.")]
Partition = Annotated[
    str, typer.Option("--partition", help="aws, aws-cn, aws-us-gov: what ARNs begin with.")
]
Prefixes = Annotated[
    list[str] | None,
    typer.Option(
        "--prefix",
        help="What may be read; several times for several; default: ANALYTICS_S3_PREFIX.",
    ),
]


@app.callback()
def _group() -> None:
    """Least-privilege policies, ready for AWS."""


@app.command()
def writer(
    bucket: Bucket = None,
    prefix: Annotated[
        str | None, typer.Option("--prefix", help="Default: ANALYTICS_S3_PREFIX, sessions/.")
    ] = None,
    log_group: Annotated[
        str | None, typer.Option("--log-group", help="Default: ANALYTICS_LOG_GROUP.")
    ] = None,
    firehose: Annotated[
        str | None, typer.Option("--firehose", help="The delivery stream's name.")
    ] = None,
    kms_key: KmsKey = None,
    checkpoints: Annotated[
        bool | None,
        typer.Option(
            "--checkpoints/--no-checkpoints",
            help="Default: where ANALYTICS_CHECKPOINT_SECONDS is set.",
        ),
    ] = None,
    transcripts: Annotated[
        bool | None,
        typer.Option(
            "--transcripts/--no-transcripts",
            help="Default: where ANALYTICS_TRANSCRIPT is separate.",
        ),
    ] = None,
    probes: Annotated[
        bool, typer.Option("--probes/--no-probes", help="Whether doctor may write its probe.")
    ] = True,
    account: AccountId = None,
    region: Region = None,
    partition: Partition = "aws",
    env_file: EnvFile = None,
) -> None:
    """Print the least that an agent needs. It can neither read nor list nor delete."""
    begin(env_file, verbose=False)
    settings = _settings(
        s3_bucket=bucket, s3_prefix=prefix, log_group=log_group, s3_kms_key_id=kms_key
    )
    if checkpoints is None:
        checkpoints = settings.checkpoint_seconds is not None
    if transcripts is None:
        transcripts = str(settings.transcript) == "separate"
    wanted = {
        "checkpoints/": checkpoints,
        "transcripts/": transcripts,
        "analytics-probes/": probes,
    }
    _print(
        lambda: policies.writer_policy(
            settings.s3_bucket,
            _account(account, region, partition),
            prefix=settings.s3_prefix,
            beside_it=[folder for folder, used in wanted.items() if used],
            log_group=settings.log_group,
            kms_key=settings.s3_kms_key_id,
            firehose=firehose,
        )
    )


@app.command()
def reader(
    bucket: Bucket = None,
    prefix: Prefixes = None,
    kms_key: KmsKey = None,
    athena: Annotated[
        bool, typer.Option("--athena", help="May ask Athena too; needs --results.")
    ] = False,
    results: Annotated[
        str | None, typer.Option("--results", help="Where Athena answers: s3://bucket/prefix/.")
    ] = None,
    database: Annotated[
        str, typer.Option("--database", help="The database in Glue.")
    ] = "livekit_analytics",
    workgroup: Annotated[str, typer.Option("--workgroup", help="Athena's workgroup.")] = "primary",
    account: AccountId = None,
    region: Region = None,
    partition: Partition = "aws",
    env_file: EnvFile = None,
) -> None:
    """Print what is needed to list and read the records, with --athena to query them."""
    begin(env_file, verbose=False)
    settings = _settings(s3_bucket=bucket, s3_kms_key_id=kms_key)
    name, where = _bucket(settings), _account(account, region, partition)
    prefixes, key = prefix or [settings.s3_prefix], settings.s3_kms_key_id
    if not athena:
        _print(lambda: policies.reader_policy(name, where, prefixes=prefixes, kms_key=key))
        return
    if not results:
        give_up("Athena must put its answers somewhere: pass --results s3://bucket/prefix/")
    _print(
        lambda: policies.athena_policy(
            name,
            where,
            results=results,
            prefixes=prefixes,
            database=database,
            workgroup=workgroup,
            kms_key=key,
        )
    )


@app.command()
def snowflake(
    bucket: Bucket = None,
    prefix: Prefixes = None,
    kms_key: KmsKey = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Print the role's trust policy; needs --user-arn and --external-id."
        ),
    ] = False,
    user_arn: Annotated[
        str | None, typer.Option("--user-arn", help="STORAGE_AWS_IAM_USER_ARN of DESC INTEGRATION.")
    ] = None,
    external_id: Annotated[
        str | None,
        typer.Option("--external-id", help="STORAGE_AWS_EXTERNAL_ID of DESC INTEGRATION."),
    ] = None,
    account: AccountId = None,
    region: Region = None,
    partition: Partition = "aws",
    env_file: EnvFile = None,
) -> None:
    """Print what the role of a storage integration needs; with --trust, who may assume it."""
    begin(env_file, verbose=False)
    if trust:
        if not (user_arn and external_id):
            give_up(
                "Whom to trust is not known: pass --user-arn and --external-id, which Snowflake "
                "tells by DESC INTEGRATION"
            )
        _print(lambda: policies.snowflake_trust(user_arn, external_id))
        return
    settings = _settings(s3_bucket=bucket, s3_kms_key_id=kms_key)
    _print(
        lambda: policies.snowflake_policy(
            _bucket(settings),
            _account(account, region, partition),
            prefixes=prefix or [settings.s3_prefix],
            kms_key=settings.s3_kms_key_id,
        )
    )


def _settings(**changes: str | None) -> Settings:
    """The settings, and what the options say instead, under the same rules."""
    return settings_or_exit(**{name: value for name, value in changes.items() if value})


def _bucket(settings: Settings) -> str:
    if settings.s3_bucket is None:
        give_up("The bucket is not known: pass --bucket, or set ANALYTICS_S3_BUCKET.")
    return settings.s3_bucket


def _account(account: str | None, region: str | None, partition: str) -> Account:
    return Account(account, region or region_of_environment(), partition)


def _print(policy: Callable[[], Policy]) -> None:
    try:
        typer.echo(json.dumps(policy(), indent=2))
    except PolicyError as error:
        give_up(f"{error}.")
