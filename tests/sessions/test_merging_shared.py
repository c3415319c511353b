"""Merging what is shared: another's text goes into no session but its owner's, from which they can erase it."""

from collections.abc import AsyncIterator

import pytest

from companions.errors import RoleError, SessionNotFoundError
from sessions import erasing
from sessions.consultations import Consulted
from sessions.consulting import Consultations
from sessions.questions import Question
from sessions.stores.memory.store import MemoryStore
from tests.sessions.company import ANN, BOB, EVE, Person, patient, refused, sessions_of, shared
from tests.sessions.faults import Process


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore(), keeps=True)
    yield made
    await made.calls.rest()


async def merged(person: Person, into: str | None, *branches: str) -> Consulted:
    question = Question(query="What then?", companion_types=branches)
    held = Consultations(calls=person.process.calls)
    return await held.consult(person.principal, into, question, waiting=patient(), signature="host:tests")


async def kept(process: Process, marker: str) -> set[str]:
    """Give the sessions in which a text still stands."""
    heads = await process.store.store.scan()
    found = {head.opening.session_id: await process.entries(head.opening.session_id) for head in heads}
    return {session_id for session_id, entries in found.items() if any(marker in entry.text for entry in entries)}


@pytest.mark.parametrize("role", ["reader", "author"])
async def test_what_another_one_shares_is_merged_into_no_session_of_one_s_own(process: Process, role: str) -> None:
    ann, bob = Person(ANN, process), Person(BOB, process)
    theirs = await shared(ann, bob, "author" if role == "author" else "reader")
    await ann.step("draft", theirs, query="Which?", text="MARKER of Ann's.")
    own = (await bob.step("draft", query="Mine?", text="Bob's.")).session_id
    for into in (None, own):
        told = await refused(merged(bob, into, theirs, own), RoleError)
        assert theirs in told
        assert "merge it as a co-author into a session of the same owner" in told
    await ann.sharing.take_back(ANN, theirs, "bob")
    await refused(merged(bob, None, theirs, own), SessionNotFoundError)
    await erasing.erase(sessions_of(ann), ANN)
    assert await kept(process, "MARKER") == set()


async def test_a_co_author_merges_sessions_of_the_same_owner_and_their_own_into_that_owner_s(process: Process) -> None:
    ann, bob, eve = Person(ANN, process), Person(BOB, process), Person(EVE, process)
    into, other = await shared(ann, bob), await shared(ann, bob, "reader")
    await ann.step("draft", other, query="Which?", text="MARKER of Ann's.")
    own = (await bob.step("draft", query="Mine?", text="Bob's.")).session_id
    third = await shared(eve, bob)
    await refused(merged(bob, into, third, own), RoleError)
    assert (await merged(bob, into, other, own)).companions.keys() == {other, own}
    assert await kept(process, "MARKER") == {into, other}
