"""For tests of your own agents: scripted models, and a sink that keeps records in memory.

The models are subclasses of the framework's own base classes, so retries, metrics, usage and
error events are the framework's own too. Nothing here talks to a network, and nothing of the
package imports this at run time.

    memory = MemoryWriter()
    book = Reply(tool_calls=[ToolCall("book_meeting", {"day": "Monday"})], then="Booked.")
    session = AgentSession(llm=ScriptedLLM("Hello!", book), vad=None)
    recorder = analytics.attach(session, writers=[memory])
    await session.start(MyAgent())
    await session.run(user_input="Hi")
    await session.aclose()
    await recorder.delivered()
    assert memory.records[0]["tool_calls"] == []
"""

from ..writers.memory import MemoryWriter
from .llm import ScriptedLLM
from .reply import Reply, ToolCall, When
from .stt import ScriptedSTT, Transcript
from .tts import ScriptedTTS, Speech

__all__ = [
    "MemoryWriter",
    "Reply",
    "ScriptedLLM",
    "ScriptedSTT",
    "ScriptedTTS",
    "Speech",
    "ToolCall",
    "Transcript",
    "When",
]
