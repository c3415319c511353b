"""A host's model as a script: it does only what replies say in ``next`` and ``instructions``, and knows no phases.

It reads one channel of a reply and never the other, as hosts do; what it writes is made from the instructions. What a
loop must come to is each test's own.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.wire.processes import Connection

Result = Any
"""FastMCP's result of a call; its own type is generic in what a tool's output schema says, and ours declare none."""
CALLS = 40
"""Calls after which a loop is taken for endless."""
OWN_PART = 1_500
CHANNEL_BYTES = 100_000
_NEXT = re.compile(r"Next: call (\w+) with (.*)")
_ARGUMENT = re.compile(r"(?:, )?(\w+)=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one channel of a reply tells a caller.

    Attributes:
        tool: What to call now; None at the end.
        writing: Whether the caller is to write the text.
        prompt: What to write, if so.
        seen: The whole channel.
    """

    tool: str | None
    arguments: Mapping[str, Any]
    writing: bool
    prompt: str
    seen: str


Channel = Callable[[Result], Told]


def structured(result: Result) -> Told:
    """Read the structured content alone."""
    body: dict[str, Any] = result.structured_content
    coming, prompt = body["next"], body.get("instructions", {})
    return Told(
        tool=coming["tool"],
        arguments=coming["arguments"],
        writing=body["status"] == "write",
        prompt=f"{prompt.get('system')}\n\n{prompt.get('user')}",
        seen=json.dumps(body, ensure_ascii=False),
    )


def prose(result: Result) -> Told:
    """Read the text alone: the last line that begins with ``Next:`` says what to call, and whether to write."""
    text = prose_of(result)
    last = [line for line in text.splitlines() if line.startswith("Next: ")][-1]
    found = _NEXT.match(last)
    if found is None:
        assert last.startswith("Next: nothing.")
        return Told(tool=None, arguments={}, writing=False, prompt="", seen=text)
    writing = last.endswith("Put what you wrote into text.")
    return Told(tool=found[1], arguments=_arguments(found[2]), writing=writing, prompt=text, seen=text)


def prose_of(result: Result) -> str:
    """Give the text channel, which is one block."""
    (block,) = result.content
    return block.text


def _arguments(words: str) -> dict[str, Any]:
    """Read ``name=json, name=json. Why.`` as a model would."""
    given: dict[str, Any] = {}
    while found := _ARGUMENT.match(words):
        given[found[1]], end = json.JSONDecoder().raw_decode(words, found.end())
        words = words[end:]
    return given


def write(prompt: str, number: int) -> str:
    """Make a text from its instructions, near enough to the one before to be a version of it."""
    asked = sum(prompt.encode()) % 1_000
    return f"The store keeps every step, so nothing is lost. This is text {number}, for a prompt of sum {asked}."


@dataclass(slots=True)
class ScriptedCaller:
    """Thinks a query through.

    Attributes:
        rounds: Critiques that it writes before it is satisfied.
        replies: All that it was answered.
        texts: All that it wrote, by tool.
    """

    client: Connection
    channel: Channel
    rounds: int = 2
    replies: list[Result] = field(default_factory=list[Result])
    texts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def think(self, query: str) -> Told:
        """Call draft, then whatever each reply says, until it names no tool."""
        told = await self._call("draft", {"query": query})
        while told.tool is not None:
            assert len(self.replies) < CALLS, f"no end after {CALLS} calls"
            told = await self._call(told.tool, {**told.arguments, **self._written(told)})
        return told

    def _written(self, told: Told) -> dict[str, Any]:
        if not told.writing:
            return {}
        if told.tool == "critique" and [tool for tool, _ in self.texts].count("critique") == self.rounds:
            return {"satisfied": True}
        text = write(told.prompt, len(self.texts))
        self.texts.append((str(told.tool), text))
        return {"text": text}

    async def _call(self, tool: str, arguments: dict[str, Any]) -> Told:
        result = await self.client.call_tool(tool, arguments)
        self.replies.append(result)
        assert_sized(result)
        return self.channel(result)


def assert_sized(result: Result) -> None:
    """Hold a step's reply to its limits: each channel at most 100 kB, its own part at most 1,500 characters."""
    body: dict[str, Any] = result.structured_content
    text, prompt = body.get("text", ""), body.get("instructions", {})
    whole, told = json.dumps(body, ensure_ascii=False), prose_of(result)
    own = json.dumps({name: value for name, value in body.items() if name not in {"text", "instructions"}})
    assert len(own) <= OWN_PART, own
    assert len(told) - len(text) - sum(map(len, prompt.values())) <= OWN_PART, told[-OWN_PART:]
    assert len(whole.encode()) <= CHANNEL_BYTES
    assert len(told.encode()) <= CHANNEL_BYTES
