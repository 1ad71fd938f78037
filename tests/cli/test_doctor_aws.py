"""The doctor of a machine whose AWS refuses, fails or is not there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.servers import FaultServer, LiveKitServer, Mode, MotoServer

from .clock import server_with_clock
from .conftest import Account, Run


class TestCredentials:
    """Where they come from."""

    def test_the_environments_are_told_by_their_last_four(self, run: Run, account: Account) -> None:
        check = run("doctor", "--json", **account.variables).check("credentials")

        assert check["facts"] == {
            "method": "env",
            "access_key_id": "***TEST",
            "temporary": False,
        }

    def test_a_file_and_a_profile_may_hold_them(
        self, run: Run, account: Account, tmp_path: Path
    ) -> None:
        (tmp_path / "credentials").write_text(
            "[calls]\naws_access_key_id = AKIAINAFILE1234\naws_secret_access_key = planted-secret\n"
        )
        (tmp_path / "config").write_text("[profile calls]\nregion = us-east-1\n")
        variables = {
            name: value
            for name, value in account.variables.items()
            if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
        }
        variables |= {
            "AWS_PROFILE": "calls",
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        }

        outcome = run("doctor", "--json", **variables)

        assert outcome.code == 0
        assert outcome.check("credentials")["facts"] == {
            "method": "shared-credentials-file",
            "access_key_id": "***1234",
            "temporary": False,
        }
        assert outcome.check("region")["facts"]["source"] == "profile"
        assert "planted-secret" not in outcome.out

    def test_temporary_ones_are_a_warning(self, run: Run, account: Account) -> None:
        outcome = run("doctor", "--json", AWS_SESSION_TOKEN="planted-token", **account.variables)

        assert (outcome.code, outcome.check("credentials")["status"]) == (0, "warning")
        assert outcome.check("credentials")["facts"]["temporary"] is True

    def test_without_any_the_sinks_fail_for_the_same_reason(
        self, run: Run, account: Account
    ) -> None:
        variables = {k: v for k, v in account.variables.items() if "KEY" not in k}

        outcome = run("doctor", "--json", **variables)

        assert outcome.code == 1
        checks = [outcome.check(name) for name in ("credentials", "s3", "cloudwatch")]
        assert {each["status"] for each in checks} == {"failed"}
        assert {each["facts"]["code"] for each in checks} == {"NoCredentials"}
        (fix,) = {each["fix"] for each in checks}
        assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in fix
        # For people, said once.
        page = " ".join(run("doctor", **variables).out.split())
        assert page.count("Set AWS_ACCESS_KEY_ID") == 1
        assert "credentials, s3, cloudwatch Set AWS_ACCESS_KEY_ID" in page

    def test_half_a_key_fails(self, run: Run, account: Account) -> None:
        variables = {**account.variables}
        del variables["AWS_SECRET_ACCESS_KEY"]

        check = run("doctor", "--json", **variables).check("credentials")

        assert (check["status"], check["facts"]["code"]) == ("failed", "PartialCredentials")

    def test_white_space_around_them_fails(self, run: Run, account: Account) -> None:
        variables = {**account.variables, "AWS_SECRET_ACCESS_KEY": "planted-secret\n"}

        outcome = run("doctor", "--json", **variables)

        check = outcome.check("credentials")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert check["fix"].startswith("Set AWS_SECRET_ACCESS_KEY again without spaces")

    def test_a_profile_that_does_not_exist_fails(self, run: Run, account: Account) -> None:
        outcome = run("doctor", "--json", AWS_PROFILE="nobody", **account.variables)

        for name in ("credentials", "region", "s3"):
            assert outcome.check(name)["facts"]["code"] == "ProfileNotFound"
        assert outcome.check("clock")["status"] == "skipped"


class TestRegion:
    """Which one, and who says so."""

    @pytest.mark.parametrize(
        ("variables", "status", "facts"),
        [
            ({"AWS_REGION": "us-east-1\n"}, "ok", ("us-east-1", "AWS_REGION")),
            ({"AWS_DEFAULT_REGION": "us-west-2"}, "ok", ("us-west-2", "AWS_DEFAULT_REGION")),
            (
                {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"},
                "warning",
                ("us-east-1", "AWS_REGION"),
            ),
        ],
    )
    def test_it_is_the_one_that_the_sinks_use(
        self,
        run: Run,
        faults: FaultServer,
        faulty: dict[str, str],
        variables: dict[str, str],
        status: str,
        facts: tuple[str, str],
    ) -> None:
        del faulty["AWS_REGION"]

        outcome = run("doctor", "--json", **faulty, **variables)

        check = outcome.check("region")
        assert check["status"] == status
        assert (check["facts"]["region"], check["facts"]["source"]) == facts
        assert check["facts"]["endpoints"] == {"AWS_ENDPOINT_URL": faults.endpoint_url}
        signed = [r.headers["authorization"] for r in faults.requests if r.stored]
        assert signed
        assert all(f"/{facts[0]}/" in each for each in signed)

    @pytest.mark.parametrize("name", ["ANALYTICS_S3_BUCKET", "ANALYTICS_LOG_GROUP"])
    def test_without_one_it_fails(self, run: Run, faulty: dict[str, str], name: str) -> None:
        del faulty["AWS_REGION"]
        faulty = {k: v for k, v in faulty.items() if k == name or not k.startswith("ANALYTICS_")}

        outcome = run("doctor", "--json", **faulty)

        check = outcome.check("region")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert check["fix"] == f"Set AWS_REGION to the region of {name}"

    def test_a_store_of_another_maker_needs_none(self, run: Run, faults: FaultServer) -> None:
        variables = faults.environment()
        del variables["AWS_REGION"], variables["AWS_ENDPOINT_URL"]

        outcome = run(
            "doctor",
            "--json",
            ANALYTICS_S3_BUCKET="calls",
            ANALYTICS_S3_ENDPOINT_URL=faults.endpoint_url,
            **variables,
        )

        assert outcome.code == 0
        assert outcome.check("region")["status"] == "ok"
        assert outcome.check("s3")["status"] == "ok"
        assert "endpoints" not in outcome.check("region")["facts"]


class TestProbe:
    """What the sinks answer."""

    @pytest.mark.parametrize(
        ("mode", "codes", "fixes"),
        [
            (
                "access_denied",
                ["AccessDenied", "AccessDeniedException"],
                ["s3:PutObject", "logs:PutLogEvents"],
            ),
            (
                "expired_token",
                ["ExpiredToken", "ExpiredTokenException"],
                ["AWS_SESSION_TOKEN", "AWS_SESSION_TOKEN"],
            ),
            (
                "missing",
                ["NoSuchBucket", "ResourceNotFoundException"],
                ["Create the bucket", "Create the log group"],
            ),
            ("refused", ["ConnectionFailed"] * 2, ["check the network", "check the network"]),
            ("hang", ["Timeout"] * 2, ["check the network", "check the network"]),
        ],
    )
    def test_a_failure_comes_with_its_code_and_fix(
        self,
        run: Run,
        faults: FaultServer,
        faulty: dict[str, str],
        mode: Mode,
        codes: list[str],
        fixes: list[str],
    ) -> None:
        faults.mode = mode

        outcome = run("doctor", "--json", **faulty)

        assert (outcome.code, outcome.json["ok"], outcome.err) == (1, False, "")
        for name, code, fix in zip(("s3", "cloudwatch"), codes, fixes, strict=True):
            check = outcome.check(name)
            assert (check["status"], check["facts"]["code"]) == ("failed", code)
            assert fix in check["fix"]
        assert outcome.check("clock")["status"] == "skipped"

    def test_one_sink_may_fail_alone(
        self, run: Run, faults: FaultServer, faulty: dict[str, str]
    ) -> None:
        faults.logs_mode = "access_denied"

        outcome = run("doctor", "--json", **faulty)

        assert outcome.code == 1
        assert outcome.check("s3")["status"] == "ok"
        assert outcome.check("cloudwatch")["status"] == "failed"

    def test_a_hiccup_is_forgiven(
        self, run: Run, faults: FaultServer, faulty: dict[str, str]
    ) -> None:
        faults.plan("s3", "ok", "503", "throttle")  # the first is asked for the time
        faults.plan("logs", "reset")

        outcome = run("doctor", "--json", **faulty)

        assert outcome.code == 0
        assert outcome.check("s3")["status"] == outcome.check("cloudwatch")["status"] == "ok"

    def test_a_wrong_bucket_is_named(self, run: Run, moto: MotoServer) -> None:
        outcome = run(
            "doctor", "--json", ANALYTICS_S3_BUCKET="nobodys-bucket", **moto.environment()
        )

        check = outcome.check("s3")
        assert (outcome.code, check["facts"]["code"]) == (1, "NoSuchBucket")
        assert outcome.check("clock")["status"] == "ok"

    def test_nothing_is_read_or_deleted(
        self, run: Run, faults: FaultServer, faulty: dict[str, str]
    ) -> None:
        run("doctor", **faulty)

        signed = [r.operation for r in faults.requests if "authorization" in r.headers]
        assert signed == ["PutObject", "PutLogEvents", "CreateLogStream", "PutLogEvents"]


class TestClock:
    """This machine's time against AWS's."""

    @pytest.mark.parametrize(
        ("name", "ahead", "status", "words"),
        [
            ("ANALYTICS_S3_BUCKET", 0, "ok", "in step"),
            ("ANALYTICS_LOG_GROUP", -30, "ok", " s fast"),
            ("ANALYTICS_S3_BUCKET", 120, "warning", " s slow"),
            ("ANALYTICS_LOG_GROUP", -3600, "failed", " s fast: AWS refuses requests"),
        ],
    )
    def test_it_is_compared_with_an_answers_date(
        self, run: Run, moto: MotoServer, name: str, ahead: int, status: str, words: str
    ) -> None:
        with server_with_clock(ahead) as url:
            variables = {**moto.environment(), "AWS_ENDPOINT_URL": url, name: "calls"}
            outcome = run("doctor", "--json", **variables)

        check = outcome.check("clock")
        assert check["status"] == status
        assert check["detail"].lstrip("0123456789") == words
        # The date has whole seconds.
        assert check["facts"]["skew_seconds"] == pytest.approx(-ahead, abs=2)


class TestSecrets:
    """None of them is shown, however the checks end."""

    SECRETS = {
        "AWS_SECRET_ACCESS_KEY": "planted/secret+of/aws",
        "AWS_SESSION_TOKEN": "planted//token==",
        "LIVEKIT_API_SECRET": "planted-secret-of-livekit-0123456789",
        "AWS_ACCESS_KEY_ID": "ASIAPLANTEDPLANTED",
    }

    @pytest.mark.parametrize(
        ("mode", "arguments"), [("ok", ["--json"]), ("access_denied", []), ("refused", ["-v"])]
    )
    def test_they_stay_hidden(
        self,
        run: Run,
        faults: FaultServer,
        livekit_server: LiveKitServer,
        tmp_path: Path,
        mode: Mode,
        arguments: list[str],
    ) -> None:
        faults.mode = mode
        secrets = "\n".join(f"{name}='{value}'" for name, value in self.SECRETS.items())
        (tmp_path / "variables").write_text(secrets)
        host = faults.endpoint_url.removeprefix("http://")

        outcome = run(
            "doctor",
            "--env-file",
            "variables",
            *arguments,
            LIVEKIT_URL=livekit_server.url,
            LIVEKIT_API_KEY=livekit_server.api_key,
            AWS_REGION="us-east-1",
            AWS_ENDPOINT_URL=f"http://planted-user:planted-word@{host}/?X-Amz-Signature=planted",
            ANALYTICS_S3_BUCKET="calls",
            ANALYTICS_S3_ENDPOINT_URL=f"http://planted-user:planted-word@{host}",
            ANALYTICS_LOG_GROUP="/calls",
            # Pasted into the wrong place.
            ANALYTICS_ENVIRONMENT=self.SECRETS["AWS_SECRET_ACCESS_KEY"],
            ANALYTICS_LOG_STREAM=self.SECRETS["LIVEKIT_API_SECRET"],
            ANALYTICS_TRANSCRIPT=self.SECRETS["AWS_SESSION_TOKEN"],
        )

        written = outcome.out + outcome.err
        assert outcome.code == 1
        assert "planted" not in written.replace("ASIAPLANTED", "planted").replace(os.sep, "/")
        assert "***NTED" in written
        if "--json" in arguments:
            assert json.loads(outcome.out)["ok"] is False
