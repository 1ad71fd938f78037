"""A language model that answers by script."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from livekit.agents import llm, utils
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)

from .reply import Reply, ReplyLike, When
from .script import Script

__all__ = ["ScriptedLLM"]

_WORD = re.compile(r"\s*\S+\s*")


class ScriptedLLM(llm.LLM[Any]):
    """A language model for tests: the framework's own base class, answering by script.

    Plain replies are given in order, one to each request: a user's turn, the results of tool calls
    or `generate_reply()`. `When` rules come first wherever they match and are never used up. An
    exception in the script fails one attempt, so the next item is what the framework's retry gets.
    A turn that the framework asks again because the caller went on speaking gets its reply again.

    Every answer reports its token counts as a provider does, so `session.usage` is exact. Use one
    object for one conversation.

    Args:
        *script: Replies in order (a `Reply`, its text, or an exception) and `When` rules.
        default: Answer to every request that nothing else answers.
        ttft: Seconds until the first chunk of an answer.
        token_delay: Seconds between two chunks of one word each.
        model: Model name in metrics and usage.
        provider: Provider name in metrics and usage.

    Example:
        ```python
        model = ScriptedLLM(
            "Hello, how can I help?",
            Reply(tool_calls=[ToolCall("book_meeting", {"day": "Monday"})], then="Booked."),
        )
        async with AgentSession(llm=model) as session:
            await session.start(MyAgent())
            await session.run(user_input="hi")
        ```
    """

    def __init__(
        self,
        *script: ReplyLike | When,
        default: ReplyLike | None = None,
        ttft: float = 0.0,
        token_delay: float = 0.0,
        model: str = "gpt-4o-mini",
        provider: str = "api.openai.com",
    ) -> None:
        super().__init__()
        self._script = Script(script, default)
        self._ttft = ttft
        self._token_delay = token_delay
        self._model = model
        self._provider = provider

    @property
    def model(self) -> str:
        """Model name in metrics and usage."""
        return self._model

    @property
    def provider(self) -> str:
        """Provider name in metrics and usage."""
        return self._provider

    @property
    def inputs(self) -> tuple[str, ...]:
        """What each attempt so far was asked: the user's words, or the results of its tools.

        An attempt without new input, as `generate_reply()` makes it, is an empty text.
        """
        return tuple(self._script.inputs)

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        """Answer a conversation with what the script has for it.

        The script decides alone: `parallel_tool_calls`, `tool_choice` and `extra_kwargs` have no
        effect.
        """
        return _ScriptedLLMStream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


class _ScriptedLLMStream(llm.LLMStream):
    def __init__(
        self,
        model: ScriptedLLM,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(model, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._model = model

    async def _run(self) -> None:
        model = self._model
        reply = model._script.next(self._chat_ctx)
        if isinstance(reply, Exception):
            raise reply

        await _pause(model._ttft if reply.ttft is None else reply.ttft)
        request_id = utils.shortuuid("scripted_llm_")
        await self._say(reply, request_id)
        if reply.error is not None:
            raise reply.error

        calls = [call.to_framework() for call in reply.tool_calls]
        if calls:
            model._script.expect_outputs(reply, calls)
            self._send(request_id, llm.ChoiceDelta(role="assistant", tool_calls=calls))
        self._event_ch.send_nowait(llm.ChatChunk(id=request_id, usage=reply.usage(self._chat_ctx)))

    async def _say(self, reply: Reply, request_id: str) -> None:
        delay = self._model._token_delay if reply.token_delay is None else reply.token_delay
        for number, word in enumerate(_WORD.findall(reply.text)):
            if number:
                await _pause(delay)
            self._send(request_id, llm.ChoiceDelta(role="assistant", content=word))

    def _send(self, request_id: str, delta: llm.ChoiceDelta) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id=request_id, delta=delta))


async def _pause(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
