"""Filters: what changes the texts that go to a model and those that come back, such as redaction or a house style.

Each is somebody else's code, found by whoever starts the program. Here they are applied in turn around a model, and
what they did is kept with the text. One that fails lets nothing pass: what it was to hide would else be sent.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any, Protocol, runtime_checkable

from companions.errors import FilterError
from companions.models import Model, OnText, Task, Written
from companions.native_sessions import NativeSession
from companions.tool_calls import ToolCall

log = logging.getLogger("companions.filters")

SECONDS = 10.0
"""How long one filter may take for one text."""
AT_ONCE = 64
"""Texts that one filter may be at; with more it hangs, or would soon."""


@runtime_checkable
class Filter(Protocol):
    """Changes texts. It is called in a thread, for several texts at a time, and gives a text back whole."""

    def to_model(self, text: str) -> str:
        """Give what a model is to be told in place of a part of its prompt."""
        ...

    def from_model(self, text: str) -> str:
        """Give what is to be kept in place of what a model wrote."""
        ...


@dataclass(slots=True)
class Named:
    """A filter, and the name that errors and entries tell.

    Each text has a thread of its own, for which nobody waits at the end: one that hangs keeps neither the program nor
    the threads that it does other work in.
    """

    name: str
    filter: Filter
    _running: int = 0

    async def change(self, way: str, text: str) -> str:
        """Have it change a text, ``to_model`` or ``from_model``.

        Raises:
            FilterError: It failed, or took too long.
        """
        if self._running >= AT_ONCE:
            raise failed(self.name, "is busy or hangs")
        loop = asyncio.get_running_loop()
        given: asyncio.Future[object] = loop.create_future()

        def tell(outcome: object) -> None:
            self._running -= 1
            if not given.done():
                given.set_result(outcome)

        def work() -> None:
            try:
                outcome: object = getattr(self.filter, way)(text)
            except BaseException as error:  # noqa: BLE001 (it is somebody else's code, and can raise anything)
                outcome = error
            with suppress(RuntimeError):  # the loop is closed: the program has ended without it
                loop.call_soon_threadsafe(tell, outcome)

        self._running += 1
        Thread(target=work, name=f"companions-filter-{self.name}", daemon=True).start()
        try:
            async with asyncio.timeout(SECONDS):
                changed = await given
        except TimeoutError:
            raise failed(self.name, f"took longer than {SECONDS:g} seconds") from None
        if isinstance(changed, str):
            return changed
        _say(self.name, changed)
        raise failed(self.name, "failed" if isinstance(changed, BaseException) else "gave no text")


Load = Callable[[], Awaitable[Sequence[Named]]]
"""Gives the filters in the order in which they are applied. Raises ``FilterError`` if one cannot be had."""


@dataclass(frozen=True, slots=True)
class FilteredModel:
    """A model that is told, and tells, only what the filters let through.

    Its texts are not heard piece by piece while there are filters: a piece is nothing that can be judged.
    """

    model: Model
    load: Load

    @property
    def name(self) -> str:
        """How the model was asked for."""
        return self.model.name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        """Have the model write between the filters; see ``Model.write``.

        Raises:
            FilterError: A filter failed. Nothing was sent, or what was written is dropped.
            ModelError: The model failed.
        """
        filters = await self.load()
        if not filters:
            return await self.model.write(task, on_text)
        applied = _Applied(filters)
        written = await self.model.write(await applied.to_task(task))
        text = await applied.through("from_model", written.text)
        calls = [await applied.to_call(call) for call in written.calls]
        if not text.strip() and not calls:
            raise FilterError("The filters left nothing of what the model wrote.", "Call the same tool again.")
        if on_text is not None:
            on_text(text)
        return replace(written, text=text, calls=tuple(calls), meta={**written.meta, "filters": applied.told()})


@dataclass(frozen=True, slots=True)
class _Applied:
    """The filters around one call of a model, and what each changed so far."""

    filters: Sequence[Named]
    changed: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    async def to_task(self, task: Task) -> Task:
        """Give the task as the model is to see it."""
        messages = [replace(each, text=await self.through("to_model", each.text)) for each in task.messages]
        texts = {name: await self.through("to_model", getattr(task, name)) for name in ("query", "text", "critique")}
        native = task.native
        if native is not None:
            # What a provider keeps is what it was told, and so is what it may go on from.
            texts_told = [each.text for each in messages if each.role != "system"]
            native = NativeSession.of(texts_told, native.kept, edits=native.edits)
        return replace(task, messages=tuple(messages), native=native, **texts)

    async def to_call(self, call: ToolCall) -> ToolCall:
        """Give a model's call of a tool as it is to be carried out."""
        if call.arguments is None:
            return call
        texts = {name: value for name, value in call.arguments.items() if isinstance(value, str)}
        texts = {name: await self.through("from_model", value) for name, value in texts.items()}
        return replace(call, arguments={**call.arguments, **texts})

    async def through(self, way: str, text: str) -> str:
        for each in self.filters if text else ():
            before, text = text, await each.change(way, text)
            if text != before:
                self.changed.setdefault(each.name, set()).add(way)
        return text

    def told(self) -> list[dict[str, Any]]:
        """Say which filters were applied, and which way each of them changed something."""
        return [{"name": each.name, "changed": sorted(self.changed.get(each.name, ()))} for each in self.filters]


def _say(name: str, outcome: object) -> None:
    """Log where a filter failed, and not what it said: that may hold the text that it was to hide."""
    if not isinstance(outcome, BaseException):
        log.error("filter %s gave no text, but %s", name, type(outcome).__name__)
        return
    place = traceback.extract_tb(outcome.__traceback__)[-1]
    log.error("filter %s failed: %s, %s line %s", name, type(outcome).__name__, place.filename, place.lineno)


def failed(name: str, how: str) -> FilterError:
    """Make the error for a filter that cannot be applied."""
    return FilterError(
        f"The filter {name} {how}, so nothing was kept or sent past it.",
        "Mend it, or uninstall it; the log of the server says where it failed if it did.",
    )
