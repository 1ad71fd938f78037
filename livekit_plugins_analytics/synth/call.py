"""One invented call: what is said and done in it, and the record of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..collectors.latency import latency
from ..collectors.transcript import Line, words_per_minute
from ..costs import UsageLine, price
from ..parts import Error, Handoff, Participant, Sip, StateChange, ToolCall, Usage, utc
from ..record import Completeness, Cost, MetricsSummary, Privacy, SessionRecord
from ..transcription import transcript
from ..version import __version__
from .business import DESKS, PEOPLE, Desk, Model, Stack, Tool
from .chance import Chance
from .ending import Ending, ending
from .interview import Interview, interview

# The longest call; talk of an hour is rare, and a record of 100 turns is long enough.
_MOST_TURNS = 60
# Speech, in characters a second.
_CHARACTERS = 13.0


@dataclass
class Invented:
    """A call while it goes on."""

    chance: Chance
    desk: Desk
    stack: Stack
    now: float
    """Unix seconds."""
    voice: bool
    lines: list[Line] = field(default_factory=list)
    tools: list[ToolCall] = field(default_factory=list)
    states: list[StateChange] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)
    realtime_ttfts: list[float] = field(default_factory=list)
    user_seconds: float = 0.0
    agent_seconds: float = 0.0
    silences: list[float] = field(default_factory=list)
    requests: int = 0
    interruptions: int = 0

    def user_says(self, text: str) -> None:
        """A turn of the caller's."""
        spoken = len(text) / _CHARACTERS if self.voice else 0.0
        self.now += spoken
        self.user_seconds += spoken
        metrics = {}
        if self.voice and self.stack.stt:
            heard = self.chance.around(self.stack.stt.seconds, self.stack.stt.spread)
            waited = heard + self.chance.around(0.35, 0.4)
            metrics = {"transcription_delay": heard, "end_of_turn_delay": waited}
        self._say("user", text, metrics)

    def agent_says(self, text: str, agent: str) -> None:
        """A reply, sometimes cut off."""
        chance, stack = self.chance, self.stack
        self.requests += 1
        # Now and then a vendor is slow.
        drag = chance.between(3, 8) if chance.happens(0.012) else 1.0
        ttft = chance.around(stack.llm.seconds, stack.llm.spread) * drag
        silence = ttft + chance.between(0.3, 0.9)
        metrics = {}
        if stack.realtime:
            self.realtime_ttfts.append(ttft)
        else:
            metrics["llm_node_ttft"] = ttft
        if self.voice and stack.tts:
            ttfb = chance.around(stack.tts.seconds, stack.tts.spread)
            before = self.lines[-1].metrics if self.lines else {}
            metrics["tts_node_ttfb"] = ttfb
            if "end_of_turn_delay" in before:
                silence = before["end_of_turn_delay"] + ttft + ttfb
                metrics["e2e_latency"] = silence
        elif self.voice and stack.realtime and self.lines:
            metrics["e2e_latency"] = silence
        self.now += silence
        self.silences.append(silence)
        cut = self.voice and bool(self.lines) and chance.happens(0.07)
        self._say("agent", text, metrics, agent, cut)
        spoken = len(text) / _CHARACTERS * (chance.between(0.2, 0.8) if cut else 1.0)
        self.interruptions += cut
        if self.voice:
            self.now += spoken
            self.agent_seconds += spoken

    def uses(self, tool: Tool, agent: str, person: str) -> None:
        """A tool call."""
        chance = self.chance
        took = chance.around(tool.seconds, 0.5)
        failed = chance.happens(tool.failing)
        cancelled = not failed and chance.happens(0.01)
        notes: dict[str, Any] = {}
        if tool.annotates and not failed and not cancelled:
            address = f"{person.split()[0].lower()}@example.com"
            notes = {"customer_name": person, "customer_email": address, "meeting_booked": True}
        self.requests += 1
        self.tools.append(
            ToolCall(
                tool=tool.name,
                timestamp=utc(self.now),
                call_id=f"call_{len(self.tools) + 1}",
                status="error" if failed else "cancelled" if cancelled else "done",
                duration_seconds=round(took, 3),
                arguments={tool.argument: chance.one(tool.values)},
                result=None if failed or cancelled else tool.result,
                error="An internal error occurred" if failed else None,
                agent=agent,
                **notes,
            )
        )
        self.now += took

    def enters(self, state: str) -> None:
        """A state of the conversation begins."""
        self.states.append(StateChange(state=state, at=utc(self.now)))

    def fails(self, component: str, kind: str, *, recoverable: bool) -> None:
        """A component reports a failure."""
        found = Error(component=component, type=kind, recoverable=recoverable, at=utc(self.now))
        self.errors.append(found)

    def _say(
        self,
        role: Any,
        text: str,
        metrics: dict[str, float],
        agent: str | None = None,
        cut: bool = False,
    ) -> None:
        self.lines.append(
            Line(
                id=f"item_{len(self.lines) + 1}",
                role=role,
                text=text,
                at=self.now,
                interrupted=cut,
                metrics=metrics,
                agent=agent,
                language="en" if role == "user" and self.voice else None,
                words=len(text.split()),
            )
        )


