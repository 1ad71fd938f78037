"""Stored transcripts as files: chats for a model, pages for a person, captions for a recording."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
import webvtt
from webvtt import Caption

from livekit_plugins_analytics.stored import stored
from livekit_plugins_analytics.transcripts import Export, Exported, Period
from tests.cli.conftest import Run

from .command import run_all
from .places import Folder, Place, name_of, record

HOSTILE = "a --> b\n\n<b>&amp; NOTE\r\n\r\nWEBVTT \x1b[2J\x00"


def item(role: str, text: str, second: float | None = 0.0, **more: Any) -> dict[str, Any]:
    at = None
    if second is not None:
        minutes, rest = divmod(second, 60)
        at = f"2026-10-29T14:{30 + int(minutes):02d}:{rest:06.3f}Z"
    return {"id": f"{role}-{second}", "role": role, "text": text, "at": at, **more}


def transcript(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"source": "session", "complete": True, "text": "", "items": list(items), **changes}


CALL = transcript(
    item("agent", "How can I help?", 0.5, agent="sales"),
    item("user", "A table, please.", 3.0),
    item("tool", "book: done: yes", 4.0),
    item("agent", "Booked.\nAnything else?", 6.25, agent="sales", interrupted=True),
    item("system", "handoff to billing", 7.0),
    item("user", "Grüße 🙂", 75.0, language="de", committed=False),
)


def exported(place: Place, folder: Path, format: Any, **arguments: Any) -> Exported:
    """Export the place's conversations to the folder."""
    return Export(stored(place.path), folder, format, **arguments).run()


def captions(path: Path) -> list[Caption]:
    """The cues, by a parser that is not ours and takes nothing malformed."""
    return webvtt.from_string(path.read_text("utf-8"), strict=True).captions


# -- for a model


def test_a_conversation_is_one_line_with_the_messages_of_a_chat(
    folder: Folder, tmp_path: Path
) -> None:
    folder.put(name_of("a"), record("a", "RM_a", transcript=CALL))
    folder.put(name_of("b"), record("b", "RM_b", transcript=transcript(complete=False)))
    folder.put(name_of("c"), record("c", "RM_c"))

    done = exported(folder, tmp_path / "out", "jsonl")

    assert done == Exported(conversations=2, turns=6, without_transcript=1)
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["transcripts.jsonl"]
    first, second = (tmp_path / "out/transcripts.jsonl").read_text("utf-8").splitlines()
    assert json.loads(first) == {
        "session_id": "a",
        "start_time": "2026-10-29T14:30:00.000Z",
        "agent_name": "sales",
        "outcome": "success",
        "source": "session",
        "complete": True,
        "messages": [
            {"role": "assistant", "content": "How can I help?"},
            {"role": "user", "content": "A table, please."},
            {"role": "tool", "content": "book: done: yes"},
            {"role": "assistant", "content": "Booked.\nAnything else?"},
            {"role": "system", "content": "handoff to billing"},
            {"role": "user", "content": "Grüße 🙂"},
        ],
    }
    assert json.loads(second)["messages"] == [] and json.loads(second)["complete"] is False


def test_a_transcript_by_itself_takes_agent_and_outcome_from_its_record(
    place: Place, tmp_path: Path
) -> None:
    document = {
        "schema_version": "1.0",
        "session_id": "a",
        "revision": 1,
        "room_sid": "RM_a",
        "agent_name": None,
        "start_time": "2026-10-29T14:30:00.000Z",
        "end_time": "2026-10-29T14:31:00.000Z",
        "transcript": CALL,
    }
    place.put(f"sessions/{name_of('a')}", record("a", "RM_a", transcript_uri="s3://x"))
    place.put(f"transcripts/{name_of('a')}", document)
    bare = {"session_id": "b", "revision": 1, "transcript": transcript(item("user", "Hi", None))}
    place.put(f"transcripts/{name_of('b')}", bare)

    variables = place.variables
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        done = exported(place, tmp_path / "out", "jsonl")

    assert (done.conversations, done.without_transcript, done.failed) == (2, 1, {})
    lines = (tmp_path / "out/transcripts.jsonl").read_text("utf-8").splitlines()
    first, second = map(json.loads, lines)
    assert (first["agent_name"], first["outcome"]) == ("sales", "success")
    assert (second["session_id"], second["start_time"], second["outcome"]) == ("b", None, None)


