"""``livekit-analytics iam`` as a process, and the policies that the README shows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from livekit_plugins_analytics.warehouse.policies import (
    Account,
    athena_policy,
    reader_policy,
    snowflake_policy,
    snowflake_trust,
    writer_policy,
)

from .conftest import Run

WHERE = Account("111122223333", "eu-central-1")
AT = ("--account", "111122223333", "--region", "eu-central-1")
README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_what_the_command_prints(run: Run) -> None:
    """Each command of the section that is followed by JSON."""
    shown = re.findall(
        r"```sh\nlivekit-analytics (iam [^\n`]*)\n```\n\n```json\n(.*?)```",
        README.read_text(encoding="utf-8"),
        re.DOTALL,
    )

    assert shown
    for command, policy in shown:
        assert run(*shlex.split(command)).out == policy


def test_the_settings_say_what_an_agent_needs(run: Run) -> None:
    outcome = run(
        *("iam", "writer", "--firehose", "calls", "--account", "111122223333"),
        ANALYTICS_S3_BUCKET="acme-calls",
        ANALYTICS_S3_PREFIX="eu/sessions/",
        ANALYTICS_LOG_GROUP="/voice/calls",
        ANALYTICS_S3_KMS_KEY_ID="alias/calls",
        ANALYTICS_CHECKPOINT_SECONDS="60",
        AWS_REGION="eu-central-1",
    )

    assert outcome.json == writer_policy(
        "acme-calls",
        WHERE,
        prefix="eu/sessions/",
        beside_it=["checkpoints/", "analytics-probes/"],
        log_group="/voice/calls",
        kms_key="alias/calls",
        firehose="calls",
    )


def test_options_win_over_settings(run: Run) -> None:
    outcome = run(
        *("iam", "writer", "--bucket", "b22", "--prefix", "x/", "--transcripts", "--no-probes"),
        *("--no-checkpoints", "--partition", "aws-us-gov"),
        ANALYTICS_S3_BUCKET="acme-calls",
        ANALYTICS_CHECKPOINT_SECONDS="60",
    )

    assert outcome.json == writer_policy(
        "b22", Account(partition="aws-us-gov"), prefix="x/", beside_it=["transcripts/"]
    )


def test_a_reader_may_have_several_prefixes_and_athena(run: Run) -> None:
    plain = run("iam", "reader", "--bucket", "b22", "--prefix", "sessions/", "--prefix", "lake/")
    athena = run("iam", "reader", "--bucket", "b22", "--athena", "--results", "s3://a22/x/", *AT)

    assert plain.json == reader_policy("b22", Account(), prefixes=["sessions/", "lake/"])
    assert athena.json == athena_policy("b22", WHERE, results="s3://a22/x/")


def test_snowflakes_role_has_a_policy_and_a_trust_policy(run: Run) -> None:
    user = "arn:aws:iam::999988887777:user/abc"
    policy = run("iam", "snowflake", "--bucket", "b22")
    trust = run("iam", "snowflake", "--trust", "--user-arn", user, "--external-id", "A_B=1/x")

    assert policy.json == snowflake_policy("b22", Account())
    assert json.loads(trust.out) == snowflake_trust(user, "A_B=1/x")


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["writer"], "--bucket"),
        (["writer", "--bucket", "s3://b"], "no s3://"),
        (["writer", "--bucket", "b22", "--log-group", "/g"], "--account"),
        (["reader"], "ANALYTICS_S3_BUCKET"),
        (["reader", "--bucket", "b22", "--athena"], "--results"),
        (["snowflake", "--trust"], "DESC INTEGRATION"),
    ],
)
def test_what_is_lacking_is_named(run: Run, arguments: list[str], fix: str) -> None:
    outcome = run("iam", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert fix in outcome.err
