"""The doctor probes every other sink the way that records take."""

from __future__ import annotations

import base64
import json
from uuid import uuid4

from standardwebhooks.webhooks import Webhook

from tests.servers import FaultServer, MotoServer, Receiver, Reply

from .conftest import Run


class TestFirehose:
    """A stream takes a record without a byte."""

    def test_a_probe_is_taken_and_nothing_is_stored(self, run: Run, moto: MotoServer) -> None:
        name = f"doctor-{uuid4().hex[:12]}"
        moto.create_bucket(name)
        moto.firehose().create_delivery_stream(
            DeliveryStreamName=name,
            ExtendedS3DestinationConfiguration={
                "RoleARN": "arn:aws:iam::123456789012:role/firehose",
                "BucketARN": f"arn:aws:s3:::{name}",
            },
        )

        outcome = run("doctor", "--json", ANALYTICS_FIREHOSE_STREAM=name, **moto.environment())

        assert outcome.code == 0
        assert outcome.check("firehose")["facts"]["place"] == f"firehose:{name}"
        assert {outcome.statuses[each] for each in ("credentials", "region", "clock")} == {"ok"}
        assert outcome.statuses["directory"] == "skipped"
        assert not any(moto.objects(name).values())

    def test_a_refusal_comes_with_its_fix(self, run: Run, faults: FaultServer) -> None:
        faults.firehose_mode = "access_denied"

        outcome = run("doctor", "--json", ANALYTICS_FIREHOSE_STREAM="calls", **faults.environment())

        check = outcome.check("firehose")
        assert (outcome.code, check["status"]) == (1, "failed")
        assert "firehose:PutRecordBatch" in check["fix"]

    def test_a_bucket_for_large_records_alone_gets_no_probe(
        self, run: Run, faults: FaultServer
    ) -> None:
        outcome = run(
            "doctor",
            "--json",
            ANALYTICS_FIREHOSE_STREAM="calls",
            ANALYTICS_S3_BUCKET="lake",
            ANALYTICS_SINKS="firehose",
            **faults.environment(),
        )

        assert outcome.code == 0
        assert outcome.check("s3")["detail"] == "not among ANALYTICS_SINKS"
        assert faults.objects("lake") == {}

    def test_where_it_is_not_known_which_sinks_are_meant_none_gets_a_probe(
        self, run: Run, faults: FaultServer
    ) -> None:
        outcome = run(
            "doctor",
            "--json",
            ANALYTICS_FIREHOSE_STREAM="calls",
            ANALYTICS_SINKS="firehose,s3",
            **faults.environment(),
        )

        assert outcome.code == 1
        assert "s3 needs ANALYTICS_S3_BUCKET" in outcome.check("settings")["detail"]
        assert outcome.check("firehose")["detail"] == "not tried: wrong ANALYTICS_SINKS"
        assert [each for each in faults.requests if "authorization" in each.headers] == []

    def test_without_a_region_it_says_whose(self, run: Run, faults: FaultServer) -> None:
        variables = faults.environment()
        del variables["AWS_REGION"]

        outcome = run("doctor", "--json", ANALYTICS_FIREHOSE_STREAM="calls", **variables)

        assert outcome.code == 1
        fix = "Set AWS_REGION to the region of ANALYTICS_FIREHOSE_STREAM"
        assert outcome.check("region")["fix"] == outcome.check("firehose")["fix"] == fix


class TestWebhook:
    """A receiver gets an event that is no record."""

    SECRET = "whsec_" + base64.b64encode(b"planted-secret-of-no-receiver").decode()

    def variables(self, receiver: Receiver) -> dict[str, str]:
        return {
            "ANALYTICS_WEBHOOK_URL": f"http://127.0.0.1:{receiver.port}/planted-key?planted-key",
            "ANALYTICS_WEBHOOK_SECRET": self.SECRET,
            "ANALYTICS_WEBHOOK_ALLOW_HTTP": "true",
            "ANALYTICS_WEBHOOK_ALLOW_PRIVATE": "true",
        }

    def test_a_probe_is_posted_and_nothing_secret_is_shown(self, run: Run) -> None:
        with Receiver() as receiver:
            outcome = run("doctor", "--json", **self.variables(receiver))

            check = outcome.check("webhook")
            assert (outcome.code, check["facts"]["place"]) == (0, "webhook:127.0.0.1")
            (request,) = receiver.requests
            sent = Webhook(self.SECRET).verify(request.body, request.headers)
            assert sent["type"] == "session.probe"
            page = run("doctor", **self.variables(receiver))
        for shown in (outcome.out, page.out):
            assert "planted-key" not in shown and self.SECRET not in shown

    def test_a_refusal_comes_with_its_fix(self, run: Run) -> None:
        with Receiver() as receiver:
            receiver.replies.append(Reply(410))
            outcome = run("doctor", "--json", **self.variables(receiver))

        check = outcome.check("webhook")
        assert (outcome.code, check["facts"]["code"]) == (1, "HTTP410")
        assert "ANALYTICS_WEBHOOK_URL" in check["fix"]

    def test_a_private_address_is_refused_by_default(self, run: Run) -> None:
        with Receiver() as receiver:
            variables = self.variables(receiver)
            del variables["ANALYTICS_WEBHOOK_ALLOW_PRIVATE"]
            outcome = run("doctor", "--json", **variables)

            assert receiver.requests == []
        assert outcome.check("webhook")["facts"]["code"] == "PrivateAddress"

    def test_with_a_wrong_setting_nothing_is_sent(self, run: Run) -> None:
        with Receiver() as receiver:
            variables = {**self.variables(receiver), "ANALYTICS_WEBHOOK_SECRET": "planted-key"}
            outcome = run("doctor", "--json", **variables)

            assert receiver.requests == []
        assert outcome.code == 1
        assert "wrong ANALYTICS_WEBHOOK_SECRET" in outcome.check("webhook")["detail"]
        assert "planted-key" not in json.dumps(outcome.json)
