"""What a model is to us: something that writes one text for one task, within a bound.

Adapters (LangChain, the offline editor) live in modules of their own; this one holds the shapes that they share.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from companions.attachments import Attachment
from companions.native_sessions import NativeSession
from companions.tool_calls import Tool, ToolCall

Step = Literal["draft", "critique", "revise"]
TaskStep = Literal["draft", "critique", "revise", "compare"]
"""What a model is asked for: a step, or which of two versions is better."""
ExecutionMode = Literal["server", "client", "offline"]
Role = Literal["system", "human", "ai", "tool"]
OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a prompt, with what stands beside its text.

    Attributes:
        answers: Of a tool, the id of the call that it answers.
        turn: Of a model that called tools, ``Written.turn``.
    """

    role: Role
    text: str
    attachments: tuple[Attachment, ...] = ()
    answers: str = ""
    turn: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a text is to be written; ``None`` leaves the choice to the companion's configuration.

    Attributes:
        model: ``provider:name``, or a bare name of the default provider.
        temperature: From 0 to 2.
        max_tokens: The most tokens a reply may have, at least 1.
        execution_mode: Who writes.
    """

    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    execution_mode: ExecutionMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One text to write.

    Attributes:
        step: What kind of text.
        messages: The whole prompt, for a language model.
        query: What the person asked.
        text: The current text that is criticised or revised; for a draft the text to start from, or "".
        critique: The critique to answer, for a revision.
        sampling: The choices in force for this call.
        native: How it is asked where its provider keeps the session; ``None`` where none is to.
        tools: What the model may call instead of writing.
        began: When the first of several calls for this text was made, in ``time.monotonic`` seconds: a model's bound
            counts from then. ``None`` where it is the only one.
    """

    step: TaskStep
    messages: tuple[Message, ...]
    query: str
    text: str = ""
    critique: str = ""
    sampling: Sampling = Sampling()
    native: NativeSession | None = None
    tools: tuple[Tool, ...] = ()
    began: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A text and how it came about.

    Attributes:
        text: The words; empty only beside calls of tools.
        model: What really wrote, as the provider names it.
        usage: Token counts as the provider reported them (``input_tokens``, ``output_tokens``, ...); empty if none.
        satisfied: A critic's structured verdict that nothing is left to improve.
        meta: Further JSON values to keep with the entry: finish reason, response metadata, seconds.
        calls: The tools that the model called: it wants their results before it goes on.
        turn: With calls, what it said in its provider's own terms, to be sent back with them.
    """

    text: str
    model: str
    usage: Mapping[str, int] = field(default_factory=dict[str, int])
    satisfied: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    calls: tuple[ToolCall, ...] = ()
    turn: object = None


class Model(Protocol):
    """Writes texts. Raises ``ModelError`` and its kind only, and always ends within its bound."""

    @property
    def name(self) -> str:
        """How it was asked for, such as ``openai:gpt-5-mini``."""
        ...

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        """Write the task's text; ``on_text`` hears each piece as it arrives."""
        ...
