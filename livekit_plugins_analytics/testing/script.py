"""The place a scripted language model has reached in its script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livekit.agents import llm

from .reply import Reply, ReplyLike, When

__all__ = ["Script"]


@dataclass(frozen=True)
class _Asked:
    """The input a request is about: a user message, tool results, or neither."""

    ids: frozenset[str]
    """Ids of every item of the conversation but the user message itself."""
    user: llm.ChatMessage | None = None
    outputs: tuple[llm.FunctionCallOutput, ...] = ()

    @property
    def text(self) -> str:
        if self.user is not None:
            return self.user.text_content or ""
        return "\n".join(output.output for output in self.outputs)


class Script:
    """Chooses the answer to each request of one conversation.

    A real call does not ask in tidy order: the framework asks before the caller has finished and
    asks again when more words arrive, and it repeats failed attempts. A script therefore looks at
    the conversation it is asked about, not only at how often it was asked.
    """

    def __init__(self, items: Iterable[ReplyLike | When], default: ReplyLike | None) -> None:
        entries = list(items)
        self._rules = [entry for entry in entries if isinstance(entry, When)]
        self._ordered = [entry for entry in entries if not isinstance(entry, When)]
        self._default = default
        self._position = 0
        self._took_ordered = False
        self._last: _Asked | None = None
        self._answered: set[str] = set()
        self._follow_ups: dict[str, ReplyLike] = {}
        self.inputs: list[str] = []

    def next(self, chat_ctx: llm.ChatContext) -> Reply | Exception:
        """Return the answer to a request, or the exception its attempt has to fail with.

        Raises:
            LookupError: The script has no answer for this request.
        """
        asked = self._read(chat_ctx)
        self.inputs.append(asked.text)
        if self._took_ordered and self._is_asked_again(asked):
            self._position -= 1  # the earlier answer was never said

        self._took_ordered = False
        choice = self._choose(asked)
        if isinstance(choice, Exception):
            self._last, self._took_ordered = None, False
            return choice
        reply = Reply(choice) if isinstance(choice, str) else choice
        self._last = asked
        if reply.error is None:
            self._answered.update(output.id for output in asked.outputs)
            if asked.user is not None:
                self._answered.add(asked.user.id)
        return reply

    def expect_outputs(self, reply: Reply, calls: Iterable[llm.FunctionToolCall]) -> None:
        """Note the tool calls that were sent, so that their results get the reply's `then`."""
        if reply.then is not None:
            self._follow_ups.update((call.call_id, reply.then) for call in calls)

    def _read(self, chat_ctx: llm.ChatContext) -> _Asked:
        """Find the newest input that the agent has not dealt with yet."""
        ids = frozenset(item.id for item in chat_ctx.items)
        outputs: list[llm.FunctionCallOutput] = []
        agent_spoke = False
        for item in reversed(chat_ctx.items):
            answered = item.id in self._answered
            if item.type == "function_call_output":
                if answered and (agent_spoke or outputs):
                    break
                outputs.append(item)
                if answered:
                    break
            elif item.type == "message" and item.role == "assistant":
                agent_spoke = True
            elif item.type == "message" and item.role == "user":
                if outputs or (answered and agent_spoke):
                    break
                return _Asked(ids - {item.id}, user=item)
        return _Asked(ids, outputs=tuple(outputs))

    def _is_asked_again(self, asked: _Asked) -> bool:
        """Say whether this is the previous user turn, asked again with more of its words.

        The framework may ask before the turn is over. The user message of such a request never
        becomes part of the conversation when more words follow: a new message replaces it.
        """
        last = self._last
        if last is None or last.user is None or asked.user is None:
            return False
        return (
            asked.user.id != last.user.id
            and last.user.id not in asked.ids
            and last.ids <= asked.ids
            and asked.text.startswith(last.text)
        )

    def _choose(self, asked: _Asked) -> ReplyLike:
        for output in asked.outputs:
            for rule in self._rules:
                if rule.matches(output.output, output.name):
                    return rule.reply
        for output in asked.outputs:
            if output.call_id in self._follow_ups:
                return self._follow_ups[output.call_id]
        if asked.user is not None:
            for rule in self._rules:
                if rule.matches(asked.text):
                    return rule.reply
        if self._position < len(self._ordered):
            self._took_ordered = True
            self._position += 1
            return self._ordered[self._position - 1]
        if self._default is not None:
            return self._default
        raise LookupError(
            f"ScriptedLLM has no answer for request {len(self.inputs)}: add a reply, "
            "a When(...) rule that matches it, or default=..."
        )
