"""The examples run as they are told to, end cleanly, and show what the record says."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import FunctionTool
from rich.console import Console

from examples import basic_agent
from examples.summary import show
from livekit_plugins_analytics.lines import line
from livekit_plugins_analytics.record import Cost, Latency, MetricsSummary, SessionRecord
from tests.servers import LiveKitServer

PROJECT = Path(__file__).parents[1]

# A call takes 4 s offline and 20 s through LiveKit; a busy machine several times that.
TIMEOUT = 150

_FOREIGN = ("ANALYTICS_", "AWS_", "LIVEKIT_", "FORCE_COLOR", "CLICOLOR", "COLUMNS", "NO_COLOR")


def run(module: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run an example in a folder, as from a shell of somebody who has set nothing else."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    return subprocess.run(
        [sys.executable, "-m", f"examples.{module}"],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


@dataclass(frozen=True)
class Demo:
    """One run of the offline demo."""

    folder: Path
    process: subprocess.CompletedProcess[str]

    @property
    def path(self) -> Path:
        """The file of the record."""
        (path,) = (self.folder / "analytics").rglob("*.json.gz")
        return path

    @property
    def record(self) -> dict[str, Any]:
        """The record in the file."""
        record: dict[str, Any] = json.loads(gzip.decompress(self.path.read_bytes()))
        return record


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The offline demo, run once."""
    folder = tmp_path_factory.mktemp("demo")
    return Demo(folder, run("offline_call", folder))


def test_demo_ends_well_and_without_a_word_of_complaint(demo: Demo) -> None:
    assert demo.process.stderr == ""
    assert demo.process.returncode == 0


def test_demo_names_the_file_and_how_to_read_it(demo: Demo) -> None:
    path = demo.path.relative_to(demo.folder)
    assert f"The record is in {path}\n" in demo.process.stdout
    assert f"gzip -dc {path} | python -m json.tool\n" in demo.process.stdout


def test_demo_writes_plain_text_of_80_columns_into_a_pipe(demo: Demo) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", demo.process.stdout)
    lines = demo.process.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines if ".json.gz" not in line)
    assert not any(line.endswith(" ") for line in lines)


def test_demo_leaves_nothing_but_the_record(demo: Demo) -> None:
    files = [p for p in demo.folder.rglob("*") if p.is_file() and ".analytics-spool" not in p.parts]
    assert files == [demo.path]
    assert not list((demo.folder / ".analytics-spool").rglob("*.json.gz"))


def test_record_of_the_demo_is_the_call(demo: Demo) -> None:
    record = demo.record
    assert record["record_status"] == "final"
    assert record["environment"] == "demo"
    assert record["simulated"] is True
    assert record["end_cause"] == "agent_ended"
    assert 2 < record["duration_seconds"] < 60
    assert record["user_email"] == "john@acme.com"
    assert record["user_metadata"] == {"plan": "trial"}
    assert record["discovered_signals"] == {
        "use_case": "sales_proposals",
        "pain_points": ["manual process"],
        "team_size": 25,
        "monthly_volume": 100,
        "integration_needs": ["salesforce", "hubspot"],
        "qualification_tier": "qualified",
        "lead_id": "L-20417",
    }
    assert record["signal_pack"] == "sales@1"
    heard = {(s["name"], s["text"]) for s in record["signals"] if s["chosen"]}
    assert ("monthly_volume", "100 proposals a month") in heard
    assert ("lead_id", None) in heard
    assert len(record["conversation_notes"]) == 2
    assert record["conversation_state"] == "NEXT_STEPS"
    assert [s["state"] for s in record["state_history"]] == ["DISCOVERY", "NEXT_STEPS"]
    assert record["consent_obtained"] is True
    assert record["consent_method"] == "verbal"
    assert record["consent_timestamp"] is not None
    assert (record["outcome"], record["outcome_reason"]) == ("success", "meeting booked")
    assert record["tags"] == ["sales_proposals"]
    assert record["custom"] == {"calendar_event": "evt-20417"}
    assert [(h["from"], h["to"]) for h in record["handoffs"]] == [("greeter", "sales")]


def test_record_of_the_demo_has_the_tools_with_their_annotations(demo: Demo) -> None:
    tools = {t["tool"]: t for t in demo.record["tool_calls"]}
    assert {name: (t["status"], t["agent"]) for name, t in tools.items()} == {
        "record_consent": ("done", "greeter"),
        "transfer_to_sales": ("done", "greeter"),
        "save_requirements": ("done", "sales"),
        "get_quote": ("error", "sales"),
        "book_sales_meeting": ("done", "sales"),
    }
    assert tools["get_quote"]["error"] == "the price service did not answer"
    booking = tools["book_sales_meeting"]
    assert booking["customer_name"] == "John Doe"
    assert booking["customer_email"] == "john@acme.com"
    assert booking["meeting_booked"] is True
    assert booking["duration_seconds"] >= 0.25


