"""A tool for tests of models that call some: it notes what it was asked and answers what a test says."""

from dataclasses import dataclass, field

from companions.tool_calls import Tool, ToolCall, ToolResult

WORD = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}


@dataclass(slots=True)
class LookUp:
    """What stands behind the tool.

    Attributes:
        answer: What every call of it gives.
        calls: What it was called with.
    """

    answer: str
    calls: list[ToolCall] = field(default_factory=list[ToolCall])

    @property
    def tool(self) -> Tool:
        return Tool(name="look_up", description="Look a word up.", parameters=WORD, use=self._use)

    async def _use(self, call: ToolCall) -> ToolResult:
        self.calls.append(call)
        return ToolResult(text=self.answer)
