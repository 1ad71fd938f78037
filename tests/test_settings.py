"""Settings are environment variables: wrong ones are named, and never shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from livekit_plugins_analytics import AnalyticsError, Settings, SettingsError
from livekit_plugins_analytics.settings import PREFIX, unknown_variables

SECRET = "wJalrXUtnFEMI"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

DEFAULTS: dict[str, Any] = {
    "enabled": True,
    "s3_bucket": None,
    "s3_prefix": "sessions/",
    "s3_endpoint_url": None,
    "s3_kms_key_id": None,
    "log_group": None,
    "log_stream": None,
    "firehose_stream": None,
    "webhook_secret": None,
    "webhook_allow_http": False,
    "webhook_allow_private": False,
    "webhook_url": None,
    "directory": None,
    "spool_directory": None,
    "spool_max_days": 30.0,
    "spool_max_megabytes": 1024.0,
    "environment": "production",
    "transcript": "off",
    "content_consent": "off",
    "consent_from": "start",
    "redact": None,
    "redact_region": "US",
    "export_budget_seconds": 20.0,
    "export_at": "close",
    "signals": "sales",
    "checkpoint_seconds": None,
    "rates": None,
    "metrics": "off",
    "metrics_namespace": "LiveKitAnalytics",
    "metrics_dimensions": "agent_name,environment",
    "sinks": None,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No variable of ours but a test's own."""
    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)
    yield monkeypatch


# What is set, and what the setting is.
RIGHT = [
    ("enabled", "false", False),
    ("enabled", "0", False),
    ("enabled", "Off", False),
    ("enabled", "no", False),
    ("enabled", "TRUE", True),
    ("s3_bucket", "my-bucket.example", "my-bucket.example"),
    (
        "s3_bucket",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/calls",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/calls",
    ),
    ("s3_prefix", "calls", "calls/"),
    ("s3_prefix", "/a/b/", "a/b/"),
    ("s3_prefix", "/", ""),
    ("s3_endpoint_url", "http://localhost:9000", "http://localhost:9000"),
    ("s3_kms_key_id", "alias/calls", "alias/calls"),
    ("log_group", "/voice/calls-1.a#b_c", "/voice/calls-1.a#b_c"),
    ("log_stream", "agent/2026-01-01", "agent/2026-01-01"),
    ("firehose_stream", "Voice.calls_1-a", "Voice.calls_1-a"),
    ("webhook_secret", WEBHOOK_SECRET, SecretStr(WEBHOOK_SECRET)),
    ("webhook_allow_http", "true", True),
    ("webhook_allow_private", "1", True),
    ("sinks", " Acme, own-store,acme,", "acme,own-store"),
    ("directory", "/var/calls", Path("/var/calls")),
    ("directory", "~/calls", Path.home() / "calls"),
    ("spool_directory", "spool", Path("spool")),
    ("spool_max_days", "0.5", 0.5),
    ("spool_max_megabytes", "200", 200.0),
    ("rates", "~/rates.toml", Path.home() / "rates.toml"),
    ("metrics", "EMF", "emf"),
    ("metrics_namespace", "Acme/Voice calls-1.a#b_c", "Acme/Voice calls-1.a#b_c"),
    ("metrics_dimensions", " End_Cause, agent_name,end_cause,", "end_cause,agent_name"),
    ("metrics_dimensions", "None", "none"),
    ("environment", "staging", "staging"),
    ("transcript", "ON", "on"),
    ("transcript", "Off", "off"),
    ("transcript", "Separate", "separate"),
    ("content_consent", "Required", "required"),
    ("consent_from", "GRANT", "grant"),
    ("redact", "email,phone", "email,phone"),
    ("redact_region", "DE", "DE"),
    ("export_budget_seconds", "7.5", 7.5),
    ("export_budget_seconds", "300", 300.0),
    ("export_at", "Session_End", "session_end"),
    ("signals", "OFF", "off"),
    ("checkpoint_seconds", "60", 60.0),
    ("signals", "Packs/Ours.toml", "Packs/Ours.toml"),
]