def test_a_run_that_is_broken_off_leaves_the_earlier_file(folder: Folder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder.put(name_of("a"), record("a", "RM_a", transcript=CALL))
    exported(folder, out, "jsonl")
    before = (out / "transcripts.jsonl").read_bytes()

    def broken(things: Any, title: str) -> Any:
        yield things[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Export(stored(folder.path), out, "jsonl").run(progress=broken)

    assert (out / "transcripts.jsonl").read_bytes() == before
    assert [each.name for each in out.iterdir()] == ["transcripts.jsonl"]


# -- for a person


def test_a_page_has_what_is_known_and_a_line_for_each_turn(folder: Folder, tmp_path: Path) -> None:
    folder.put(name_of("RM_a-AJ"), record("RM_a-AJ", "RM_a", transcript=CALL))

    exported(folder, tmp_path / "out", "text")

    assert (tmp_path / "out/RM_a-AJ.txt").read_text("utf-8") == (
        "Session: RM_a-AJ\n"
        "Start: 2026-10-29T14:30:00.000Z\n"
        "Agent: sales\n"
        "Outcome: success\n"
        "Source: session\n"
        "Complete: yes\n"
        "\n"
        "[00:00] Agent (sales): How can I help?\n"
        "[00:03] User: A table, please.\n"
        "[00:04] Tool: book: done: yes\n"
        "[00:06] Agent (sales): Booked.\n"
        "    Anything else? [interrupted]\n"
        "[00:07] System: handoff to billing\n"
        "[01:15] User: Grüße 🙂\n"
    )


def test_a_page_moves_no_cursor_and_knows_hours(folder: Folder, tmp_path: Path) -> None:
    late = {**item("user", HOSTILE), "at": "2026-10-29T15:31:05.000Z"}
    early = {**item("user", "before"), "at": "2026-10-29T14:29:59.000Z"}
    call = transcript(early, late, item("agent", "no time", None))
    folder.put(name_of("a"), record("a", "RM_a", transcript=call))

    exported(folder, tmp_path / "out", "text")

    page = (tmp_path / "out/a.txt").read_text("utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", page)
    assert "[00:00] User: before" in page
    assert "[1:01:05] User: a --> b" in page
    assert "[--:--] Agent: no time" in page


# -- for a player


def test_captions_are_what_was_said_with_who_said_it(folder: Folder, tmp_path: Path) -> None:
    folder.put(name_of("a"), record("a", "RM_a", transcript=CALL))

    done = exported(folder, tmp_path / "out", "vtt")

    assert done.turns == 6
    cues = captions(tmp_path / "out/a.vtt")
    assert [(cue.start, cue.end, cue.voice, cue.text) for cue in cues] == [
        # Until the next one begins, though no longer than slow reading takes.
        ("00:00:00.500", "00:00:03.000", "Agent (sales)", "How can I help?"),
        ("00:00:03.000", "00:00:06.250", "User", "A table, please."),
        ("00:00:06.250", "00:00:11.250", "Agent (sales)", "Booked.\nAnything else?"),
        # It began after the call's end: half a second.
        ("00:01:15.000", "00:01:15.500", "User", "Grüße 🙂"),
    ]


def test_the_last_caption_stays_until_the_end(folder: Folder, tmp_path: Path) -> None:
    long = "word " * 100  # 50 s of slow reading
    call = transcript(item("user", long, 0.0), item("agent", "Bye.", 58.0))
    folder.put(name_of("a"), record("a", "RM_a", transcript=call))

    exported(folder, tmp_path / "out", "vtt")

    cues = captions(tmp_path / "out/a.vtt")
    assert [(cue.start, cue.end) for cue in cues] == [
        ("00:00:00.000", "00:00:50.000"),
        ("00:00:58.000", "00:01:00.000"),
    ]


def test_captions_are_in_order_and_never_without_length(folder: Folder, tmp_path: Path) -> None:
    call = transcript(
        {**item("user", "early"), "at": "2026-10-29T14:29:00.000Z"},
        item("agent", "at once", 10.0),
        item("user", "at the same time", 10.0),
        item("agent", "without a time", None),
        item("user", "out of order", 9.0),
        item("user", "  \n ", 11.0),
    )
    folder.put(name_of("a"), record("a", "RM_a", transcript=call))

    exported(folder, tmp_path / "out", "vtt")

    cues = captions(tmp_path / "out/a.vtt")
    starts = [cue.start_in_seconds for cue in cues]
    assert [cue.text for cue in cues] == [
        "early",
        "out of order",
        "at once",
        "at the same time",
        "without a time",
    ]
    assert starts == sorted(starts) and cues[0].start == "00:00:00.000"
    assert all(cue.start < cue.end for cue in cues)


def test_no_words_break_a_caption(folder: Folder, tmp_path: Path) -> None:
    call = transcript(
        item("user", HOSTILE, 1.0),
        item("agent", "after --> it", 2.0, agent="a>b & <c>\n\n00:00 --> 00:01"),
    )
    hostile = record("x --> y\n\n1", "RM_a", transcript=call)
    folder.put(name_of("a"), hostile)

    exported(folder, tmp_path / "out", "vtt")

    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "x----y-1.vtt"
    raw = path.read_text("utf-8")
    assert raw.count("-->") == 2 and "\x1b" not in raw and "\x00" not in raw
    first, second = captions(path)
    assert first.raw_text.splitlines()[0] == "<v User>a --&gt; b"
    assert "&lt;b&gt;&amp;amp; NOTE" in first.raw_text
    assert "after --&gt; it" in second.raw_text
    assert second.raw_text.startswith("<v Agent (a&gt;b &amp; &lt;c&gt; 00:00 --&gt; 00:01)>")


def test_without_any_time_captions_follow_one_another(folder: Folder, tmp_path: Path) -> None:
    items = [item("user", "one", None), item("agent", "two", None)]
    folder.put("a.json", {"session_id": "a", "transcript": transcript(*items)})

    exported(folder, tmp_path / "out", "vtt")

    assert [(cue.text, cue.start) for cue in captions(tmp_path / "out/a.vtt")] == [
        ("one", "00:00:00.000"),
        ("two", "00:00:00.000"),
    ]


def test_hours_and_nothing_at_all(folder: Folder, tmp_path: Path) -> None:
    late = {**item("user", "still here"), "at": "2026-10-30T18:30:00.999Z"}
    folder.put(name_of("a"), record("a", "RM_a", transcript=transcript(late)))
    folder.put(name_of("b"), record("b", "RM_b", transcript=transcript()))

    exported(folder, tmp_path / "out", "vtt")

    (cue,) = captions(tmp_path / "out/a.vtt")
    assert cue.start == "28:00:00.999"
    assert captions(tmp_path / "out/b.vtt") == []


# -- names, periods, what cannot be read


def test_names_are_safe_and_nobody_elses(folder: Folder, tmp_path: Path) -> None:
    ids = ["../../etc/x", "A", "a", "a", "con", "--", "nul.txt"]
    for number, session_id in enumerate(ids):
        folder.put(f"{number}.json", record(session_id, "RM", transcript=CALL))

    exported(folder, tmp_path / "deep/out", "text")

    assert sorted(each.name for each in (tmp_path / "deep/out").iterdir()) == [
        "A.txt",
        "a-2.txt",
        "a-3.txt",
        "etc-x.txt",
        "session-con.txt",
        "session-nul.txt.txt",
        "session.txt",
    ]


def test_a_period_is_by_the_start_of_the_call(folder: Folder, tmp_path: Path) -> None:
    for day in ("28", "29", "30"):
        start = f"2026-10-{day}T00:00:00.000Z"
        made = record(f"s-{day}", "RM", transcript=CALL, start_time=start)
        folder.put(name_of(f"s-{day}", day), made)
    folder.put("year=2026/month=09/day=01/broken.json.gz", b"broken")
    folder.put("timeless.json", {"session_id": "t", "transcript": transcript()})

    period = Period.parse("2026-10-29", "2026-10-30T00:00:00Z")
    done = exported(folder, tmp_path / "out", "text", period=period)

    assert done == Exported(conversations=1, turns=6)
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["s-29.txt"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\x1f\x8bnonsense", "no session record"),
        (gzip.compress(b'{"some": "json"}'), "no session record"),
        ({"session_id": "x", "transcript": "words"}, "no items"),
        ({"session_id": "x", "transcript": {"items": "words"}}, "no items"),
        ({"session_id": "x", "transcript": {"items": [{"role": "user"}]}}, "no text"),
        ({"session_id": "x", "transcript": {"items": [{"role": "x", "text": ""}]}}, "no role"),
        ({"session_id": "x", "transcript": {"items": [3]}}, "no text"),
    ],
    ids=["no-gzip", "no-record", "words", "no-items", "no-text", "no-role", "no-item"],
)
def test_what_cannot_be_read_is_named_and_passed_over(
    folder: Folder, tmp_path: Path, body: Any, why: str
) -> None:
    folder.put(name_of("a"), body)
    folder.put(name_of("b"), record("b", "RM", transcript=CALL))

    done = exported(folder, tmp_path / "out", "text")

    assert (done.conversations, list(done.failed)) == (1, [folder.named(name_of("a"))])
    assert why in done.failed[folder.named(name_of("a"))]
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["b.txt"]


@pytest.mark.parametrize("format", ["jsonl", "text", "vtt"])
def test_half_a_character_is_written_too(folder: Folder, tmp_path: Path, format: str) -> None:
    body = json.dumps(record("a", "RM", transcript=transcript(item("user", "\ud83d half"))))
    folder.put("a.json", body.encode())

    assert exported(folder, tmp_path / "out", format).conversations == 1

    (path,) = (tmp_path / "out").iterdir()
    assert "half" in path.read_text("utf-8")


# -- the command


def test_the_command_writes_shows_progress_and_counts(
    run: Run, place: Place, tmp_path: Path
) -> None:
    place.put(name_of("a"), record("a", "RM_a", transcript=CALL))
    place.put(name_of("b"), record("b", "RM_b"))
    place.put(name_of("c"), b"broken")

    done = run(
        "transcripts", "export", place.path, "-o", "out", "--format", "vtt", **place.variables
    )

    assert done.code == 1
    assert done.out == (
        "out: 1 conversations with 6 turns; 1 records without a transcript, 1 failed\n"
    )
    assert "Exporting" in done.err and f"{place.named(name_of('c'))}: no session record" in done.err
    assert len(captions(tmp_path / "out/a.vtt")) == 4


def test_the_command_for_programs_and_with_wrong_arguments(folder: Folder, tmp_path: Path) -> None:
    folder.put(name_of("a"), record("a", "RM_a", transcript=CALL))
    (tmp_path / "file").write_bytes(b"")
    export = ["transcripts", "export", folder.path]

    right, nothing, folderless, unknown, dateless = run_all(
        [
            [*export, "-o", "out", "--json", "--since", "2026-10-29"],
            [*export, "-o", "out", "--until", "2020-01-01"],
            [*export, "-o", "file/out"],
            [*export, "-o", "out", "--format", "srt"],
            [*export, "-o", "out", "--since", "soon"],
        ],
        tmp_path,
        "",
    )

    assert right.code == 0
    assert right.json == {
        "folder": "out",
        "format": "jsonl",
        "conversations": 1,
        "turns": 6,
        "without_transcript": 0,
        "failed": [],
    }
    for done, message in (
        (nothing, "nothing of this period"),
        (folderless, "file/out"),
        (unknown, "srt"),
        (dateless, "--since: 'soon' is no date"),
    ):
        assert done.code == 2 and message in done.err
