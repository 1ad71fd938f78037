"""What a scripted language model says: replies, tool calls and the rules that choose them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from livekit.agents import llm, utils

__all__ = ["Reply", "ReplyLike", "ToolCall", "When", "count_words"]


def count_words(text: str) -> int:
    """Count the words of a text, the stand-in for tokens wherever a script names no number."""
    return len(text.split())


@dataclass(frozen=True)
class ToolCall:
    """A request to run one function tool.

    Example:
        ```python
        ToolCall("book_meeting", {"day": "Monday"})
        ```
    """

    name: str
    """Name of the tool, as the agent declares it."""
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    """Arguments as a mapping, or as the raw JSON text (which may be malformed on purpose)."""
    _: KW_ONLY
    call_id: str | None = None
    """Id of the call. `None` makes a new one for every request."""

    @property
    def arguments_json(self) -> str:
        """The arguments as the text a provider would send."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)

    def to_framework(self) -> llm.FunctionToolCall:
        """Make the framework's own object for this call."""
        return llm.FunctionToolCall(
            name=self.name,
            arguments=self.arguments_json,
            call_id=self.call_id or utils.shortuuid("call_"),
        )


@dataclass(frozen=True)
class Reply:
    """One answer of a scripted language model.

    Example:
        ```python
        Reply(
            "One moment.",
            tool_calls=[ToolCall("book_meeting", {"day": "Monday"})],
            then="You are booked for Monday.",
            prompt_tokens=120,
            completion_tokens=18,
        )
        ```
    """

    text: str = ""
    """What is said. It may be empty when there are tool calls."""
    _: KW_ONLY
    tool_calls: Sequence[ToolCall] = ()
    """Tools to run, sent together after the text."""
    then: Reply | str | Exception | None = None
    """Answer to the results of these tool calls. `None` takes the next answer of the script."""
    ttft: float | None = None
    """Seconds until the first chunk. `None` takes the model's setting."""
    token_delay: float | None = None
    """Seconds between two chunks of one word each. `None` takes the model's setting."""
    prompt_tokens: int | None = None
    """Tokens of the prompt, cached ones included. `None` counts the words of the conversation."""
    cached_tokens: int = 0
    """How many of the prompt tokens the provider had in its cache."""
    completion_tokens: int | None = None
    """Tokens of the answer. `None` counts the words of the text and of the tool calls."""
    error: Exception | None = None
    """Raised after the text, in place of tool calls and usage: an answer that breaks off."""

    def usage(self, chat_ctx: llm.ChatContext) -> llm.CompletionUsage:
        """Return the token counts of this answer to a conversation."""
        prompt = self.prompt_tokens
        if prompt is None:
            prompt = max(sum(map(_item_words, chat_ctx.items)), self.cached_tokens)
        completion = self.completion_tokens
        if completion is None:
            completion = count_words(self.text) + sum(
                count_words(f"{call.name} {call.arguments_json}") for call in self.tool_calls
            )
        return llm.CompletionUsage(
            prompt_tokens=prompt,
            prompt_cached_tokens=self.cached_tokens,
            cache_read_tokens=self.cached_tokens,
            completion_tokens=completion,
            total_tokens=prompt + completion,
        )


@dataclass(frozen=True)
class When:
    """A rule: this answer whenever the conversation's last input contains a text.

    Without `tool` the rule looks at what the user said last, and only while that is the newest
    input; with `tool` it looks at the result of that tool. So a rule for a user's words never
    answers the result of the tool call it made itself.

    Example:
        ```python
        ScriptedLLM(
            When("price", "It is ten euros."),
            When("declined", "Your card was declined.", tool="charge_card"),
            default="Could you say that again?",
        )
        ```
    """

    contains: str
    """Text to find, whatever its case. An empty one is found everywhere."""
    reply: Reply | str | Exception
    """The answer. An exception fails the request each time the rule matches."""
    _: KW_ONLY
    tool: str | None = None
    """Name of the tool whose result is looked at, in place of the user's words."""

    def matches(self, text: str, tool: str | None = None) -> bool:
        """Say whether this rule is about an input: the user's words, or a tool's result."""
        return tool == self.tool and self.contains.casefold() in text.casefold()


ReplyLike = Reply | str | Exception
"""An answer: a full one, just its text, or an exception that fails one attempt."""


def _item_words(item: llm.ChatItem) -> int:
    if item.type == "message":
        return count_words(item.text_content or "")
    if item.type == "function_call":
        return count_words(f"{item.name} {item.arguments}")
    if item.type == "function_call_output":
        return count_words(item.output)
    return 0
