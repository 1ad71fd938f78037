"""Prices are shown, rate cards checked, and stored calls priced again, as a process."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from livekit_plugins_analytics.assembly import assemble, parcel
from livekit_plugins_analytics.parts import Usage
from livekit_plugins_analytics.settings import Settings
from tests.servers import MotoServer
from tests.test_assembly import capture

from .conftest import Account, Outcome, Run, environment

# nova-3 streamed 0.0048 a minute: 600 s are 0.048. The rest has no price.
USAGE = [
    Usage(
        kind="stt",
        provider="Deepgram",
        model="nova-3",
        quantities={"audio_duration": 600},
        mode="streaming",
    ),
    Usage(kind="tts", provider="nobody", model="x", quantities={"characters_count": 10}),
]

CARD = """
[[rates]]
vendor = "deepgram"
unit = "audio_minute"
price = 0.0036

[[rates]]
vendor = "nobody"
unit = "character"
price = 0.001
"""


def body(session_id: str, **values: Any) -> bytes:
    """A record as a sink has it."""
    session = assemble(capture(session_id=session_id, usage=USAGE, **values), Settings())
    return parcel(session, Settings()).body


def record(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return data


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """Two calls of a month, in the layout of the sinks."""
    folder = tmp_path / "calls" / "year=2027" / "month=01" / "day=15"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / f"{name}.json.gz").write_bytes(body(name))
    (tmp_path / "rates.toml").write_text(CARD)
    return folder


class TestReprice:
    def test_it_tells_the_difference_and_changes_nothing(self, run: Run, month: Path) -> None:
        """Two calls: 0.096 becomes 2 x 10 x 0.0036 = 0.072; 2 x 10 x 0.001 = 0.02 comes on top."""
        before = {path: path.read_bytes() for path in month.iterdir()}

        outcome = run("prices", "reprice", "calls", "--rates", "rates.toml", "--json")

        assert outcome.code == 0
        assert outcome.json == {
            "records": 2,
            "changed": 2,
            "unchanged": 0,
            "failed": 0,
            "currencies": {
                "USD": {
                    "vendors": {
                        "deepgram": {
                            "before": "0.096",
                            "after": "0.072",
                            "difference": "-0.024",
                            "unpriced_before": 0,
                            "unpriced_after": 0,
                        },
                        "nobody": {
                            "before": "0",
                            "after": "0.02",
                            "difference": "0.02",
                            "unpriced_before": 2,
                            "unpriced_after": 0,
                        },
                    },
                    "total": {
                        "before": "0.096",
                        "after": "0.092",
                        "difference": "-0.004",
                        "unpriced_before": 2,
                        "unpriced_after": 0,
                    },
                }
            },
        }
        assert {path: path.read_bytes() for path in month.iterdir()} == before

    def test_for_people_it_is_a_table(self, run: Run, month: Path) -> None:
        outcome = run("prices", "reprice", "calls", "--rates", "rates.toml")

        assert outcome.code == 0
        for text in ("deepgram", "0.096000", "0.072000 USD", "-0.024000 (-25.0%)", "2 -> 0"):
            assert text in outcome.out
        assert "2 records: 2 would change, 0 unchanged, 0 failed." in outcome.out
        assert "--write" in outcome.out

    def test_written_each_is_its_own_next_revision(self, run: Run, month: Path) -> None:
        outcome = run("prices", "reprice", "calls", "--rates", "rates.toml", "--write")
        again = run("prices", "reprice", "calls", "--rates", "rates.toml", "--write")

        assert (outcome.code, again.code) == (0, 0)
        assert "2 records: 2 changed" in outcome.out
        assert "0 changed, 2 unchanged" in again.out
        for name in ("a", "b"):
            row = record(month / f"{name}.json.gz")
            assert row["revision"] == 2
            assert row["cost_summary"]["deepgram_cost"] == 0.036
            assert row["cost_summary"]["complete"] is True
        assert sorted(path.name for path in month.iterdir()) == ["a.json.gz", "b.json.gz"]

    def test_the_rates_are_the_settings_where_none_are_named(self, run: Run, month: Path) -> None:
        outcome = run("prices", "reprice", "calls", "--json", ANALYTICS_RATES="rates.toml")

        assert outcome.json["currencies"]["USD"]["total"]["after"] == "0.092"

    def test_without_any_rates_list_prices_are_asked_again(self, run: Run, month: Path) -> None:
        outcome = run("prices", "reprice", "calls", "--json")

        assert (outcome.json["changed"], outcome.json["unchanged"]) == (0, 2)

    def test_another_currency_is_told(self, run: Run, month: Path, tmp_path: Path) -> None:
        (tmp_path / "euro.toml").write_text('currency = "EUR"\n' + CARD)

        outcome = run("prices", "reprice", "calls", "--rates", "euro.toml")

        assert outcome.code == 0
        assert "0.072000 EUR" in outcome.out
        assert "nothing is converted" in outcome.out

    def test_a_broken_record_does_not_stop_the_others(self, run: Run, month: Path) -> None:
        (month / "0.json.gz").write_bytes(b"\x1f\x8bnonsense")
        (month / "1.json.gz").write_bytes(gzip.compress(b'{"session_id": "s"}'))

        outcome = run("prices", "reprice", "calls", "--rates", "rates.toml", "--write")

        assert outcome.code == 1
        assert "4 records: 2 changed, 0 unchanged, 2 failed." in outcome.out
        assert "0.json.gz" in outcome.err
        assert "1.json.gz: ValueError: no record of usage" in outcome.err
        assert record(month / "a.json.gz")["revision"] == 2

    def test_records_in_a_bucket_are_read_and_written(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        (tmp_path / "rates.toml").write_text(CARD)
        client = account.server.s3()
        for key in ("sessions/month=01/a.json.gz", "sessions/month=02/b.json.gz"):
            client.put_object(Bucket=account.bucket, Key=key, Body=body("a"))
        place = f"s3://{account.bucket}/sessions/month=01/"

        outcome = run(
            "prices", "reprice", place, "--rates", "rates.toml", "--write", **account.variables
        )

        assert outcome.code == 0, outcome.err
        assert "1 record: 1 changed" in outcome.out
        objects = account.server.objects(account.bucket)
        assert {
            key: json.loads(gzip.decompress(value))["revision"] for key, value in objects.items()
        } == {"sessions/month=01/a.json.gz": 2, "sessions/month=02/b.json.gz": 1}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("empty", "--rates", "rates.toml"), "empty: no records here"),
            (("calls", "--rates", "none.toml"), "none.toml: cannot be read"),
            (("calls", "--rates", "wrong.toml"), "wrong.toml:1, rate 1: unit is missing"),
        ],
    )
    def test_what_must_be_mended_first_is_said(
        self, run: Run, month: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
    ) -> None:
        (tmp_path / "wrong.toml").write_text("[[rates]]\nvendor = 'a'\n")

        outcome = run("prices", "reprice", *arguments)

        assert outcome.code == 2
        assert message in outcome.err

    def test_a_bucket_that_cannot_be_read_is_named(self, run: Run, moto: MotoServer) -> None:
        outcome = run("prices", "reprice", "s3://no-such-bucket-here/x", **moto.environment())

        assert outcome.code == 2
        assert "NoSuchBucket" in outcome.err

    @pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
    def test_on_a_terminal_there_is_a_bar(self, month: Path, tmp_path: Path) -> None:
        from os import openpty

        ours, theirs = openpty()
        try:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "livekit_plugins_analytics.cli"),
                    *("prices", "reprice", "calls", "--rates", "rates.toml"),
                ],
                cwd=tmp_path,
                env=environment({"TERM": "xterm"}),
                stdout=subprocess.PIPE,
                stderr=theirs,
            )
            shown = os.read(ours, 1_000_000).decode()
        finally:
            os.close(ours)
            os.close(theirs)

        assert done.returncode == 0
        assert "Pricing" in shown


class TestShow:
    def test_a_models_prices_have_their_source(self, run: Run) -> None:
        outcome = run("prices", "show", "gpt-4o-mini", "--json")

        (model,) = outcome.json["models"]
        assert outcome.code == 0
        assert [(p["vendor"], p["unit"], p["unit_price"]) for p in model["prices"]] == [
            ("openai", "input_token", "0.00000015"),
            ("openai", "cached_input_token", "0.000000075"),
            ("openai", "output_token", "0.0000006"),
        ]
        assert all(p["source"].startswith("voice-prices@") for p in model["prices"])

    def test_all_who_sell_it_are_shown_and_both_ways_of_transcribing(self, run: Run) -> None:
        outcome = run("prices", "show", "deepgram/nova-3", "--json")

        (model,) = outcome.json["models"]
        assert [(p["vendor"], p["model"], p["mode"]) for p in model["prices"]] == [
            ("livekit", "deepgram/nova-3", None),
            ("deepgram", "nova-3", None),
            ("deepgram", "nova-3", "batch"),
        ]

    def test_for_people_prices_are_by_the_million_and_the_minute(self, run: Run) -> None:
        outcome = run("prices", "show", "gpt-4.1", "nova-3", "eleven_flash_v2_5")

        assert outcome.code == 0
        shown = " ".join(outcome.out.replace("│", " ").split())
        for text in ("2 USD per million", "0.0048 USD per minute", "40 USD per million"):
            assert text in shown

    def test_the_users_rates_go_first(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "rates.toml").write_text(
            CARD + '[[rates]]\nvendor = "me.example"\nmodel = "mine"\nunit = "token"\nprice = 1\n'
        )

        names = ("nova-3", "mine", "nobody/anything", "anything")
        outcome = run("prices", "show", *names, "--rates", "rates.toml", "--json")

        nova, mine, named, unnamed = outcome.json["models"]
        assert {(p["vendor"], p["unit_price"]) for p in nova["prices"]} == {("deepgram", "0.00006")}
        assert all(p["source"].startswith("rates.toml@") for p in nova["prices"])
        assert {p["vendor"] for p in mine["prices"]} == {"me.example"}
        # A rate for all models of a vendor tells of one only where the vendor is named.
        assert [(p["vendor"], p["unit"]) for p in named["prices"]] == [("nobody", "character")]
        assert unnamed["prices"] == []

    def test_prices_have_dates(self, run: Run) -> None:
        """o3 fell from 10 to 2 on 10 June 2025."""
        for day, price in (("2025-06-09", "0.00001"), ("2025-06-11", "0.000002")):
            outcome = run("prices", "show", "o3", "--at", day, "--json")
            (model,) = outcome.json["models"]
            assert model["prices"][0]["unit_price"] == price

    def test_what_has_no_price_is_said_with_the_reason(self, run: Run) -> None:
        outcome = run("prices", "show", "gpt-4.1", "eleven_v3", "gpt-99")

        assert outcome.code == 1
        assert "eleven_v3: no price (elevenlabs: doubted)" in outcome.out
        assert "gpt-99: no price: no list has this model" in outcome.out


class TestCheck:
    def checked(self, run: Run, folder: Path, text: str, *options: str) -> Outcome:
        (folder / "rates.toml").write_text(text)
        return run("prices", "check", "rates.toml", *options)

    def test_a_card_that_can_be_used_is_shown(self, run: Run, tmp_path: Path) -> None:
        text = (
            'version = "7"\n' + CARD + "kind = 'tts'\nvalid_from = 2026-10-01\nper = 1000\n"
        ).replace("nobody", "elevenlabs")

        outcome = self.checked(run, tmp_path, text)

        assert outcome.code == 0
        assert "rates.toml can be used: 2 rates, USD, version 7" in outcome.out
        for text in ("audio_minute", "0.0036 USD", "character (tts)", "2026-10-01.."):
            assert text in outcome.out
        assert "Warning" not in outcome.out

    def test_what_is_wrong_is_named(self, run: Run, tmp_path: Path) -> None:
        outcome = self.checked(run, tmp_path, CARD.replace("audio_minute", "minutes"))
        as_json = self.checked(run, tmp_path, CARD.replace("audio_minute", "minutes"), "--json")

        assert (outcome.code, as_json.code) == (1, 1)
        assert "rates.toml:2, rate 1: there is no unit 'minutes'" in outcome.err
        assert as_json.json["ok"] is False
        assert "rate 1" in as_json.json["error"]

    def test_what_will_not_do_what_it_seems_to_is_warned_of(self, run: Run, tmp_path: Path) -> None:
        rates = [
            'vendor = "openai"\nunit = "token"\nprice = 1',
            'vendor = "openai"\nmodel = "gpt-4.1"\nunit = "input_token"\nprice = 2',
            'vendor = "deepgrm"\nunit = "audio_second"\nprice = 2',
            'vendor = "cartesia"\nunit = "character"\nprice = 1\ncurrency = "EUR"',
            'vendor = "cartesia"\nunit = "character"\nprice = 1\nvalid_until = 2020-01-01',
            'vendor = "acme.example"\nunit = "token"\nprice = 1',
            'vendor = "acme"\nunit = "telephony_minute"\nprice = 1',
        ]

        outcome = self.checked(
            run, tmp_path, "".join(f"[[rates]]\n{rate}\n" for rate in rates), "--json"
        )

        assert outcome.code == 0
        assert outcome.json["warnings"] == [
            "rate 2 never applies: rate 1 comes first and covers it",
            "rate 3: no vendor is known here as 'deepgrm'; did you mean 'deepgram'?",
            "rate 4 is in EUR, the card in USD: what it covers stays unpriced, "
            "for nothing is converted",
            "rate 5 never applies: rate 4 comes first and covers it",
            "rate 5 ended on 2020-01-01",
        ]


def test_its_help_names_the_commands(run: Run) -> None:
    outcome = run("prices", "--help")

    assert outcome.code == 0
    for name in ("show", "check", "reprice"):
        assert name in outcome.out
