"""Counting what this process does, for Prometheus: calls of tools, steps, calls of models, entries, sessions.

It counts what it is shown and asks no store. No id, owner or text is a label, and every label has few values: names
that callers can choose are told apart only as far as whoever runs the program has named them. What there is to count
stands in ``families``.
"""

import time
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import mcp_types as mt
from fastmcp.exceptions import NotFoundError
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult

from companions.entries import Entry
from companions.errors import CompanionsError
from companions.models import Written
from companions.tool_calls import ToolCall
from companions.tool_calls import ToolResult as Found
from middleware.exposition import text
from middleware.families import Families, about, present
from sessions.answers import Answer
from sessions.budgets import cost_of
from sessions.calls import Calls
from sessions.choosing_models import named_models
from sessions.observers import Observed
from sessions.places import Parcel
from sessions.usage import counts, tokens
from sessions.watching import UNWATCHED, Asked, Doing

MOST_NAMES = 50
"""Names that a label tells apart; whoever runs the program may have named more."""
OTHER, UNKNOWN = "other", "unknown"
KINDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "reasoning_tokens": "reasoning",
}
"""By how a provider's usage is kept, what kind of tokens it is of."""


@dataclass(slots=True)
class Names:
    """The values of one label, which are few.

    Attributes:
        known: Gives the names that have a value of their own, as they are now.
    """

    known: Callable[[], Collection[str]]
    _given: set[str] = field(default_factory=set[str])

    def of(self, name: str) -> str:
        """Give the value for a name."""
        if name not in self._given:
            if len(self._given) >= MOST_NAMES or name not in self.known():
                return OTHER
            self._given.add(name)
        return name


class Meters(Middleware):
    """Counts, as a middleware, a watcher of steps, writes and models, and an observer."""

    def __init__(self, calls: Calls, store: str) -> None:
        """Take what is counted, and which kind of store it has."""
        self.families = Families()
        self._calls, self._about, self._prices = calls, about(store), calls.desk.allowance.prices
        sessions = calls.desk.sessions
        self._types = Names(lambda: {known.name for known in sessions.library.types})
        self._models = Names(lambda: named_models(sessions.library, sessions.defaults, sessions.priced))

    def text(self) -> bytes:
        """Give all numbers as they are sent."""
        return text(chain(self.families.lines(), present(self._calls, self._about)))

    async def on_call_tool(
        self, context: MiddlewareContext[mt.CallToolRequestParams], call_next: CallNext[Any, ToolResult]
    ) -> ToolResult:
        """Count a call; one of no tool has no name."""
        name, began, outcome = context.message.name, time.perf_counter(), "cancelled"
        try:
            result = await call_next(context)
        except Exception as error:
            if isinstance(error, NotFoundError):
                name = UNKNOWN
            outcome = "error"
            self._failed("call", error.__cause__ or error)
            raise
        else:
            outcome = "ok"
            return result
        finally:
            self.families.tool_calls.add(name, outcome)
            self.families.tool_seconds.add(time.perf_counter() - began, name)

    @contextmanager
    def step(self, doing: Doing) -> Generator[Callable[[Answer], None]]:
        """Count a step; see ``Watcher.step``."""
        began, given = time.perf_counter(), list[Answer]()
        kind, outcome = self._types.of(doing.companion_type), "cancelled"
        try:
            yield given.append
            outcome = _outcome(given)
            if outcome == "done":
                mode = given[0].mode if given else "server"
                self.families.step_seconds.add(time.perf_counter() - began, doing.step, mode)
        except Exception as error:
            outcome = "failed"
            self._failed("step", error)
            raise
        finally:
            self.families.steps.add(kind, doing.step, outcome)

    @contextmanager
    def asking(self, asked: Asked) -> Generator[Callable[[Written], None]]:
        """Count one call of a model; see ``ModelWatcher.asking``."""
        began, model, outcome = time.perf_counter(), self._models.of(asked.model), "cancelled"
        try:
            yield partial(self._used, asked.model, model)
            outcome = "ok"
            self.families.model_seconds.add(time.perf_counter() - began, model)
        except Exception as error:
            outcome = "failed"
            self._failed("model", error)
            raise
        finally:
            self.families.model_calls.add(model, outcome)

    def using(self, call: ToolCall) -> AbstractContextManager[Callable[[Found], None]]:
        """Count no calls of critics' tools; see ``Watcher.using``."""
        return UNWATCHED.using(call)

    def handed_over(self) -> object:
        """Give nothing; see ``Watcher.handed_over``."""
        return None

    @contextmanager
    def writing(self, parcels: Sequence[Parcel]) -> Generator[None]:
        """Count one batch; see ``Watcher.writing``."""
        began = time.perf_counter()
        yield
        self.families.write_seconds.add(time.perf_counter() - began)
        for parcel in parcels:
            failed = parcel.outcome is None or isinstance(parcel.outcome, Exception)
            became = "failed" if failed else type(parcel.outcome).__name__.lower()
            self.families.written.add(became, by=len(parcel.entries))

    async def on_created(self, session: Observed) -> None:
        """Count a session."""
        self.families.session_events.add("created" if session.parent is None else "forked")

    async def on_entry(self, session: Observed, entry: Entry) -> None:
        """Count an entry."""
        del session
        self.families.entries.add(entry.kind)

    async def on_archived(self, session: Observed) -> None:
        """Count a session that was not used for long."""
        del session
        self.families.session_events.add("archived")

    async def on_deleted(self, session: Observed) -> None:
        """Count a session that is gone."""
        del session
        self.families.session_events.add("deleted")

    def _used(self, asked: str, model: str, written: Written) -> None:
        """Count what a call used, as far as its provider reported it."""
        if not tokens(written.usage):
            return
        for name, kind in KINDS.items():
            if name in written.usage:
                self.families.tokens.add(model, kind, by=written.usage[name])
        cost = cost_of(asked, counts(written.usage, {}), self._prices)
        if cost is not None:
            self.families.cost.add(model, self._prices.currency, by=cost)

    def _failed(self, where: str, error: BaseException) -> None:
        self.families.errors.add(where, error.code if isinstance(error, CompanionsError) else "unexpected")


def _outcome(given: Sequence[Answer]) -> str:
    """Say what became of a step that did not fail; a comparison gives no answer, and is done."""
    if given and given[0].status == "write":
        return "handed_out"
    return "repeated" if given and given[0].already_done else "done"
