"""Watching: what steps, calls of models and writes to the store tell, while they run, to whoever wants to know.

It hands on what there is to see. What is made of it, spans or lines, is the watchers' work; without one, nothing is.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, TypeVar

from companions.errors import ModelError
from companions.model_catalog import OFFLINE, NotSetUp
from companions.models import Model, OnText, Step, Task, Written
from companions.tool_calls import ToolCall, ToolResult
from sessions.answers import Answer
from sessions.choosing_models import Models
from sessions.places import Parcel

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What is being made: a step of a companion, or a comparison of two of its versions."""

    session_id: str
    companion_type: str
    step: Step | Literal["compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of a model, as it is sent.

    Attributes:
        model: The name by which it was asked for.
        task: What it is asked, behind all filters.
        doing: What it is asked for; ``None`` outside of any step.
    """

    model: str
    task: Task
    doing: Doing | None


class ModelWatcher(Protocol):
    """Watches calls of models."""

    def asking(self, asked: Asked) -> AbstractContextManager[Callable[[Written], None]]:
        """Watch one call, until the block ends or raises; it is given what is to be told the text that came of it."""
        ...


class Watcher(Protocol):
    """Watches steps and writes. It never raises, and never waits."""

    def step(self, doing: Doing) -> AbstractContextManager[Callable[[Answer], None]]:
        """Watch one step, until the block ends or raises; it is given what is to be told the answer."""
        ...

    def using(self, call: ToolCall) -> AbstractContextManager[Callable[[ToolResult], None]]:
        """Watch one call of a tool, until the block ends or raises; it is given what is to be told the result."""
        ...

    def handed_over(self) -> object:
        """Give what is to be kept with entries that are handed to the writer now; ``writing`` finds it with them."""
        ...

    def writing(self, parcels: Sequence[Parcel]) -> AbstractContextManager[None]:
        """Watch one batch being written; each parcel has its outcome when the block ends."""
        ...


class Unwatched:
    """Watches nothing."""

    def step(self, doing: Doing) -> AbstractContextManager[Callable[[Answer], None]]:
        """Let it pass."""
        del doing
        return nullcontext(_unheard)

    def using(self, call: ToolCall) -> AbstractContextManager[Callable[[ToolResult], None]]:
        """Let it pass."""
        del call
        return nullcontext(_unheard)

    def handed_over(self) -> object:
        """Give nothing."""
        return None

    def writing(self, parcels: Sequence[Parcel]) -> AbstractContextManager[None]:
        """Let it pass."""
        del parcels
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Together:
    """Several watchers as one; more may come while they watch.

    Attributes:
        watchers: Of steps and writes. What is kept with entries is kept for the first of them.
        models: Of calls of models.
    """

    watchers: list[Watcher]
    models: list[ModelWatcher]

    @contextmanager
    def step(self, doing: Doing) -> Generator[Callable[[Answer], None]]:
        """Have all watch a step."""
        with ExitStack() as block:
            tells = [block.enter_context(each.step(doing)) for each in self.watchers]
            yield partial(_tell_all, tells)

    @contextmanager
    def using(self, call: ToolCall) -> Generator[Callable[[ToolResult], None]]:
        """Have all watch a call of a tool."""
        with ExitStack() as block:
            tells = [block.enter_context(each.using(call)) for each in self.watchers]
            yield partial(_tell_all, tells)

    def handed_over(self) -> object:
        """Give what the first wants kept."""
        return self.watchers[0].handed_over()

    @contextmanager
    def writing(self, parcels: Sequence[Parcel]) -> Generator[None]:
        """Have all watch a batch."""
        with ExitStack() as block:
            for each in self.watchers:
                block.enter_context(each.writing(parcels))
            yield


UNWATCHED = Unwatched()
_PRESENT: ContextVar[Doing | None] = ContextVar("doing", default=None)


@contextmanager
def watched(watcher: Watcher, doing: Doing) -> Generator[Callable[[Answer], None]]:
    """Have what the block does watched; the calls of models in it are known to be for that."""
    token = _PRESENT.set(doing)
    try:
        with watcher.step(doing) as tell:
            yield tell
    finally:
        _PRESENT.reset(token)


@dataclass(frozen=True, slots=True)
class WatchedModels:
    """The ``Models`` protocol over others, each call of which is watched.

    Neither the offline editor nor what stands for a model that cannot be asked is one to watch.
    """

    models: Models
    watchers: Sequence[ModelWatcher]

    def get(self, name: str | None) -> Model:
        """Give a model by name; see ``Models.get``."""
        model = self.models.get(name)
        unwatched = model.name == OFFLINE or isinstance(model, NotSetUp)
        return model if unwatched else _WatchedModel(model, self.watchers)


@dataclass(frozen=True, slots=True)
class _WatchedModel:
    """A model whose calls are watched."""

    model: Model
    watchers: Sequence[ModelWatcher]

    @property
    def name(self) -> str:
        return self.model.name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        asked = Asked(model=self.name, task=task, doing=_PRESENT.get())
        try:
            with ExitStack() as block:
                tells = [block.enter_context(watcher.asking(asked)) for watcher in self.watchers]
                written = await self.model.write(task, on_text)
                for tell in tells:
                    tell(written)
                return written
        except ModelError as error:
            # What it came of is told to watchers alone: a library may repeat the key, and logs tell causes.
            raise error from None


def _tell_all(tells: Sequence[Callable[[Told], None]], told: Told) -> None:
    for tell in tells:
        tell(told)


def _unheard(_told: Answer | ToolResult) -> None:
    pass
