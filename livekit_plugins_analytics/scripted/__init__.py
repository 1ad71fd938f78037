"""Scripted services for tests: a language model, speech-to-text and text-to-speech.

They are subclasses of the framework's own base classes, so retries, metrics, usage and error
events are the framework's own too. Nothing here talks to a network.
"""

from .llm import ScriptedLLM
from .reply import Reply, ToolCall, When
from .stt import ScriptedSTT, Transcript
from .tts import ScriptedTTS, Speech

__all__ = [
    "Reply",
    "ScriptedLLM",
    "ScriptedSTT",
    "ScriptedTTS",
    "Speech",
    "ToolCall",
    "Transcript",
    "When",
]
