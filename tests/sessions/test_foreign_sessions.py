"""Another owner's session: told like an unknown one, in the same words, after the same reads."""

from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from companions.entries import Entry
from companions.errors import SessionNotFoundError, StoreAwayError, StoreError
from sessions.grant_store import Role
from sessions.store import Window
from sessions.stores.memory.grants import MemoryGrants
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Fault, Process
from tests.sessions.keeping_apart import started
from tests.sessions.writing import log_of

STRANGER = "stranger"


class WatchedGrants(MemoryGrants):
    """What a store grants, noting what is read of it."""

    reads: list[str]

    async def role(self, session_id: str, principal: str) -> Role | None:
        self.reads.append("role")
        return await super().role(session_id, principal)

    async def joined(self, principal: str) -> Any:
        self.reads.append("joined")
        return await super().joined(principal)


class Watched(MemoryStore):
    """A store that notes what is read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.grants = WatchedGrants(self._head)
        self.grants.reads = self.reads

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
    return str(refused.value).replace(session_id, "ID"), sorted(watched.reads)


async def test_a_foreign_session_open_or_not_costs_and_says_what_an_unknown_one_does(
    process: Process, watched: Watched
) -> None:
    session_id = (await process.step("draft", query="Mine?", text="Yes.")).session_id
    unknown = await _refused(process, watched, session_id[::-1])
    assert unknown[1] == ["head", "joined", "list", "role"]
    assert await _refused(process, watched, session_id) == unknown
    process.calls.desk.sessions.open.leave(session_id)
    assert await _refused(process, watched, session_id) == unknown
    assert process.calls.desk.sessions.open.get(session_id) is None
    assert (await process.calls.desk.sessions.find(OWNER, session_id)).session_id == session_id


@pytest.fixture
def quiet() -> Iterator[None]:
    with log_of("companions.store"), log_of("companions.keeping"):
        yield


async def left_by_a_dead_process(store: Watched, folder: Path, *, opened_before: bool) -> str:
    """Leave the owner's session on the machine's disk, as a process that ends while the store is away."""
    dead = started(store, folder)
    dead.store.away = not opened_before
    session_id = (await dead.step("draft", query="Mine?", text="Yes.")).session_id
    dead.store.away = True
    await dead.step("critique", session_id, text="A secret.")
    await dead.calls.rest()
    return session_id


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("opened_before", [True, False], ids=["with a head", "without one"])
async def test_a_foreign_session_that_a_store_refuses_to_take_over_is_told_like_an_unknown_one(
    watched: Watched, tmp_path: Path, *, opened_before: bool
) -> None:
    session_id = await left_by_a_dead_process(watched, tmp_path, opened_before=opened_before)
    process = started(watched, tmp_path)
    process.store.faults["append"] = deque([Fault(StoreError("Refused.", "Wait."))] * 1_000)
    with pytest.raises(StoreAwayError, match="on its way"):
        await process.calls.desk.sessions.find(OWNER, session_id)
    await process.calls.desk.sessions.writer.drain()
    assert await _refused(process, watched, session_id) == await _refused(process, watched, session_id[::-1])
    assert process.calls.desk.sessions.writer.keeper.waits(session_id)
    await process.calls.rest()
    following = started(watched, tmp_path)
    session = await following.calls.desk.sessions.find(OWNER, session_id)
    assert session.place.head == len(await following.entries(session_id)) > 0
    await following.calls.rest()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("opened_before", [True, False], ids=["with a head", "without one"])
async def test_in_an_outage_a_foreign_session_and_an_unknown_one_are_told_in_the_same_words(
    watched: Watched, tmp_path: Path, *, opened_before: bool
) -> None:
    session_id = await left_by_a_dead_process(watched, tmp_path, opened_before=opened_before)
    process = started(watched, tmp_path)
    process.store.away = True
    said = list[str]()
    for asked in (session_id, session_id[::-1]):
        with pytest.raises(StoreAwayError) as refused:
            await process.calls.desk.sessions.find(STRANGER, asked)
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert "on its way" not in said[0]
    await process.calls.rest()