def call(chance: Chance, token: str, start: datetime) -> SessionRecord:
    """Invent a call.

    Args:
        chance: What decides.
        token: Twelve hexadecimal digits that all its ids are made of.
        start: When it begins, UTC; prices are those of that day.
    """
    desk = chance.weighted({d: d.share for d in DESKS})
    stack = chance.one(desk.stacks)
    phone = chance.happens(desk.sip)
    voice = phone or chance.happens(0.8)
    going = Invented(chance, desk, stack, start.timestamp(), voice)
    person = chance.one(PEOPLE)
    talk = interview(chance, desk, person)
    _go(going, talk, person)
    end = ending(chance)
    if end.cause == "error":
        going.fails("llm", "APIStatusError", recoverable=False)
    elif chance.happens(0.05):
        going.fails(chance.one(("tts", "llm", "stt")), "APIConnectionError", recoverable=True)
    return _record(going, talk, person, end, token, start, phone=phone)


def _go(going: Invented, talk: Interview, person: str) -> None:
    chance, desk = going.chance, going.desk
    agent = desk.first_agent or desk.agent
    going.now += chance.between(0.3, 1.2)
    going.enters(desk.states[0])
    going.agent_says(talk.greeting, agent)
    turns = min(max(round(chance.around(desk.median_turns, 0.6)), 1), _MOST_TURNS)
    for turn in range(turns):
        asked, answer = talk.exchange(turn)
        if turn == 1:
            agent = desk.agent
        # The caller thinks, and now and then looks for something.
        pause = chance.between(6, 25) if chance.happens(0.04) else chance.around(2.0, 0.7)
        going.now += pause
        going.silences.append(pause)
        going.user_says(answer)
        while chance.happens(0.22):
            going.uses(chance.one(desk.tools), agent, person)
        going.agent_says(asked, agent)
        reached = 1 + turn * (len(desk.states) - 1) // max(turns, 1)
        if reached < len(desk.states) and len(going.states) == reached:
            going.enters(desk.states[reached])


