"""A model that may call tools while it writes: asked, told what its calls gave, and asked again, until it has a text.

It decides how many calls there are and what is kept of them. What a tool does is its own; that a model may spend so
much, and how long it may take, holds for each time it is asked, as it does without tools.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from companions import prompts
from companions.errors import CompanionsError, ToolCallError, ToolsRefusedError
from companions.falling_back import Outages
from companions.material import MATERIAL, material
from companions.models import Message, Model, OnText, Task, Written
from companions.tool_calls import ToolCall, ToolResult

MOST_CALLS = 4
"""Calls of tools for one text, whatever came of them."""
NAME_CHARACTERS = 64
ARGUMENT_CHARACTERS = 300
KEPT_CHARACTERS = 1_000
"""Characters of one result that are kept in the entry."""
TOLD_CHARACTERS = 8_000
"""Characters of one result that the model is told."""

CALLS = "tool_calls"
"""In a text's meta: the calls that its model made, each with ``name``, ``arguments`` (JSON as a text), ``result``, and
where it is so ``failed`` and ``left_out``, the characters of the result that are not kept."""
ROUNDS = "rounds"
"""Likewise: what each time that the model was asked came to; ``usage`` beside them is their sum."""
WITHOUT = "without_tools"
"""Likewise: why it was asked without tools, of which it might have had some."""

_OF_EACH = frozenset({"response_metadata", "sampling", "not_sent", "filters"})
"""What is told of a text and not of each time that its model was asked."""
_ONE_TOO_MANY = f"This call was not carried out: {MOST_CALLS} are allowed."

_NOT_AGAIN = "It has not been asked with tools since."

Drop = Callable[[Sequence[Written]], None]
"""Is told what a model wrote that nothing stored will tell of."""


@dataclass(slots=True)
class ToolRefusals(Outages):
    """The models whose providers refused tools some minutes ago and took the same request without: none are offered."""

    seconds: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUser:
    """A model whose calls of tools are carried out.

    Attributes:
        model: Who writes.
        each: What its ``meta`` tells of one time that it is asked and would not hold for several.
        drop: Hears of what it used where it fails in the end.
        refusals: Shared by all that ask the same models.
    """

    model: Model
    each: frozenset[str] = frozenset()
    drop: Drop = lambda _: None
    refusals: ToolRefusals = field(default_factory=ToolRefusals)

    @property
    def name(self) -> str:
        """How the model was asked for."""
        return self.model.name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        """Have it write, with tools if the task has any; see ``Model.write``."""
        if not task.tools:
            return await self.model.write(task, on_text)
        talk = _Talk(self.model, replace(task, began=time.monotonic()), on_text, self.each, self.refusals)
        try:
            return await talk.write()
        except BaseException:
            self.drop(talk.rounds)
            raise


@dataclass(slots=True)
class _Talk:
    """One text, and all that was said until it was there."""

    model: Model
    task: Task
    on_text: OnText | None
    each: frozenset[str]
    refusals: ToolRefusals
    rounds: list[Written] = field(default_factory=list[Written])
    _made: list[tuple[ToolCall, ToolResult]] = field(default_factory=list[tuple[ToolCall, ToolResult]])
    _first_words: float | None = None

    async def write(self) -> Written:
        refusal, messages = None, self.task.messages
        why = self.refusals.of(self.model.name)
        while why is None and len(self._made) < MOST_CALLS:
            try:
                written = await self._ask(replace(self.task, messages=messages))
            except (ToolsRefusedError, ToolCallError) as error:
                refusal, why = error, error.what
                break
            if not written.calls:
                return self._told(written, None)
            messages = (*messages, *await self._answers(written))
        # Every model takes that: the same question, with what was found out in it.
        found = [(_as_text(call), _clean(result.text, TOLD_CHARACTERS)) for call, result in self._made]
        asked = prompts.with_results(self.task.messages, found) if found else self.task.messages
        written = await self._ask(replace(self.task, messages=asked, tools=()))
        # Whoever has answered a round takes tools: what was refused then is something else.
        if isinstance(refusal, ToolsRefusedError) and refusal.status is not None and len(self.rounds) == 1:
            self.refusals.note(self.model.name, f"{refusal.what} {_NOT_AGAIN}")
        return self._told(written, why)

    async def _ask(self, task: Task) -> Written:
        begun = time.monotonic()
        written = await self.model.write(task, self.on_text)
        self.rounds.append(written)
        if self._first_words is None and (first := written.meta.get("first_token_seconds")) is not None:
            self._first_words = round(begun - (self.task.began or begun) + first, 6)
        return written

    async def _answers(self, written: Written) -> list[Message]:
        """Carry a reply's calls out, and give the reply and what they gave as the next messages."""
        messages = [Message("ai", written.text, turn=written.turn)]
        for call in written.calls:
            if len(self._made) < MOST_CALLS:
                self._say(call)
                result = await self._used(call)
                self._made.append((call, result))
            else:
                result = ToolResult(text=_ONE_TOO_MANY, failed=True)
            said = [("result", _clean(result.text, TOLD_CHARACTERS))]
            messages.append(Message("tool", material(said, MATERIAL), answers=call.id))
        return messages

    def _say(self, call: ToolCall) -> None:
        """Let whoever listens know what is waited for; a name that is no tool's is the model's invention."""
        if self.on_text is not None:
            known = {tool.name for tool in self.task.tools}
            self.on_text(f"\n\n[It calls {call.name if call.name in known else 'a tool that does not exist'}.]\n\n")

    async def _used(self, call: ToolCall) -> ToolResult:
        for tool in self.task.tools:
            if tool.name == call.name:
                try:
                    return await tool.use(call)
                except CompanionsError as error:
                    return ToolResult(text=str(error), kept=error.what, failed=True)
        known = ", ".join(tool.name for tool in self.task.tools)
        return ToolResult(text=f"There is no such tool; there are {known}.", failed=True)

    def _told(self, written: Written, why: str | None) -> Written:
        """Give the last reply as the text that all of them came to, with what each used."""
        meta: dict[str, Any] = {**written.meta}
        usage = dict(written.usage)
        if self._made:
            meta[CALLS] = [_kept(call, result) for call, result in self._made]
        if why is not None:
            meta[WITHOUT] = why
        if len(self.rounds) > 1:
            usage = _usage(self.rounds)
            meta = {name: value for name, value in meta.items() if name not in self.each}
            meta |= {name: _sum(name, self.rounds) for name in ("seconds", "retries") if name in written.meta}
            meta[ROUNDS] = [_round(each) for each in self.rounds]
        if self._first_words is not None:
            meta["first_token_seconds"] = self._first_words
        return replace(written, usage=usage, meta=meta)