# What is set wrongly, and a word of the fix.
WRONG = [
    ("enabled", SECRET, "boolean"),
    ("s3_bucket", f"s3://{SECRET.lower()}", "not a bucket name"),
    ("s3_bucket", f"bucket/{SECRET.lower()}", "ANALYTICS_S3_PREFIX"),
    ("s3_bucket", SECRET, "not a bucket name"),
    ("s3_bucket", "ab", "3 to 63"),
    ("s3_prefix", f"s3://{SECRET}", "without s3://"),
    ("s3_prefix", f"a//{SECRET}", "without '//'"),
    ("s3_endpoint_url", SECRET, "https://"),
    ("s3_endpoint_url", "https:///" + SECRET, "https://"),
    ("log_group", "arn:aws:logs:eu-west-1:1:log-group:" + SECRET, "not its ARN"),
    ("log_group", SECRET + "*", "letters, digits"),
    ("log_stream", SECRET + ":1", "no ':'"),
    ("log_stream", SECRET * 100, "512"),
    ("firehose_stream", f"arn:aws:firehose:eu-west-1:1:deliverystream/{SECRET}", "not its ARN"),
    ("firehose_stream", SECRET * 5, "up to 64"),
    ("webhook_secret", SECRET, "whsec_"),
    ("webhook_secret", f"whsec_{SECRET}===", "base64"),
    ("webhook_secret", "whsec_QUJD", "24 to 64 bytes"),
    ("webhook_url", SECRET, "https://"),
    ("webhook_url", f"ftp://{SECRET}.example", "https://"),
    ("webhook_url", f"https://x.example:{SECRET}/", "https://"),
    ("webhook_url", f"https://x.example/ {SECRET}", "https://"),
    ("webhook_url", f"https://höoks.example/{SECRET}", "ASCII"),
    ("webhook_url", f"http://x.example/{SECRET}", "ANALYTICS_WEBHOOK_ALLOW_HTTP"),
    ("webhook_url", f"https://me:{SECRET}@x.example/", "before the host"),
    ("webhook_url", f"https://x.example/{SECRET}", "ANALYTICS_WEBHOOK_SECRET"),
    ("sinks", f"{SECRET}!", "with commas"),
    ("sinks", "acme,s3", "s3 needs ANALYTICS_S3_BUCKET"),
    ("sinks", "webhook", "webhook needs ANALYTICS_WEBHOOK_URL"),
    ("directory", f"~{SECRET}/x", "home directory"),
    ("spool_directory", f"~{SECRET}/x", "home directory"),
    ("spool_max_days", SECRET, "number"),
    ("spool_max_days", "0", "greater than 0"),
    ("spool_max_days", "inf", "3650"),
    ("spool_max_megabytes", "-1", "greater than 0"),
    ("spool_max_megabytes", "nan", "1000000"),
    ("rates", f"~{SECRET}/x", "home directory"),
    ("metrics", SECRET, "'off' or 'emf'"),
    ("metrics_namespace", "AWS/" + SECRET, "not AWS/"),
    ("metrics_namespace", SECRET * 20, "up to 255"),
    ("metrics_dimensions", "agent_name," + SECRET, "some of agent_name, close_reason"),
    ("metrics_dimensions", "agent_name,session_id", "session_id differs from call to call"),
    ("metrics_dimensions", "User_Email", "user_email differs from call to call"),
    ("transcript", SECRET, "'off', 'on' or 'separate'"),
    ("export_budget_seconds", SECRET, "number"),
    ("export_budget_seconds", "0", "greater than 0"),
    ("export_budget_seconds", "-1", "greater than 0"),
    ("export_budget_seconds", "300.1", "less than or equal to 300"),
    ("export_budget_seconds", "nan", "300"),
    ("export_budget_seconds", "inf", "300"),
    ("export_at", SECRET, "'close' or 'session_end'"),
    ("checkpoint_seconds", "9", "greater than or equal to 10"),
]


def variable(name: str) -> str:
    return PREFIX + name.upper()


def test_there_is_a_default_for_everything() -> None:
    assert Settings.load().model_dump() == DEFAULTS