def test_record_of_the_demo_has_its_numbers(demo: Demo) -> None:
    record = demo.record
    metrics = record["metrics_summary"]
    assert metrics["interruptions"] == 1
    assert metrics["cancelled_llm_calls"] == 1
    assert (metrics["user_turns"], metrics["agent_turns"]) == (6, 7)
    assert metrics["total_cached_input_tokens"] > 0
    assert record["latency"]["llm_ttft"]["num"] == 7
    assert record["latency"]["tool"]["num"] == 5
    assert record["cost_summary"]["openai_cost"] > 0
    assert record["cost_summary"]["complete"] is True
    assert record["unpriced"] == []
    assert all(line["amount"] and line["source"] for line in record["costs"])
    (error,) = record["errors"]
    assert (error["component"], error["recoverable"]) == ("llm", True)
    assert record["completeness"]["handler_errors"] == 0
    assert record["completeness"]["invalid_values"] == 0


def test_demo_shows_the_record(demo: Demo) -> None:
    # A line may end anywhere: compared without line breaks and columns.
    shown = " ".join(demo.process.stdout.split())
    record = demo.record
    for text in (
        record["session_id"],
        "success: meeting booked",
        "Thank you, John. Goodbye!",
        "[interrupted]",
        "get_quote error",
        "meeting_booked: yes",
        *record["conversation_notes"],
        "given at",
        f"{record['cost_summary']['total_estimated_cost']:.6f} USD",
        "recovered from",
    ):
        assert text in shown
    assert "system handoff: greeter to sales" in shown  # nobody said it


def test_demo_heeds_the_environment(tmp_path: Path) -> None:
    """A directory of one's own, and no words where they are switched off."""
    process = run(
        "offline_call",
        tmp_path,
        ANALYTICS_DIRECTORY="records",
        ANALYTICS_TRANSCRIPT="off",
        ANALYTICS_ENVIRONMENT="laptop",
    )

    assert process.returncode == 0, process.stderr
    (path,) = (tmp_path / "records").rglob("*.json.gz")
    record = json.loads(gzip.decompress(path.read_bytes()))
    assert record["transcript"] is None
    assert record["environment"] == "laptop"
    assert "ANALYTICS_TRANSCRIPT=on" in process.stdout
    assert not (tmp_path / "analytics").exists()


def test_demo_explains_a_wrong_setting(tmp_path: Path) -> None:
    process = run("offline_call", tmp_path, ANALYTICS_S3_BUCKET="s3://mine")

    assert process.returncode == 2
    assert "ANALYTICS_S3_BUCKET" in process.stdout
    assert "Traceback" not in process.stderr


def test_summary_of_a_call_of_which_nothing_is_known() -> None:
    """The emptiest record of the schema: what is unknown is called so, and not zero."""
    fields = SessionRecord.model_fields
    known: dict[str, Any] = {name: None for name in fields if fields[name].is_required()}
    moment = datetime(2026, 11, 22, tzinfo=timezone.utc)
    cost = {"kind": "llm", "provider": "p", "model": "m", "unit": "input_token", "quantity": 3}
    record = SessionRecord(
        **{
            **known,
            "session_id": "RM_1-AJ_1",
            "record_status": "partial",
            "plugin_version": "0",
            "sdk_version": "0",
            "environment": "test",
            "simulated": False,
            "start_time": moment,
            "end_time": moment,
            "duration_seconds": 0.0,
            "end_cause": "unknown",
            "metrics_summary": MetricsSummary(),
            "latency": Latency(),
            "costs": [Cost(**cost)],
            "unpriced": [{**cost, "reason": "no_rate"}],
            "cost_summary": {"total_estimated_cost": None, "currency": "USD", "complete": False},
        }
    )
    page = io.StringIO()
    show(Console(width=80, file=page), json.loads(line(record)))

    for text in (
        "Caller unknown",
        "The words were not kept",
        "No tool was called.",
        "Consent never asked",
        "Model calls not measured",
        "Total: unknown USD",
        "No price: llm p m: 3 input_token (no_rate)",
        "no close event was seen",
    ):
        assert text in " ".join(page.getvalue().split())


def test_basic_agent_can_be_sent_to_a_job_process() -> None:
    """What the framework pickles has to be found again by its name."""
    for function in (basic_agent.entrypoint, basic_agent.on_session_end, basic_agent.setup):
        assert pickle.loads(pickle.dumps(function)) is function


async def test_basic_agent_has_real_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_API_KEY", "key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "secret-of-thirty-two-characters-00")
    session = basic_agent.make_session()

    assert session.stt and session.stt.model == "deepgram/nova-3"
    assert session.tts and session.tts.model == "cartesia/sonic-3"
    tools = [t for t in basic_agent.SalesAgent().tools if isinstance(t, FunctionTool)]
    assert {tool.info.name for tool in tools} == {
        "book_sales_meeting",
        "record_consent",
        "save_requirements",
    }
    await session.aclose()


@pytest.mark.timeout(TIMEOUT + 30)
def test_call_through_livekit_shows_what_arrived(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    """The example starts servers of its own; the fixture is here for its skip."""
    process = run("livekit_call", tmp_path)

    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stderr == ""
    shown = " ".join(process.stdout.split())
    assert re.search(r"s3://acme-call-records/sessions/year=\d{4}/month=.*\.json\.gz", shown)
    assert "content-type application/gzip" in shown
    assert "content-encoding none" in shown
    assert "Ended caller_hung_up" in shown
    assert "[interrupted]" in shown
    assert 'end_cause "caller_hung_up"' in shown
    assert "\x1b" not in process.stdout
    assert list(tmp_path.iterdir()) == []
