"""Loops that are begun with a model that waits, and left: for tests of what becomes of them."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import pytest

from companions.errors import CompanionsError
from sessions.loops import Refined
from tests.sessions.faults import Process, until
from tests.sessions.looping import loop_of, refine, version, votes

T = TypeVar("T")
VERSIONS = (version(0), version(8), version(10))
ASKED: dict[str, Any] = {"query": "Q?", "max_iterations": 2}


def begun(process: Process) -> asyncio.Task[Refined]:
    """Begin a loop whose model waits with its first step."""
    process.model.script.extend([*loop_of(*VERSIONS), *votes("A", "D")])
    process.model.gate.close()
    return asyncio.create_task(refine(process, **ASKED))


async def asked(process: Process, times: int) -> None:
    await until(lambda: len(process.model.tasks) == times)


async def only_session(process: Process) -> str:
    (head,) = await process.store.store.list("ann")
    return head.opening.session_id


async def left(task: asyncio.Task[T]) -> None:
    """Go away, as a client that times out does."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def refused(call: Awaitable[object], error: type[CompanionsError], words: str) -> None:
    with pytest.raises(error, match=words):
        await call