@pytest.mark.parametrize("rates", [7, {"vendor": SECRET}, b"rates.toml"])
def test_rates_are_a_path_or_a_card(rates: object) -> None:
    with pytest.raises(SettingsError, match="ANALYTICS_RATES: a path to a rate card, or") as caught:
        Settings.load(rates=rates)
    assert SECRET not in str(caught.value)


def test_every_setting_is_in_the_tables_of_this_module() -> None:
    assert set(Settings.model_fields) == set(DEFAULTS)
    # A webhook's URL is right only beside its secret.
    assert set(DEFAULTS) == {name for name, _, _ in RIGHT} | {"webhook_url"}


def test_every_setting_says_what_it_is() -> None:
    source = Path(__file__).parents[1] / "livekit_plugins_analytics" / "settings.py"
    lines = source.read_text().splitlines()
    for name in Settings.model_fields:
        (at,) = [n for n, line in enumerate(lines) if line.startswith(f"    {name}: ")]
        assert lines[at + 1].startswith('    """'), name


@pytest.mark.parametrize(("name", "value", "setting"), RIGHT)
def test_a_variable_sets_its_setting(
    environment: pytest.MonkeyPatch, name: str, value: str, setting: Any
) -> None:
    environment.setenv(variable(name), value)

    assert Settings.load().model_dump() == {**DEFAULTS, name: setting}


@pytest.mark.parametrize(("name", "value", "setting"), RIGHT)
def test_a_variable_may_have_been_pasted_with_blanks(
    environment: pytest.MonkeyPatch, name: str, value: str, setting: Any
) -> None:
    environment.setenv(variable(name), f"  {value}\r\n")

    assert getattr(Settings.load(), name) == setting


def test_a_variable_in_lower_case_counts(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("analytics_s3_bucket", "calls")

    assert Settings().s3_bucket == "calls"


@pytest.mark.parametrize("empty", ["", " ", "\n", "\t \r\n"])
@pytest.mark.parametrize("name", DEFAULTS)
def test_an_empty_variable_counts_as_unset(
    environment: pytest.MonkeyPatch, name: str, empty: str
) -> None:
    environment.setenv(variable(name), empty)

    assert Settings.load().model_dump() == DEFAULTS


@pytest.mark.parametrize(("name", "value", "fix"), WRONG)
def test_a_wrong_variable_is_named_with_the_fix_and_without_its_value(
    environment: pytest.MonkeyPatch, name: str, value: str, fix: str
) -> None:
    environment.setenv(variable(name), value)

    with pytest.raises(SettingsError) as caught:
        Settings.load()

    message = str(caught.value)
    assert message.startswith(f"Wrong analytics settings. {variable(name)}: ")
    assert fix in message
    assert SECRET.lower() not in message.lower()
    assert "\n" not in message


@pytest.mark.parametrize(("name", "value", "fix"), WRONG)
def test_nothing_that_leads_to_the_error_shows_the_value(
    environment: pytest.MonkeyPatch, name: str, value: str, fix: str
) -> None:
    environment.setenv(variable(name), value)

    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert caught.value.__suppress_context__
    with pytest.raises(ValidationError) as raw:
        Settings()
    assert SECRET.lower() not in str(raw.value).lower()


def test_an_error_of_the_settings_is_one_of_the_package_and_a_value_error(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ANALYTICS_TRANSCRIPT", "maybe")

    with pytest.raises(AnalyticsError):
        Settings.load()
    with pytest.raises(ValueError):
        Settings.load()


def test_every_wrong_variable_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ANALYTICS_S3_BUCKET", "s3://x")
    environment.setenv("ANALYTICS_EXPORT_AT", "later")

    with pytest.raises(SettingsError, match=r"ANALYTICS_S3_BUCKET: .*; ANALYTICS_EXPORT_AT: "):
        Settings.load()


def test_a_variable_that_is_no_text_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ANALYTICS_S3_BUCKET", "a\udcff")  # what Python makes of a stray byte

    with pytest.raises(SettingsError, match="ANALYTICS_S3_BUCKET: "):
        Settings.load()


# -- leniently: for the start of a call


def test_where_nothing_is_wrong_leniently_is_the_same(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ANALYTICS_S3_BUCKET", "bucket")

    assert Settings.load_leniently() == (Settings.load(), None)


@pytest.mark.parametrize(("name", "value", "fix"), WRONG)
def test_leniently_a_wrong_variable_is_its_default(
    environment: pytest.MonkeyPatch, name: str, value: str, fix: str
) -> None:
    environment.setenv("ANALYTICS_ENVIRONMENT", "staging")
    environment.setenv(variable(name), value)

    settings, problem = Settings.load_leniently()

    assert settings.model_dump() == {**DEFAULTS, "environment": "staging"}
    assert problem is not None
    assert variable(name) in problem and fix in problem
    assert SECRET.lower() not in problem.lower()


def test_leniently_what_is_right_stays(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ANALYTICS_S3_BUCKET", "bucket")
    environment.setenv("ANALYTICS_LOG_GROUP", "a b")
    environment.setenv("ANALYTICS_EXPORT_BUDGET_SECONDS", "soon")

    settings, problem = Settings.load_leniently()

    assert (settings.s3_bucket, settings.log_group) == ("bucket", None)
    assert settings.export_budget_seconds == 20.0
    assert problem and "ANALYTICS_S3_BUCKET" not in problem


@tuned(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(DEFAULTS)),
        st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])),
    )
)
def test_leniently_nothing_in_the_environment_ever_raises(
    environment: pytest.MonkeyPatch, values: dict[str, str]
) -> None:
    with environment.context() as here:
        for name, value in values.items():
            here.setenv(variable(name), value)

        settings, problem = Settings.load_leniently()

        hash(settings)
        if problem:
            with pytest.raises(SettingsError):
                Settings.load()
        else:
            assert Settings.load() == settings