def _record(
    going: Invented,
    talk: Interview,
    person: str,
    end: Ending,
    token: str,
    start: datetime,
    *,
    phone: bool,
) -> SessionRecord:
    chance, desk = going.chance, going.desk
    lost = end.status != "final"
    closed = None if lost else going.now + chance.between(0.01, 0.6)
    duration = round(going.now - start.timestamp(), 3)
    metrics = _metrics(going, duration)
    usage = _usage(going, metrics)
    costs = price([UsageLine(**dict(each)) for each in usage], start)
    stages, _ = latency(
        going.lines, [t.duration_seconds or 0.0 for t in going.tools], going.realtime_ttfts
    )
    strict = chance.happens(0.03)
    words = None
    if not strict and chance.happens(0.3):
        words, _ = transcript(going.lines, going.tools)
    outcome = chance.weighted({"success": 0.55, "fail": 0.2, None: 0.25})
    consent = chance.weighted({True: 0.82, False: 0.06, None: 0.12})
    asked_at = None if consent is None else utc(start.timestamp() + 6)
    missing = [f"metrics_summary.{k}" for k, v in metrics if v is None]
    missing += ["closed_at"] * lost + ["end_time"] * (end.status == "recovered")
    missing += ["usage.cancelled_llm_calls"] * bool(metrics.cancelled_llm_calls)
    missing += ["cost_summary"] * (not costs.summary["complete"])
    values, signals = talk.heard({each.id: utc(each.at) for each in going.lines}, quote=not strict)
    handoffs = []
    if desk.first_agent and metrics.agent_turns > 2:
        at = going.lines[2].at
        handoffs = [Handoff(from_agent=desk.first_agent, to=desk.agent, at=utc(at))]
    return SessionRecord(
        session_id=f"RM_{token}-AJ_{token}",
        revision=2 if outcome and chance.happens(0.08) else 1,
        record_status=end.status,
        plugin_version=__version__,
        sdk_version=chance.one(("1.8.7", "1.8.9")),
        environment="staging" if chance.happens(0.07) else "production",
        simulated=False,
        job_id=f"AJ_{token}",
        room_name=f"call-{token}",
        room_sid=f"RM_{token}",
        agent_name=desk.agent,
        worker_id=f"AW_{int(chance.between(1, 9))}",
        trace_id=f"{token}{chance.digits(20)}" if chance.happens(0.6) else None,
        user_email=f"{person.split()[0].lower()}@example.com" if chance.happens(0.5) else None,
        user_metadata={"plan": chance.one(("free", "team", "enterprise"))},
        participants=[_caller(going, end, person, token, start, phone=phone)],
        start_time=start,
        end_time=utc(going.now),
        closed_at=None if closed is None else utc(closed),
        duration_seconds=duration,
        close_reason=end.close_reason,
        end_cause=end.cause,
        shutdown_reason=end.shutdown_reason,
        discovered_signals=values,
        signals=signals,
        signal_pack="sales@1",
        tool_calls=going.tools,
        metrics_summary=metrics,
        latency=stages,
        usage=usage,
        cost_summary=costs.figures(),
        costs=[Cost(**row) for row in costs.rows()],
        unpriced=[dict(each) for each in costs.unpriced],
        conversation_notes=[chance.one(_NOTES)] if chance.happens(0.3) else [],
        conversation_state=going.states[-1].state,
        state_history=going.states,
        consent_obtained=consent,
        consent_timestamp=asked_at,
        consent_method=None if consent is None else "verbal",
        outcome=outcome,
        outcome_reason=chance.one(_REASONS) if outcome == "fail" else None,
        tags=chance.some(("vip", "returning", "spanish", "escalated"), 2)
        if chance.happens(0.2)
        else [],
        handoffs=handoffs,
        errors=going.errors,
        transcript=words,
        privacy=Privacy(withheld=["transcript", "signals.text"] if strict else []),
        completeness=Completeness(
            close_event_seen=not lost,
            missing=missing,
            truncated={"tool_calls": 1} if chance.happens(0.01) else {},
            dropped_events=int(chance.happens(0.004)),
            handler_errors=int(chance.happens(0.003)),
            invalid_values=int(chance.happens(0.01)),
            lost_records_before=int(chance.happens(0.002)),
        ),
    )


_NOTES = (
    "Prefers mornings",
    "Frustrated with the manual process",
    "Asked for the security paper",
    "Will talk to the manager first",
)
_REASONS = ("no fit", "wrong number", "wanted a person", "hung up in the middle")


