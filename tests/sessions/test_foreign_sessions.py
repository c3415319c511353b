"""Another owner's session: told like an unknown one, in the same words, after the same reads."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from companions.entries import Entry
from companions.errors import SessionNotFoundError
from sessions.store import Window
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process

STRANGER = "stranger"


class Watched(MemoryStore):
    """A store that notes what is read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    async def head(self, session_id: str) -> Any:
        self.reads.append("head")
        return await super().head(session_id)

    async def page(self, session_id: str, **chosen: Any) -> Any:
        self.reads.append("page")
        return await super().page(session_id, **chosen)

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        self.reads.append("tail")
        return await super().tail(session_id, companion_type, window)

    async def list(self, owner: str, **chosen: Any) -> Any:
        self.reads.append("list")
        return await super().list(owner, **chosen)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
async def process(watched: Watched) -> AsyncIterator[Process]:
    made = Process.on(watched, keeps=True)
    yield made
    await made.calls.rest()


async def _refused(process: Process, watched: Watched, session_id: str) -> tuple[str, list[str]]:
    watched.reads.clear()
    with pytest.raises(SessionNotFoundError) as refused:
        await process.calls.desk.sessions.find(STRANGER, session_id)
    return str(refused.value).replace(session_id, "ID"), [*watched.reads]


async def test_a_foreign_session_open_or_not_costs_and_says_what_an_unknown_one_does(
    process: Process, watched: Watched
) -> None:
    session_id = (await process.step("draft", query="Mine?", text="Yes.")).session_id
    unknown = await _refused(process, watched, session_id[::-1])
    assert await _refused(process, watched, session_id) == unknown
    process.calls.desk.sessions.open.leave(session_id)
    assert await _refused(process, watched, session_id) == unknown
    assert process.calls.desk.sessions.open.get(session_id) is None
    assert (await process.calls.desk.sessions.find(OWNER, session_id)).session_id == session_id
