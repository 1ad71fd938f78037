"""Streams of a room become lines: the last text of a segment, in order, bounded."""

from __future__ import annotations

import json

from livekit_plugins_analytics.redaction import Masks, redactor
from livekit_plugins_analytics.transcripts.conversation import Conversation

TEXT_LIMIT = 16_384


def say(conversation: Conversation, segment: str, who: str, text: str, at: float = 1.0) -> None:
    """One whole segment."""
    grow = conversation.opened(segment, who, at)
    if grow:
        grow(text)
    conversation.ended(segment, True)


def test_a_stream_that_grows_is_one_line() -> None:
    conversation = Conversation()
    conversation.agent("bot", "sales")
    grow = conversation.opened("s1", "bot", 1.0)
    assert grow
    for piece in ("Hel", "lo ", "there"):
        grow(piece)
    assert conversation.unfinished == 1
    conversation.ended("s1", True)

    transcript = conversation.transcript(complete=True)
    (item,) = transcript.items
    assert (item.id, item.role, item.text, item.agent) == ("s1", "agent", "Hello there", "sales")
    assert transcript.text == "Agent: Hello there"
    assert transcript.complete
    assert conversation.unfinished == 0


def test_updates_of_a_segment_replace_each_other_and_a_late_one_changes_nothing() -> None:
    conversation = Conversation()
    first = conversation.opened("s1", "caller", 1.0)
    second = conversation.opened("s1", "caller", 2.0)
    assert first and second
    first("I wa")
    second("I want to book")
    first("nt")
    conversation.ended("s1", False)
    assert conversation.unfinished == 1
    conversation.ended("s1", True)

    (item,) = conversation.transcript(complete=True).items
    assert (item.role, item.text) == ("user", "I want to book")
    assert item.at and item.at.timestamp() == 1.0


def test_lines_stand_in_the_order_in_which_they_began() -> None:
    conversation = Conversation()
    say(conversation, "late", "caller", "second", 2.0)
    say(conversation, "early", "caller", "first", 1.0)

    assert [i.text for i in conversation.transcript(complete=True).items] == ["first", "second"]


def test_several_callers_are_told_apart_without_their_identities() -> None:
    conversation = Conversation()
    conversation.agent("bot", None)
    say(conversation, "1", "sip_+4930123456", "hi", 1.0)
    say(conversation, "2", "bot", "hello both", 2.0)
    say(conversation, "3", "sip_+4930999999", "hey", 3.0)

    transcript = conversation.transcript(complete=True)
    assert transcript.text == "User 1: hi\nAgent: hello both\nUser 2: hey"
    assert "+49" not in transcript.model_dump_json()


def test_who_turns_out_to_be_an_agent_later_was_one_all_along() -> None:
    conversation = Conversation()
    say(conversation, "1", "bot", "hello")
    conversation.agent("bot", "sales")

    assert [i.role for i in conversation.transcript(complete=True).items] == ["agent"]
    assert conversation.agent_name == "sales"
    assert conversation.counts() == {"agent": 1, "user": 0}


def test_words_that_come_as_json_with_their_times_are_text() -> None:
    conversation = Conversation()
    words = [{"text": "Good ", "start_time": 0.1}, {"text": "day", "start_time": 0.4}]
    say(conversation, "1", "bot", "".join(json.dumps(word) + "\n" for word in words))
    say(conversation, "2", "bot", "{braces} are said too")

    texts = [i.text for i in conversation.transcript(complete=True).items]
    assert texts == ["Good day", "{braces} are said too"]


def test_noise_without_words_is_no_line() -> None:
    conversation = Conversation()
    say(conversation, "1", "caller", "  ")

    assert conversation.transcript(complete=True).items == []


def test_a_long_line_is_cut_and_the_transcript_says_that_it_is_not_whole() -> None:
    conversation = Conversation()
    say(conversation, "1", "caller", "x" * 100_000)

    transcript = conversation.transcript(complete=True)
    assert len(transcript.items[0].text) == TEXT_LIMIT
    assert not transcript.complete


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    conversation = Conversation()
    say(conversation, "1", "caller", "x" * TEXT_LIMIT)

    assert conversation.transcript(complete=True).complete


def test_what_is_beyond_the_number_of_lines_is_counted() -> None:
    conversation = Conversation(lines=2)
    for number in range(4):
        say(conversation, str(number), "caller", "hi", number)

    transcript = conversation.transcript(complete=True)
    assert [i.id for i in transcript.items] == ["0", "1"]
    assert conversation.dropped == 2
    assert not transcript.complete


def test_what_is_beyond_all_characters_is_cut() -> None:
    conversation = Conversation(characters=10)
    say(conversation, "1", "caller", "123456")
    say(conversation, "2", "caller", "123456")
    say(conversation, "3", "caller", "123456")

    transcript = conversation.transcript(complete=True)
    assert [i.text for i in transcript.items] == ["123456", "1234"]
    assert not transcript.complete


def test_updates_give_their_room_back() -> None:
    """A caller's line is sent again with each word: a hundred updates count once."""
    conversation = Conversation(characters=10)
    for _ in range(100):
        say(conversation, "1", "caller", "12345")

    assert conversation.transcript(complete=True).complete


def test_what_is_masked_is_masked_in_every_line_with_what_was_said_before_in_mind() -> None:
    conversation = Conversation()
    say(conversation, "1", "caller", "mail john@acme.com", 1.0)
    say(conversation, "2", "caller", "I said john@acme.com, not joan@acme.com", 2.0)
    masks = Masks(redactor("email"))

    transcript = conversation.transcript(complete=True, masks=masks)
    assert [i.text for i in transcript.items] == [
        "mail [email-1]",
        "I said [email-1], not [email-2]",
    ]
    assert "acme" not in transcript.model_dump_json()
    assert masks.counts == {"email": 3}
