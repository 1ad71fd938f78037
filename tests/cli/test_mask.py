"""Secrets are taken out of whatever is reported."""

from __future__ import annotations

import pytest

from livekit_plugins_analytics.cli.doctor.mask import Mask, last_four


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI", "a *** z"),
        ("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEBc", "a *** z"),
        ("AWS_ACCESS_KEY_ID", "AKIAPLANTED1234", "a ***1234 z"),
        ("LIVEKIT_API_SECRET", "planted-secret", "a *** z"),
        ("LIVEKIT_API_KEY", "APIplanted", "a *** z"),
        ("OPENAI_API_KEY", "sk-planted", "a *** z"),
        ("PGPASSWORD", "hunter2hunter2", "a *** z"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token", "a /var/run/token z"),
        ("SHORT_TOKEN", "true", "a true z"),
        ("HOME", "/home/planted", "a /home/planted z"),
    ],
)
def test_the_environments_secrets_go(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, shown: str
) -> None:
    monkeypatch.setenv(name, value)

    assert Mask().text(f"a {value} z") == shown


def test_a_pasted_line_break_does_not_uncover_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI\n")

    assert Mask().text("a wJalrXUtnFEMI z") == "a *** z"


def test_a_secret_within_a_secret_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "planted-one")
    monkeypatch.setenv("B_TOKEN", "planted-one-and-more")

    assert Mask().text("planted-one-and-more planted-one") == "*** ***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://s3.example.com:9000/a", "https://s3.example.com:9000/a"),
        ("https://user:pass@s3.example.com", "https://***@s3.example.com"),
        ("wss://user:p@ss/word@host.example", "wss://***@host.example"),
        ("https://host/key?X-Amz-Signature=abc", "https://host/key?***"),
        ("s3://bucket/a@b?c", "s3://bucket/a@b?c"),
    ],
)
def test_a_url_keeps_its_host_only(url: str, shown: str) -> None:
    assert Mask().text(f"to {url} from") == f"to {shown} from"


def test_values_are_masked_at_any_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "planted-one")

    masked = Mask().value({"a": ["planted-one", {"b": "planted-one"}], "c": 1, "d": None})

    assert masked == {"a": ["***", {"b": "***"}], "c": 1, "d": None}


@pytest.mark.parametrize(("key", "shown"), [("AKIATEST1234", "***1234"), ("devkey", "***")])
def test_a_keys_end_tells_it_from_others(key: str, shown: str) -> None:
    assert last_four(key) == shown