# -- in code


def test_keyword_arguments_win_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ANALYTICS_S3_BUCKET", "theirs")
    environment.setenv("ANALYTICS_ENVIRONMENT", "staging")

    settings = Settings(s3_bucket="ours")

    assert (settings.s3_bucket, settings.environment) == ("ours", "staging")


def test_a_keyword_argument_may_switch_off_what_the_environment_sets(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ANALYTICS_LOG_GROUP", "calls")
    environment.setenv("ANALYTICS_S3_PREFIX", "calls")

    settings = Settings(log_group=None, s3_prefix="")

    assert (settings.log_group, settings.s3_prefix) == (None, "")


def test_a_keyword_argument_that_is_no_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="bucket"):
        Settings(bucket="x")  # type: ignore[call-arg]  # wrong on purpose


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().s3_bucket = "other"  # type: ignore[misc]  # what is tried


def test_equal_settings_are_one_key(environment: pytest.MonkeyPatch) -> None:
    assert {Settings(s3_bucket="abc"): 1}[Settings(s3_bucket=" abc ")] == 1
    assert Settings(s3_bucket="abc") != Settings(s3_bucket="abd")


# -- what follows from them


def test_records_go_to_a_local_directory_where_no_sink_is_set() -> None:
    assert Settings().local_directory == Path("analytics")


@pytest.mark.parametrize("sink", [{"s3_bucket": "bucket"}, {"log_group": "calls"}])
def test_with_a_sink_there_is_no_local_directory(sink: dict[str, Any]) -> None:
    assert Settings(**sink).local_directory is None


def test_a_directory_that_is_asked_for_is_used_beside_other_sinks() -> None:
    settings = Settings(s3_bucket="bucket", directory=Path("here"))

    assert settings.local_directory == Path("here")


def test_the_spool_has_a_place_of_its_own() -> None:
    assert Settings().spool == Path(".analytics-spool")
    assert Settings(spool_directory=Path("elsewhere")).spool == Path("elsewhere")


# -- webhooks


def test_a_webhook_has_a_url_and_a_secret_and_shows_neither(
    environment: pytest.MonkeyPatch,
) -> None:
    url = f"https://hooks.example.com:8443/{SECRET}?key={SECRET}"
    environment.setenv("ANALYTICS_WEBHOOK_URL", url + "\n")
    environment.setenv("ANALYTICS_WEBHOOK_SECRET", WEBHOOK_SECRET)

    settings = Settings.load()

    assert settings.webhook_url and settings.webhook_url.get_secret_value() == url
    shown = repr(settings) + str(settings.model_dump(mode="json"))
    assert SECRET not in shown and WEBHOOK_SECRET not in shown


