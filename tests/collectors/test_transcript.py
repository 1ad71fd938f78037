"""The transcript is what was said, once each and in order; a system prompt never is."""

from __future__ import annotations

import pytest
from livekit.agents import Agent, AgentSession, ChatMessage, UserInputTranscribedEvent
from livekit.agents.language import LanguageCode
from livekit.agents.llm import AudioContent, ImageContent

from livekit_plugins_analytics.collectors import transcript as module
from livekit_plugins_analytics.collectors.transcript import Words, in_order
from livekit_plugins_analytics.parts import Handoff, ToolCall, utc
from livekit_plugins_analytics.record import Transcript, TranscriptItem
from livekit_plugins_analytics.testing import ScriptedLLM
from livekit_plugins_analytics.transcription import transcript as written
from livekit_plugins_analytics.trim import TEXT_LIMIT, Trimmer

from .events import T, message


@pytest.fixture
def words() -> Words:
    return Words(Trimmer())


def transcript(words: Words, tools: list[ToolCall] | None = None) -> Transcript:
    return written(in_order(words.said), tools or [], finals=words.finals, dropped=words.dropped)[0]


def final(
    text: str, at: float, *, language: str | None = None, item_id: str | None = None
) -> UserInputTranscribedEvent:
    return UserInputTranscribedEvent(
        transcript=text,
        is_final=True,
        item_id=item_id,
        language=None if language is None else LanguageCode(language),
        created_at=T + at,
    )


def test_a_message_is_an_item_with_its_time_and_speaker(words: Words) -> None:
    words.on_message(message("assistant", "Hello.", at=1, id="item_1"), "greeter")
    words.on_message(message("user", "Hi.", at=2, id="item_2"), "greeter")

    result = transcript(words)

    assert result.items == [
        TranscriptItem(id="item_1", role="agent", text="Hello.", at=utc(T + 1), agent="greeter"),
        TranscriptItem(id="item_2", role="user", text="Hi.", at=utc(T + 2)),
    ]
    assert result.text == "Agent: Hello.\nUser: Hi."
    assert (result.source, result.complete) == ("session", True)


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_are_never_part_of_it(words: Words, role: str) -> None:
    words.on_message(message(role, "You are a secret agent."), None)

    assert words.said == []
    assert transcript(words).text == ""


def test_messages_are_in_time_order_however_they_come(words: Words) -> None:
    words.on_message(message("assistant", "second", at=2), None)
    words.on_message(message("user", "first", at=1), None)

    assert [i.text for i in transcript(words).items] == ["first", "second"]


def test_a_revision_takes_the_place_of_the_first_version(words: Words) -> None:
    words.on_message(message("user", "I need to book", at=1, id="item_1"), None)
    words.on_message(message("assistant", "Sure.", at=2), None)
    words.on_message(message("user", "I need two books", at=1, id="item_1"), None)

    assert [i.text for i in transcript(words).items] == ["I need two books", "Sure."]


def test_an_interrupted_message_says_so(words: Words) -> None:
    words.on_message(message("assistant", "I was say", interrupted=True), None)

    assert transcript(words).items[0].interrupted


def test_a_picture_is_named_and_not_embedded(words: Words) -> None:
    words.on_message(
        ChatMessage(role="user", content=[ImageContent(image="https://example.com/x.jpg")]), None
    )

    assert [i.text for i in transcript(words).items] == ["[image]"]


# -- language


def test_a_turn_has_the_language_heard_before_it(words: Words) -> None:
    words.on_final(final("Guten Tag", 0.5, language="de-DE"))
    words.on_message(message("user", "Guten Tag", at=1), None)
    words.on_final(final("Bitte", 1.5))
    words.on_message(message("user", "Bitte", at=2), None)
    words.on_message(message("assistant", "Hallo", at=3), None)
    words.on_final(final("Hello", 3.5, language="en"))
    words.on_message(message("user", "Hello", at=4), None)

    items = transcript(words).items
    assert [i.language for i in items] == ["de-DE", "de-DE", None, "en"]
    assert all(type(i.language) is str for i in items if i.language)


# -- latency


def test_an_item_has_the_latencies_of_its_turn(words: Words) -> None:
    words.on_message(
        message(
            "assistant",
            "Hello.",
            metrics={
                "e2e_latency": 0.8126,
                "llm_node_ttft": 0.3,
                "tts_node_ttfb": float("nan"),
                "started_speaking_at": T,
                "provider_request_ids": ["r"],
                "llm_metadata": {"model_name": "m"},
            },
        ),
        None,
    )

    assert transcript(words).items[0].latency == {"e2e_latency": 0.813, "llm_node_ttft": 0.3}


# -- tools


def tool(status: str, *, result: str | None = None, error: str | None = None) -> ToolCall:
    return ToolCall.model_validate(
        {
            "tool": "book",
            "timestamp": utc(T + 1.5),
            "call_id": "call_1",
            "status": status,
            "result": result,
            "error": error,
            "agent": "sales",
        }
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (tool("done", result="booked"), "book: done: booked"),
        (tool("done"), "book: done"),
        (tool("error", error="declined"), "book: error: declined"),
        (tool("cancelled"), "book: cancelled"),
    ],
)
def test_a_tool_call_stands_where_it_began_and_is_not_spoken(
    words: Words, call: ToolCall, text: str
) -> None:
    words.on_message(message("user", "Book it.", at=1), None)
    words.on_message(message("assistant", "Booked.", at=2), None)

    result = transcript(words, [call])

    assert [(i.role, i.text) for i in result.items] == [
        ("user", "Book it."),
        ("tool", text),
        ("agent", "Booked."),
    ]
    assert (result.items[1].id, result.items[1].agent) == ("call_1", "sales")
    assert result.text == "User: Book it.\nAgent: Booked."


