"""Tools as values: what a model may call, a call that it made, and what came of that.

How models are asked with them is ``langchain_models``'s work, and when one is carried out ``tool_use``'s.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call, as a model made it.

    Attributes:
        id: By which its result is known to the provider.
        name: Of a tool, or whatever the model takes for one.
        arguments: ``None`` where what it sent is no JSON object.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came of a call.

    Attributes:
        text: What the model is told.
        kept: What stands of it in the entry; ``None`` is the text.
        failed: Whether it could not be carried out.
    """

    text: str
    kept: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What a model may call.

    Attributes:
        name: As a model says it.
        description: What it is for, in a sentence.
        parameters: The JSON Schema of its arguments, an object.
        use: Carries a call out. Raises nothing but ``CompanionsError``.
    """

    name: str
    description: str
    parameters: Mapping[str, Any] = field(hash=False)
    use: Callable[[ToolCall], Awaitable[ToolResult]]

    def offered(self) -> dict[str, Any]:
        """Give it as every integration of LangChain's takes it."""
        about = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": about}