def test_plain_http_can_be_allowed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ANALYTICS_WEBHOOK_URL", "http://hooks.example.com/")
    environment.setenv("ANALYTICS_WEBHOOK_SECRET", WEBHOOK_SECRET)
    environment.setenv("ANALYTICS_WEBHOOK_ALLOW_HTTP", "true")

    assert Settings.load().webhook_url


def test_leniently_a_wrong_secret_takes_the_webhook_with_it(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ANALYTICS_WEBHOOK_URL", "https://hooks.example.com/")
    environment.setenv("ANALYTICS_WEBHOOK_SECRET", SECRET)
    environment.setenv("ANALYTICS_SINKS", "webhook")

    settings, problem = Settings.load_leniently()

    assert settings == Settings.model_construct()
    assert problem and "ANALYTICS_WEBHOOK_SECRET: " in problem


# -- which sinks

PLACES: list[tuple[dict[str, Any], tuple[str, ...], bool]] = [
    ({}, ("directory",), False),
    ({"s3_bucket": "bucket"}, ("s3",), True),
    ({"log_group": "calls"}, ("cloudwatch",), False),
    ({"firehose_stream": "calls"}, ("firehose",), False),
    ({"firehose_stream": "calls", "s3_bucket": "bucket"}, ("s3", "firehose"), True),
    (
        {"firehose_stream": "calls", "s3_bucket": "bucket", "sinks": "acme,firehose"},
        ("firehose", "acme"),
        True,
    ),
    ({"log_group": "calls", "s3_bucket": "bucket", "sinks": "cloudwatch"}, ("cloudwatch",), False),
    ({"sinks": "acme"}, ("acme",), False),
]


@pytest.mark.parametrize(("changes", "names", "objects"), PLACES)
def test_a_place_makes_a_sink_unless_others_are_named(
    changes: dict[str, Any], names: tuple[str, ...], objects: bool
) -> None:
    settings = Settings(**changes)

    assert settings.sink_names == names
    assert settings.keeps_objects is objects
    assert settings.has_sink is bool(changes)
    assert settings.local_directory == (Path("analytics") if "directory" in names else None)


@pytest.mark.parametrize("place", [{"firehose_stream": "calls"}, {"log_group": "calls"}])
def test_a_separate_transcript_needs_a_sink_for_files(place: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="ANALYTICS_S3_BUCKET or ANALYTICS_DIRECTORY"):
        Settings(transcript="separate", **place)
    with pytest.raises(ValidationError, match="name s3 or directory"):
        (sink,) = Settings(**place).sink_names
        Settings(transcript="separate", s3_bucket="bucket", sinks=sink, **place)


# -- typing errors in names


def test_a_variable_that_nothing_reads_is_found_with_the_one_it_may_mean(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ANALYTICS_S3_BUKET", "x")
    environment.setenv("ANALYTICS_WAREHOUSE", "x")
    environment.setenv("ANALYTICS_S3_BUCKET", "bucket")
    environment.setenv("MY_ANALYTICS_S3_BUKET", "x")

    assert unknown_variables() == {
        "ANALYTICS_S3_BUKET": "ANALYTICS_S3_BUCKET",
        "ANALYTICS_WAREHOUSE": None,
    }


def test_where_every_variable_is_known_there_is_none_to_tell(
    environment: pytest.MonkeyPatch,
) -> None:
    for name in DEFAULTS:
        environment.setenv(variable(name), "")

    assert unknown_variables() == {}


def test_settings_are_validated_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no mapping has nothing that the environment could complete."""
    settings = Settings(environment="staging")
    monkeypatch.setenv("ANALYTICS_ENVIRONMENT", "prod")

    assert Settings.model_validate(settings) is settings
    with pytest.raises(ValidationError):
        Settings.model_validate(["environment"])