def _caller(
    going: Invented, end: Ending, person: str, token: str, start: datetime, *, phone: bool
) -> Participant:
    number = f"+1555{int(token[:6], 16) % 10_000_000:07d}"
    sip = None
    if phone:
        sip = Sip(
            call_id=f"SCL_{token}",
            phone_number=number,
            trunk_phone_number="+15550100",
            trunk_id="ST_main",
            rule_id="SDR_main",
        )
    return Participant(
        identity=f"sip_{number}" if phone else f"web-{token}",
        kind="sip" if phone else "standard",
        name=person if going.chance.happens(0.6) else None,
        joined_at=start,
        left_at=utc(going.now) if end.disconnect_reason else None,
        disconnect_reason=end.disconnect_reason,
        attributes={"sip.callStatus": "hangup"} if phone else {},
        sip=sip,
    )


def _metrics(going: Invented, duration: float) -> MetricsSummary:
    stack, voice, chance = going.stack, going.voice, going.chance
    agent = [line for line in going.lines if line.role == "agent"]
    tokens_in = sum(900 + 60 * i for i in range(going.requests))
    cached = int(tokens_in * chance.between(0.3, 0.7)) if going.requests > 2 else 0
    written = sum(len(line.text or "") for line in agent)
    user, spoken = round(going.user_seconds, 3), round(going.agent_seconds, 3)
    return MetricsSummary(
        total_llm_calls=going.requests,
        total_stt_duration=round(duration, 3) if voice and stack.stt else None,
        total_tts_duration=round(written / _CHARACTERS, 3) if voice and stack.tts else None,
        total_tts_characters=written if voice and stack.tts else None,
        total_input_tokens=tokens_in,
        total_cached_input_tokens=cached,
        total_output_tokens=written // 4 + 20 * len(going.tools),
        user_turns=len(going.lines) - len(agent),
        agent_turns=len(agent),
        interruptions=going.interruptions,
        false_interruptions=int(voice and chance.happens(0.1)),
        cancelled_llm_calls=going.interruptions,
        failed_llm_calls=int(any(error.component == "llm" for error in going.errors)),
        time_to_first_agent_speech=round(going.silences[0], 3) if voice else None,
        user_speaking_seconds=user if voice else None,
        agent_speaking_seconds=spoken if voice else None,
        silence_seconds=round(max(duration - user - spoken, 0.0), 3) if voice else None,
        longest_dead_air_seconds=round(max(going.silences), 3) if voice else None,
        user_words_per_minute=words_per_minute(going.lines, "user", user, 0) if voice else None,
        agent_words_per_minute=words_per_minute(going.lines, "agent", spoken, 0) if voice else None,
    )


def _usage(going: Invented, metrics: MetricsSummary) -> list[Usage]:
    stack = going.stack
    tokens: dict[str, int | float] = {
        "input_tokens": metrics.total_input_tokens or 0,
        "input_cached_tokens": metrics.total_cached_input_tokens or 0,
        "output_tokens": metrics.total_output_tokens or 0,
    }
    largest = 900 + 60 * max(going.requests - 1, 0)
    used = [_used(stack.llm, tokens).model_copy(update={"largest_request": largest})]
    if stack.stt and metrics.total_stt_duration is not None:
        heard = _used(stack.stt, {"audio_duration": metrics.total_stt_duration})
        used.append(heard.model_copy(update={"mode": "streaming"}))
    if stack.tts and metrics.total_tts_characters is not None:
        spoken = {"characters_count": metrics.total_tts_characters}
        used.append(_used(stack.tts, {**spoken, "audio_duration": metrics.total_tts_duration or 0}))
    return used


def _used(model: Model, quantities: dict[str, int | float]) -> Usage:
    return Usage(kind=model.kind, provider=model.provider, model=model.model, quantities=quantities)
