"""Whether somebody has anything in a store, so that a slip in a name is not taken for them."""

from collections.abc import AsyncIterator

import pytest

from sessions.presence import is_there
from sessions.stores.memory.store import MemoryStore
from tests.sessions.company import ANN, BOB, EVE, Person, sessions_of
from tests.sessions.faults import Process


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore(), keeps=True)
    yield made
    await made.calls.rest()


async def test_whoever_owns_a_session_takes_part_in_one_or_is_invited_to_one_is_there(process: Process) -> None:
    ann, bob = Person(ANN, process), Person(BOB, process)
    sessions = sessions_of(ann)
    assert not await is_there(sessions, ANN)
    session_id = (await ann.step("draft", query="Why?", text="So.")).session_id
    assert await is_there(sessions, ANN)
    assert not await is_there(sessions, BOB)
    code = await ann.invite(session_id, person="bob")
    assert await is_there(sessions, BOB)
    await bob.accept(code)
    assert await is_there(sessions, BOB)
    await bob.sharing.take_back(BOB, session_id, BOB)
    assert [await is_there(sessions, each) for each in (ANN, BOB, EVE)] == [True, False, False]
