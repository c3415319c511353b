"""Filters: what changes the texts that go to a model and those that come back, such as redaction or a house style.

Each is somebody else's code, found by whoever starts the program. Here they are applied in turn around a model, and
what they did is kept with the text. One that fails lets nothing pass: what it was to hide would else be sent.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

from companions.errors import FilterError
from companions.models import Message, Model, OnText, Task, Written

log = logging.getLogger("companions.filters")

SECONDS = 10.0
"""How long one filter may take for one text."""


@runtime_checkable
class Filter(Protocol):
    """Changes texts. It is called in a thread, for several texts at a time, and gives a text back whole."""

    def to_model(self, text: str) -> str:
        """Give what a model is to be told in place of a part of its prompt."""
        ...

    def from_model(self, text: str) -> str:
        """Give what is to be kept in place of what a model wrote."""
        ...


class Named(NamedTuple):
    """A filter, and the name that errors and entries tell."""

    name: str
    filter: Filter


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
        if not text.strip():
            raise FilterError("The filters left nothing of what the model wrote.", "Call the same tool again.")
        if on_text is not None:
            on_text(text)
        return replace(written, text=text, meta={**written.meta, "filters": applied.told()})


@dataclass(frozen=True, slots=True)
class _Applied:
    """The filters around one call of a model, and what each changed so far."""

    filters: Sequence[Named]
    changed: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    async def to_task(self, task: Task) -> Task:
        """Give the task as the model is to see it."""
        messages = [Message(each.role, await self.through("to_model", each.text)) for each in task.messages]
        texts = {name: await self.through("to_model", getattr(task, name)) for name in ("query", "text", "critique")}
        return replace(task, messages=tuple(messages), **texts)

    async def through(self, way: str, text: str) -> str:
        for name, each in self.filters if text else ():
            before, text = text, await _asked(name, getattr(each, way), text)
            if text != before:
                self.changed.setdefault(name, set()).add(way)
        return text

    def told(self) -> list[dict[str, Any]]:
        """Say which filters were applied, and which way each of them changed something."""
        return [{"name": name, "changed": sorted(self.changed.get(name, ()))} for name, _ in self.filters]


async def _asked(name: str, change: Callable[[str], object], text: str) -> str:
    try:
        async with asyncio.timeout(SECONDS):
            changed = await asyncio.to_thread(change, text)
    except TimeoutError:
        raise failed(name, f"took longer than {SECONDS:g} seconds") from None
    except Exception as error:  # noqa: BLE001 (it is somebody else's code, and can raise anything)
        # Where it failed, and not what it said, which may hold the text that it was to hide.
        place = traceback.extract_tb(error.__traceback__)[-1]
        log.error("filter %s failed: %s, %s line %s", name, type(error).__name__, place.filename, place.lineno)  # noqa: TRY400
        raise failed(name, "failed") from None
    if not isinstance(changed, str):
        raise failed(name, "gave no text")
    return changed


def failed(name: str, how: str) -> FilterError:
    """Make the error for a filter that cannot be applied."""
    return FilterError(
        f"The filter {name} {how}, so nothing was kept or sent past it.",
        "Mend it, or uninstall it; the server's log says more.",
    )
