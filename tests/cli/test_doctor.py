"""The doctor of a machine that is well, and of one that lacks settings or servers."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import get_args

import pytest

from livekit_plugins_analytics.cli.doctor.check import Status
from livekit_plugins_analytics.cli.doctor.spool import check_spool
from livekit_plugins_analytics.delivery import Spool
from livekit_plugins_analytics.settings import Settings
from tests.servers import LiveKitServer, MotoServer
from tests.writers.parcels import parcel

from .conftest import Account, Run

NAMES = [
    "versions",
    "settings",
    "variables",
    "signals",
    "rates",
    "redaction",
    "credentials",
    "region",
    "clock",
    "directory",
    "s3",
    "cloudwatch",
    "firehose",
    "webhook",
    "spool",
    "livekit",
]


class TestWell:
    """Everything is set, and everything answers."""

    def test_everything_is_ok(
        self, run: Run, account: Account, livekit_server: LiveKitServer
    ) -> None:
        outcome = run("doctor", "--json", **account.variables, **livekit_server.environment())

        statuses = outcome.statuses
        unset = ("directory", "rates", "redaction", "firehose", "webhook")
        assert {statuses.pop(name) for name in unset} == {"skipped"}
        assert set(statuses.values()) == {"ok"}
        assert (outcome.code, outcome.err, outcome.json["ok"]) == (0, "", True)

    def test_a_probe_is_left_beside_the_records(self, run: Run, account: Account) -> None:
        outcome = run("doctor", "--json", ANALYTICS_S3_PREFIX="a/calls", **account.variables)

        ((key, body),) = account.server.objects(account.bucket).items()
        assert outcome.check("s3")["facts"]["place"] == f"s3://{account.bucket}/{key}"
        assert re.fullmatch(
            r"a/analytics-probes/year=\d{4}/month=\d\d/day=\d\d/"
            r"doctor-\d{8}T\d{6}Z-[\w.-]+\.json\.gz",
            key,
        )
        said = json.loads(gzip.decompress(body))
        assert key.endswith(f"/{said['probe']}.json.gz")
        (event,) = account.server.events(account.group)
        assert event["message"] == said
        assert re.fullmatch(r"probes/doctor/\d{4}/\d\d/\d\d", event["stream"])
        place = f"cloudwatch:{account.group}/{event['stream']}"
        assert outcome.check("cloudwatch")["facts"]["place"] == place

    def test_the_object_has_one_shape(self, run: Run, account: Account) -> None:
        outcome = run("doctor", "--json", **account.variables)

        assert set(outcome.json) == {"ok", "version", "checks"}
        assert [each["name"] for each in outcome.json["checks"]] == NAMES
        for each in outcome.json["checks"]:
            assert set(each) == {"name", "status", "detail", "fix", "facts"}
            assert each["status"] in get_args(Status)
            assert each["detail"]
            assert isinstance(each["facts"], dict)
            assert bool(each["fix"]) == (each["status"] in ("warning", "failed"))

    def test_people_get_a_page_of_80_columns(self, run: Run, account: Account) -> None:
        outcome = run("doctor", **account.variables)

        lines = outcome.out.splitlines()
        assert max(map(len, lines)) <= 80
        assert any(re.match(r"ok +s3 +the probe is at", line) for line in lines)
        assert any(re.match(rf"ANALYTICS_S3_BUCKET +{account.bucket}", line) for line in lines)
        assert "To do" in map(str.strip, lines)
        assert lines[-1] == "Ready: every sink took a probe, 1 warning."
        assert outcome.err == ""

    def test_with_nothing_to_do_the_page_says_so(
        self, run: Run, account: Account, livekit_server: LiveKitServer
    ) -> None:
        outcome = run("doctor", **account.variables, **livekit_server.environment())

        assert "To do" not in outcome.out
        assert outcome.out.endswith("\nReady: every sink took a probe.\n")

    def test_colours_are_for_terminals(self, run: Run) -> None:
        assert "\x1b[" not in run("doctor").out
        assert "\x1b[" in run("doctor", FORCE_COLOR="1").out

    def test_it_may_speak_ascii_only(self, run: Run, tmp_path: Path) -> None:
        outcome = run("doctor", PYTHONIOENCODING="ascii", ANALYTICS_ENVIRONMENT="größe")

        assert outcome.code == 0
        assert "gr??e" in outcome.out


class TestVersions:
    """What is installed."""

    def test_they_are_those_of_the_metadata(self, run: Run) -> None:
        check = run("doctor", "--json").check("versions")

        assert check["facts"]["supported"]["livekit-agents"] == "<2,>=1.7.0"
        assert set(check["facts"]["packages"]) >= {"livekit-agents", "boto3", "watchtower"}

    def test_an_unsupported_framework_fails(self, run: Run, tmp_path: Path) -> None:
        info = tmp_path / "livekit_agents-2.0.0rc1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: livekit-agents\nVersion: 2.0.0rc1\n"
        )

        outcome = run("doctor", "--json", PYTHONPATH=str(tmp_path))

        check = outcome.check("versions")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert check["detail"].endswith("not supported: livekit-agents 2.0.0rc1")
        assert check["fix"] == "pip install 'livekit-agents<2,>=1.7.0'"

    def test_a_python_out_of_range_and_a_lack_fail(self, run: Run, tmp_path: Path) -> None:
        info = tmp_path / "livekit_plugins_analytics-9.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: livekit-plugins-analytics\nVersion: 9.0\n"
            "Requires-Python: <3\nRequires-Dist: never-published>=1\n"
        )

        outcome = run("doctor", "--json", PYTHONPATH=str(tmp_path))

        assert outcome.json["version"] == "9.0"
        assert outcome.check("versions")["detail"].endswith(
            "not supported: never-published missing"
        )
        assert outcome.check("versions")["fix"] == (
            "Use a Python <3; pip install 'never-published>=1'"
        )


class TestSettings:
    """Settings as they are understood."""

    def test_every_one_is_shown_with_its_source(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "variables").write_text(
            "ANALYTICS_ENVIRONMENT=staging\nexport ANALYTICS_TRANSCRIPT='on'\n"
            "ANALYTICS_S3_BUCKET=\n"
        )

        outcome = run(
            "doctor",
            "--json",
            "--env-file",
            "variables",
            ANALYTICS_ENVIRONMENT="qa",
            ANALYTICS_DIRECTORY="here",
        )

        rows = {
            each["variable"]: (each["value"], each["source"])
            for each in outcome.check("settings")["facts"]["settings"]
        }
        assert set(rows) == {f"ANALYTICS_{name.upper()}" for name in Settings.model_fields}
        assert rows["ANALYTICS_ENVIRONMENT"] == ("qa", "environment")
        assert rows["ANALYTICS_TRANSCRIPT"] == ("on", "env file")
        assert rows["ANALYTICS_DIRECTORY"] == ("here", "environment")
        assert rows["ANALYTICS_S3_BUCKET"] == (None, "default")
        assert rows["ANALYTICS_EXPORT_BUDGET_SECONDS"] == (20.0, "default")

    def test_wrong_ones_fail_and_what_they_decide_is_not_tried(self, run: Run) -> None:
        outcome = run(
            "doctor",
            "--json",
            ANALYTICS_S3_BUCKET="s3://calls",
            ANALYTICS_TRANSCRIPT="maybe",
            AWS_REGION="us-east-1",
        )

        check = outcome.check("settings")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert "ANALYTICS_S3_BUCKET: not a bucket name" in check["detail"]
        assert "ANALYTICS_TRANSCRIPT: " in check["detail"]
        for name in ("s3", "directory"):
            assert outcome.check(name)["status"] == "skipped"
            assert outcome.check(name)["detail"] == "not tried: wrong ANALYTICS_S3_BUCKET"
        assert outcome.check("credentials")["status"] == "failed"
        sources = {r["variable"]: r["source"] for r in check["facts"]["settings"]}
        assert sources["ANALYTICS_S3_BUCKET"] == sources["ANALYTICS_TRANSCRIPT"] == "wrong"

    def test_a_wrong_one_does_not_hide_the_sinks_of_others(self, run: Run, tmp_path: Path) -> None:
        outcome = run(
            "doctor", ANALYTICS_LOG_GROUP="a:b", ANALYTICS_DIRECTORY=str(tmp_path / "here")
        )

        assert outcome.code == 1
        assert re.search(r"(?m)^ok +directory", outcome.out)
        assert re.search(r"(?m)^ANALYTICS_LOG_GROUP +- +wrong", outcome.out)
        assert outcome.out.splitlines()[-1].startswith("Not ready: 3 checks failed, 1 warning")

    def test_recording_that_is_off_is_a_warning(self, run: Run) -> None:
        outcome = run("doctor", "--json", ANALYTICS_ENABLED="no")

        assert outcome.check("settings")["status"] == "warning"
        assert outcome.code == 0

    def test_an_unknown_variable_is_named_with_its_neighbour(self, run: Run) -> None:
        outcome = run("doctor", "--json", ANALYTICS_S3_BUKET="calls", ANALYTICS_XYZ="calls")

        check = outcome.check("variables")
        assert check["status"] == "warning"
        assert check["fix"] == (
            "Rename ANALYTICS_S3_BUKET to ANALYTICS_S3_BUCKET; Unset ANALYTICS_XYZ"
        )
        assert "calls" not in json.dumps(check)


class TestFilesOfOnesOwn:
    """The pack of signal rules and the rate card."""

    def test_a_pack_and_a_card_that_can_be_used(self, run: Run, tmp_path: Path) -> None:
        card = tmp_path / "rates.toml"
        card.write_text(
            '[[rates]]\nvendor = "openai"\nmodel = "*"\nunit = "input_token"\nprice = "0.1"\n'
        )

        outcome = run("doctor", "--json", ANALYTICS_RATES=str(card))

        assert outcome.check("signals")["facts"]["pack"] == "sales@1"
        assert outcome.check("rates")["facts"] == {"rates": 1, "currency": "USD"}

    def test_what_is_wrong_in_them_fails_with_its_place(self, run: Run, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.toml"
        wrong.write_text("rules = 3\n")

        outcome = run("doctor", "--json", ANALYTICS_SIGNALS=str(wrong), ANALYTICS_RATES=str(wrong))

        assert outcome.code == 1
        for name in ("signals", "rates"):
            check = outcome.check(name)
            assert check["status"] == "failed"
            assert "wrong.toml" in check["detail"] and check["fix"]


class TestRedaction:
    """What is masked."""

    def test_the_entities_are_named(self, run: Run) -> None:
        outcome = run(
            "doctor", "--json", ANALYTICS_REDACT="email,ip", ANALYTICS_CONTENT_CONSENT="required"
        )

        check = outcome.check("redaction")
        assert (check["status"], check["facts"]) == ("ok", {"entities": ["email", "ip"]})
        assert check["detail"] == "masked: email, ip; content only with consent"

    def test_an_unknown_one_fails_with_what_may_be_meant(self, run: Run) -> None:
        outcome = run("doctor", "--json", ANALYTICS_REDACT="emial")

        check = outcome.check("redaction")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert "did you mean 'email'" in check["detail"] and "ANALYTICS_REDACT" in check["fix"]


class TestDirectory:
    """The sink on this machine."""

    def test_without_any_sink_it_is_a_warning(self, run: Run, tmp_path: Path) -> None:
        outcome = run("doctor", "--json")

        check = outcome.check("directory")
        assert (outcome.code, check["status"]) == (0, "warning")
        assert Path(check["facts"]["place"]).is_relative_to(tmp_path / "analytics" / "probes")
        assert Path(check["facts"]["place"]).exists()
        for name in ("credentials", "region", "clock", "s3", "cloudwatch"):
            assert outcome.check(name)["status"] == "skipped"

    def test_one_that_is_meant_is_ok(self, run: Run) -> None:
        assert run("doctor", "--json", ANALYTICS_DIRECTORY="a").check("directory")["status"] == "ok"

    def test_one_that_cannot_be_written_fails(self, run: Run) -> None:
        outcome = run("doctor", "--json", ANALYTICS_DIRECTORY=f"{__file__}/a")

        check = outcome.check("directory")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert check["facts"]["code"] == "ENOTDIR"
        assert "ANALYTICS_DIRECTORY" in check["fix"]


class TestSpool:
    """The directory in which records wait."""

    def test_its_state_is_told(self, run: Run, tmp_path: Path) -> None:
        Spool(tmp_path / "spool").put(parcel()).release()

        check = run("doctor", "--json", ANALYTICS_SPOOL_DIRECTORY="spool").check("spool")

        assert check["status"] == "ok"
        facts = check["facts"]
        assert facts.pop("free_bytes") > 0
        assert facts == {
            "directory": str(tmp_path / "spool"),
            "mode": f"{(tmp_path / 'spool').stat().st_mode & 0o7777:04o}",
            "waiting": 1,
            "dead": {},
            "lost": {},
        }

    def test_one_that_cannot_be_written_fails(self, run: Run) -> None:
        outcome = run("doctor", "--json", ANALYTICS_SPOOL_DIRECTORY=f"{__file__}/a")

        check = outcome.check("spool")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert "Not a directory" in check["detail"]
        assert "ANALYTICS_SPOOL_DIRECTORY" in check["fix"]

    def test_what_waits_for_long_or_forever_is_a_warning(self, run: Run, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "spool")
        entry = spool.put(parcel())
        entry.release()
        old = time.time() - 3600
        os.utime(entry.path, (old, old))
        spool.bury(spool.put(parcel()), "refused", "cloudwatch: EventTooLarge")
        (spool.directory / "dead" / "RM_x.parcel").touch()

        check = run("doctor", "--json", ANALYTICS_SPOOL_DIRECTORY="spool").check("spool")

        assert check["status"] == "warning"
        assert check["fix"] == (
            "Send them: livekit-analytics drain; Mend what livekit-analytics spool ls names, then:"
            " livekit-analytics spool retry-dead"
        )
        assert check["detail"].endswith(
            "the oldest waits for long, given up: 1 refused, 1 unreadable"
        )
        assert check["facts"]["dead"] == {"refused": 1, "unreadable": 1}
        assert check["facts"]["lost"] == {"refused": 1}

    def test_what_a_process_left_in_the_temporary_directory_is_a_warning(
        self, run: Run, tmp_path: Path
    ) -> None:
        fallback = Spool(tmp_path / "tmp" / f"livekit-analytics-spool-{os.getuid()}")
        fallback.put(parcel()).release()

        check = run("doctor", "--json", ANALYTICS_SPOOL_DIRECTORY="spool").check("spool")

        assert (check["status"], check["fix"]) == ("warning", "Send those: livekit-analytics drain")
        assert check["facts"]["fallback"] == {"directory": str(fallback.directory), "waiting": 1}

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
    def test_one_that_anyone_may_write_is_a_warning(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "spool").mkdir()
        (tmp_path / "spool").chmod(0o777)

        check = run("doctor", "--json", ANALYTICS_SPOOL_DIRECTORY="spool").check("spool")

        assert (check["status"], check["fix"]) == ("warning", f"chmod 700 {tmp_path / 'spool'}")

    @pytest.mark.parametrize(
        ("free", "status", "detail"),
        [(500_000, "failed", "full"), (50_000_000, "warning", "little room")],
    )
    def test_a_disk_without_room_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str, detail: str
    ) -> None:
        usage = shutil.disk_usage(tmp_path)._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

        check = check_spool(Settings(spool_directory=tmp_path))

        assert (check.status, check.facts["free_bytes"]) == (status, free)
        assert check.detail.endswith(detail)
        assert "Make room" in check.fix


class TestLiveKit:
    """The server that the agent works for."""

    def test_without_its_variables_it_is_not_asked(self, run: Run) -> None:
        outcome = run("doctor", "--json", LIVEKIT_URL="wss://project.livekit.cloud")

        check = outcome.check("livekit")
        assert (outcome.code, check["status"]) == (0, "warning")
        assert check["detail"] == "not asked: LIVEKIT_API_KEY, LIVEKIT_API_SECRET not set"

    @pytest.mark.parametrize("url", ["project.livekit.cloud", "ws://"])
    def test_a_url_of_another_kind_fails(self, run: Run, url: str) -> None:
        variables = {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 32}

        outcome = run("doctor", "--json", LIVEKIT_URL=url, **variables)

        check = outcome.check("livekit")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert "wss://" in check["fix"]

    def test_a_url_for_http_works_as_well(self, run: Run, livekit_server: LiveKitServer) -> None:
        variables = {**livekit_server.environment(), "LIVEKIT_URL": livekit_server.http_url}

        assert run("doctor", "--json", **variables).check("livekit")["status"] == "ok"

    @pytest.mark.parametrize("name", ["LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"])
    def test_a_wrong_key_fails(self, run: Run, livekit_server: LiveKitServer, name: str) -> None:
        variables = {**livekit_server.environment(), name: "another-" + "x" * 32}

        outcome = run("doctor", "--json", **variables)

        check = outcome.check("livekit")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert "the server refuses the key (HTTP 401)" in check["detail"]
        assert "another-" not in outcome.out + outcome.err

    @pytest.mark.filterwarnings("ignore:The HMAC key is:UserWarning")
    def test_a_short_secret_is_a_warning_of_the_doctors(self, run: Run) -> None:
        server = LiveKitServer()
        server.api_secret = "planted-secret"
        with server:
            outcome = run("doctor", "--json", **server.environment())

        check = outcome.check("livekit")
        assert (outcome.code, check["status"]) == (0, "warning")
        assert "14 bytes" in check["detail"]
        assert outcome.err == ""

    def test_a_server_that_is_no_livekit_fails(self, run: Run, moto: MotoServer) -> None:
        variables = {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 32}

        outcome = run("doctor", "--json", LIVEKIT_URL=moto.endpoint_url, **variables)

        check = outcome.check("livekit")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert re.search(r"the server answered HTTP \d{3}", check["detail"])

    @pytest.mark.parametrize("answers", [True, False])
    def test_one_that_does_not_answer_fails(self, run: Run, answers: bool) -> None:
        """Nobody listens, or somebody does and says nothing."""
        variables = {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 32}
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            if answers:
                silent.listen()
            url = f"ws://127.0.0.1:{silent.getsockname()[1]}"

            outcome = run("doctor", "--json", LIVEKIT_URL=url, **variables)

        check = outcome.check("livekit")
        assert (outcome.code, check["status"]) == (1, "failed")
        expected = "TimeoutError" if answers else "ClientConnectorError"
        assert check["detail"] == f"{url}: out of reach ({expected})"
