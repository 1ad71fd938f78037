"""The doctor probes every other sink the way that records take."""

from __future__ import annotations

from uuid import uuid4

from tests.servers import FaultServer, MotoServer

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

    def test_without_a_region_it_says_whose(self, run: Run, faults: FaultServer) -> None:
        variables = faults.environment()
        del variables["AWS_REGION"]

        outcome = run("doctor", "--json", ANALYTICS_FIREHOSE_STREAM="calls", **variables)

        assert outcome.code == 1
        fix = "Set AWS_REGION to the region of ANALYTICS_FIREHOSE_STREAM"
        assert outcome.check("region")["fix"] == outcome.check("firehose")["fix"] == fix