def _round(written: Written) -> dict[str, Any]:
    told = {name: value for name, value in written.meta.items() if name not in _OF_EACH}
    return told | {"model": written.model, "usage": dict(written.usage)}


def _usage(rounds: Sequence[Written]) -> dict[str, int]:
    counted = Counter[str]()
    for each in rounds:
        counted.update(each.usage)
    return dict(counted)


def _sum(name: str, rounds: Sequence[Written]) -> float:
    return round(sum(each.meta.get(name) or 0 for each in rounds), 6)


def _kept(call: ToolCall, result: ToolResult) -> dict[str, Any]:
    text = _sound(result.text if result.kept is None else result.kept)
    told: dict[str, Any] = {
        "name": _clean(call.name, NAME_CHARACTERS),
        "arguments": _clean(_json(call.arguments), ARGUMENT_CHARACTERS),
        "result": text[:KEPT_CHARACTERS],
    }
    if len(text) > KEPT_CHARACTERS:
        told["left_out"] = len(text) - KEPT_CHARACTERS
    return told | ({"failed": True} if result.failed else {})


def _as_text(call: ToolCall) -> str:
    return f"{_clean(call.name, NAME_CHARACTERS)} {_clean(_json(call.arguments), ARGUMENT_CHARACTERS)}"


def _json(arguments: Mapping[str, Any] | None) -> str:
    return "not readable" if arguments is None else json.dumps(arguments, ensure_ascii=False, default=str)


def _clean(text: str, most: int) -> str:
    sound = _sound(text)
    if len(sound) <= most:
        return sound
    return f"{sound[:most]}\n[{len(sound) - most:,} further characters not shown]"


def _sound(text: str) -> str:
    """Give a text that every store and every wire can carry; a model can put anything into its calls."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
