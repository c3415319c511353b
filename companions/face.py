"""Companions for use from Python: callables and LangChain runnables that think a question through.

It gives a companion in memory its attributes and its LangChain side: what it is asked with, whose turn it is, what is
shown of it. The thinking itself is ``in_memory``'s and the modules' that this one calls; nothing outlives the process.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig

from companions import langchain_messages
from companions.companion import Companion
from companions.companion_settings import RULES
from companions.companion_types import Library
from companions.configuration import Configuration, Defaults
from companions.errors import InputError
from companions.in_memory import InMemory, Thought
from companions.models import ExecutionMode, Model, Sampling
from companions.threaded_chat import sides
from companions.turns import Turns, run_now

# What an attribute is called in a companion's file, where the rules for its values are.
_IN_FILE = {
    "similarity_threshold": "similarity_threshold",
    "max_loops": "max_iterations",
    "clear_history": "clear_history",
}
_SHIPPED = Library.load(None)


class ThinkingCompanion(Runnable[Any, Any]):
    """Drafts, criticises and revises until its thinking has ended, and remembers what it was asked.

    A call opens a slot and returns its answer. If a step fails, the steps before it are kept, and the same question
    asked again goes on behind them. Calls on one companion run one after another.

    It takes a question as ``str``, a prompt's value or a list of messages, and returns a ``str``; or a mapping with
    ``messages``, and returns ``{"messages": [AIMessage(answer)]}``, so that it is a LangGraph node as it stands. What
    it remembers is one conversation's: give each conversation a companion of its own.

    Args:
        llm: A LangChain chat model, or ``"offline"`` for the rule-based editor, which improves the text it is given.
        similarity_threshold: From 0 to 1, the share of words from which two versions count as the same.
        max_loops: The most critiques of one question, at least 1.
        clear_history: Whether a draft sees no earlier question.
        companion_type: The name of a companion file; a subclass may set it as a class attribute instead.
        library: A folder with companion files of one's own.

    Attributes:
        companion_type: The name of the companion file that it goes by.

    Raises:
        TypeError: The ``llm`` is neither a chat model nor ``"offline"``.
        ValueError: A number is out of its range.
        UnknownNameError: There is no companion type of that name.
    """

    companion_type: str = "generic"

    def __init__(
        self,
        llm: BaseChatModel | str,
        *,
        similarity_threshold: float | None = None,
        max_loops: int | None = None,
        clear_history: bool | None = None,
        companion_type: str | None = None,
        library: str | Path | None = None,
    ) -> None:
        self.companion_type = companion_type or self.companion_type
        self._library = _SHIPPED if library is None else Library.load(Path(library))
        self._library.get(self.companion_type)
        self._chosen: dict[str, Any] = {}
        self._choose("similarity_threshold", similarity_threshold)
        self._choose("max_loops", max_loops)
        self._choose("clear_history", clear_history)
        self.llm = llm
        self._memory = InMemory(Companion(self.companion_type))
        self._turns = Turns()

    @property
    def llm(self) -> BaseChatModel | str:
        """Who writes; another one writes from the next step on."""
        return self._llm

    @llm.setter
    def llm(self, llm: BaseChatModel | str) -> None:
        self._sides = sides(llm)
        self._llm = llm

    @property
    def similarity_threshold(self) -> float:
        """The share of words from which two versions count as the same; another applies from the next slot."""
        return self._wanted().threshold

    @similarity_threshold.setter
    def similarity_threshold(self, value: float | None) -> None:
        self._choose("similarity_threshold", value)

    @property
    def max_loops(self) -> int:
        """The most critiques of one question; another number applies from the next slot."""
        return self._wanted().max_iterations

    @max_loops.setter
    def max_loops(self, value: int | None) -> None:
        self._choose("max_loops", value)

    @property
    def clear_history(self) -> bool:
        """Whether a draft sees no earlier question; a change applies from the next slot."""
        return self._wanted().clear_history

    @clear_history.setter
    def clear_history(self, value: bool | None) -> None:
        self._choose("clear_history", value)

    @property
    def run_log(self) -> list[dict[str, Any]]:
        """Everything it wrote, slot by slot; made anew each time, so it is the caller's own."""
        return self._memory.run_log()

    @property
    def history(self) -> list[BaseMessage]:
        """Its questions and answers as LangChain messages; made anew each time, so it is the caller's own."""
        return langchain_messages.history(self._memory.slots())

    @property
    def last(self) -> Thought | None:
        """What the newest question has come to; ``None`` before the first."""
        return self._memory.last()

    def __call__(self, question: Any, config: RunnableConfig | None = None) -> Any:
        """Think a question through; the same as ``invoke``."""
        return self.invoke(question, config)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - LangChain's name
        """Think a question through and return its answer; in an event loop, rather await ``ainvoke``.

        Raises:
            TypeError: No question can be read from the input.
            InputError: The question is empty or too long, or the companion is thinking in this very event loop.
            ModelError: The model failed; what was written before is kept.
        """
        return self._call_with_config(self._think_now, input, config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - LangChain's name
        """Think a question through and return its answer; errors as of ``invoke``."""
        return await self._acall_with_config(self._think_in_loop, input, config, **kwargs)

    def _think_now(self, given: Any) -> Any:
        if self._turns.stand_still():
            raise InputError(
                "This companion is thinking in this event loop, which a synchronous call would bring to a stop.",
                "Await its ainvoke instead.",
            )
        return run_now(lambda: self._think(given, self._sides.threaded))

    async def _think_in_loop(self, given: Any) -> Any:
        return await self._think(given, self._sides.awaited)

    async def _think(self, given: Any, model: Model) -> Any:
        async with self._turns.turn():
            query = langchain_messages.question(given, self._answers())
            if self._library.folder is not None:
                self._library = await asyncio.to_thread(self._library.refreshed)
            answer = await self._memory.think(query, self._wanted(), model)
        return {"messages": [langchain_messages.reply(answer)]} if isinstance(given, Mapping) else answer.text

    def _answers(self) -> set[str]:
        return {slot.current.text for slot in self._memory.slots() if slot.current is not None}

    def _choose(self, name: str, value: Any) -> None:
        """Take an attribute's value, or with ``None`` the companion file's."""
        holds, what = RULES[_IN_FILE[name]]
        if value is None:
            self._chosen.pop(_IN_FILE[name], None)
        elif not holds(value):
            raise ValueError(f"{name} must be {what}, not {value!r}.")
        else:
            self._chosen[_IN_FILE[name]] = value

    def _wanted(self) -> Configuration:
        """Give the configuration of the next slot: what was set here, else what the companion's file says."""
        chosen = replace(self._library.get(self.companion_type), **self._chosen)
        mode: ExecutionMode = "offline" if isinstance(self._llm, str) else "server"
        asked = Sampling(model=self._sides.awaited.name, execution_mode=mode)
        configuration = Configuration.choose(chosen, Defaults(execution_mode=mode), asked)
        if "similarity_threshold" in self._chosen:
            return replace(configuration, threshold_source="setting")
        return configuration


class GenericCompanion(ThinkingCompanion):
    """Answers any question."""

    companion_type = "generic"


class MarketingCompanion(ThinkingCompanion):
    """Writes what is to win readers over."""

    companion_type = "marketing"


class BugTriageCompanion(ThinkingCompanion):
    """Finds the cause and the weight of a reported fault."""

    companion_type = "bug_triage"


class StrategyCompanion(ThinkingCompanion):
    """Weighs options and comes to a decision."""

    companion_type = "strategy"