# -- bounds


def test_a_text_that_was_cut_leaves_the_transcript_incomplete_each_time_it_is_made() -> None:
    trimmer = Trimmer()
    words = Words(trimmer)
    words.on_message(message("user", "x" * (TEXT_LIMIT + 1)), None)

    for _ in range(2):
        result, cut = written(in_order(words.said))

        assert cut == 1
        assert len(result.items[0].text) == TEXT_LIMIT
        assert not result.complete
    assert not trimmer.cuts


def test_a_lone_surrogate_is_replaced(words: Words) -> None:
    words.on_message(message("user", "a\ud800b"), None)

    assert transcript(words).items[0].text == "a\ufffdb"


def test_items_beyond_the_bound_are_counted_and_the_transcript_says_so(
    words: Words,
) -> None:
    for number in range(module._MAX_ITEMS + 2):
        words.on_message(message("user", "x", at=number, id=f"item_{number}"), None)
    words.on_message(message("user", "revised", at=0, id="item_0"), None)

    assert len(words.said) == module._MAX_ITEMS
    assert words.said[0].message.text_content == "revised"
    assert words.dropped == 2
    assert not transcript(words).complete


# -- in a real session


async def test_a_session_is_written_down_as_it_went() -> None:
    words = Words(Trimmer())
    model = ScriptedLLM("We are open.", "Good bye.")
    async with AgentSession[None](llm=model, vad=None) as session:
        session.on(
            "conversation_item_added",
            lambda e: words.on_message(e.item, "desk") if e.item.type == "message" else None,
        )
        await session.start(Agent(instructions="A secret."))
        await session.run(user_input="Are you open?")
        await session.run(user_input="Thanks.")

    result = transcript(words)
    assert result.text == (
        "User: Are you open?\nAgent: We are open.\nUser: Thanks.\nAgent: Good bye."
    )
    assert "secret" not in result.model_dump_json()
    assert "llm_node_ttft" in result.items[1].latency


# -- what was heard and not committed


def texts(words: Words) -> list[tuple[str, bool]]:
    return [(i.text, i.committed) for i in transcript(words).items]


def test_what_a_turn_has_is_told_once(words: Words) -> None:
    words.on_final(final("My number is 555.", 1))
    words.on_final(final("867 5309", 2))
    words.on_message(message("user", "My number is 555. 867 5309", at=1), None)
    assert texts(words) == [("My number is 555. 867 5309", True)]


def test_what_the_session_dropped_is_told(words: Words) -> None:
    words.on_message(message("assistant", "Please hold the line.", at=0), "desk")
    words.on_final(final("Cancel my order!", 1, language="en"))
    words.on_message(message("user", "Hello?", at=2, id="item_2"), None)
    words.on_final(final("Hello?", 2.5))
    words.on_message(message("assistant", "Hi.", at=3), "desk")
    words.on_final(final("and the last words", 4))

    assert texts(words) == [
        ("Please hold the line.", True),
        ("Cancel my order!", False),
        ("Hello?", True),
        ("Hi.", True),
        ("and the last words", False),
    ]
    heard = transcript(words).items[1]
    assert (heard.role, heard.id, heard.language) == ("user", "heard-1", "en")
    assert transcript(words).text.splitlines()[1] == "User: Cancel my order!"


def test_a_final_of_a_committed_item_is_no_other(words: Words) -> None:
    words.on_final(final("I need two boots", 1, item_id="item_1"))
    words.on_message(message("user", "We want something else", at=1, id="item_1"), None)
    assert texts(words) == [("We want something else", True)]


def test_without_words_there_is_nothing_to_hear(words: Words) -> None:
    words.on_final(final("", 1))
    assert words.finals == []
    deaf = Words(Trimmer(), finals=False)
    deaf.on_final(final("Hello", 1))
    assert deaf.finals == []


def test_finals_beyond_the_bound_are_counted(words: Words) -> None:
    for number in range(module._MAX_ITEMS + 1):
        words.on_final(final("x", number))
    assert (len(words.finals), words.dropped) == (module._MAX_ITEMS, 1)


def test_sound_is_its_words_or_is_named(words: Words) -> None:
    words.on_message(
        ChatMessage(
            role="user",
            content=[
                AudioContent(frame=[], transcript="Good day"),
                AudioContent(frame=[]),
                ImageContent(image="https://example.com/x.jpg"),
                "See?",
            ],
        ),
        None,
    )
    assert texts(words) == [("See?\nGood day\n[audio]\n[image]", True)]
    assert in_order(words.said)[0].words == 3


def test_a_handoff_stands_where_it_was(words: Words) -> None:
    words.on_message(message("user", "Sales, please", at=1), None)
    words.on_message(message("assistant", "Sales here.", at=3), "sales")
    handoff = Handoff(from_agent="greeter", to="sales", at=utc(T + 2))
    whole, _ = written(in_order(words.said), handoffs=[handoff])
    assert [(i.role, i.text) for i in whole.items] == [
        ("user", "Sales, please"),
        ("system", "handoff: greeter to sales"),
        ("agent", "Sales here."),
    ]
    assert whole.text == "User: Sales, please\nAgent: Sales here."
