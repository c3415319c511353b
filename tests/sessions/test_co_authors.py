"""Co-authors at work: no word is lost, and what becomes of their part when they, a store or a limit come between."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from companions.errors import CompanionsError, InputError, SessionNotFoundError, StoreAwayError
from companions.models import Step
from sessions import erasing, whole_sessions
from sessions.copying import copy
from sessions.grant_store import MOST_SESSIONS, Grants, Participant
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Story
from tests.sessions.company import ANN, BOB, EVE, Person, reading, refused, sessions_of, shared
from tests.sessions.copies import unheard
from tests.sessions.faults import Fault, FaultyStore, Process

pytest_plugins = ("tests.sessions.company_fixtures",)


async def works(person: Person, session_id: str, steps: Sequence[Step]) -> list[str]:
    """Make steps, whatever comes of each; gives the texts that were said to be kept."""
    kept: list[str] = []
    for turn in range(6):
        for step in steps:
            text = f"{step} {turn} of {person.principal}, which nobody else wrote."
            try:
                answer = await person.step(step, session_id, text=text)
            except CompanionsError as error:
                kept += [text] if "kept as an alternative" in str(error) else []
            else:
                kept += [text] if answer.not_recorded is None else []
    return kept


@pytest.mark.parametrize("processes", [1, 2])
async def test_two_co_authors_at_once_lose_no_word(tmp_path: Path, processes: int) -> None:
    made = [Process.on(SQLiteStore(tmp_path / "sessions.db")) for _ in range(processes)]
    ann, bob = Person(ANN, made[0]), Person(BOB, made[-1])
    session_id = await shared(ann, bob)
    both = works(ann, session_id, ("critique", "revise")), works(bob, session_id, ("revise", "critique"))
    kept = [text for each in await asyncio.gather(*both) for text in each]
    entries = await made[0].entries(session_id)
    assert [entry.seq for entry in entries] == [*range(1, len(entries) + 1)]
    assert len(kept) >= 6
    assert {*kept} <= {entry.text for entry in entries}
    assert {entry.author for entry in entries} == {ANN, BOB}
    assert all(entry.author in entry.text for entry in entries if "nobody else" in entry.text)
    # Each text has a place of its own, and the phases follow each other.
    steps = [(entry.kind, entry.index) for entry in entries if entry.kind in {"critique", "revision"}]
    assert steps == [(("critique", "revision")[n % 2], n // 2) for n in range(len(steps))]
    for process in made:
        await process.calls.close()


async def test_nobody_takes_part_in_too_many_sessions(ann: Person, bob: Person) -> None:
    store = ann.process.store.store
    for number in range(MOST_SESSIONS):
        await Story(store, f"s{number}", owner=EVE).write()
        part = Participant(session_id=f"s{number}", principal=BOB, role="reader", since=1.0)
        await store.grants.put(Grants((), (part,)))
    code = await Person(EVE, ann.process).invite("s7", "author")
    sharing = bob.sharing
    joined = [await sharing.accept(BOB, code) for _ in range(2)]
    assert [(each.role, each.already) for each in joined] == [("author", False), ("author", True)], (
        "it is one of theirs"
    )
    session_id = (await ann.step("draft", query="Why?", text="So.")).session_id
    assert f"in {MOST_SESSIONS} sessions already" in await refused(bob.accept(await ann.invite(session_id)), InputError)


async def test_who_is_erased_is_in_nobody_s_session_and_what_they_wrote_there_stays(ann: Person, bob: Person) -> None:
    session_id = await shared(ann, bob)
    await bob.step("critique", session_id, text="Vague.")
    await bob.step("draft", query="Mine?", text="Yes.")
    would = await erasing.would_erase(sessions_of(bob), BOB)
    assert (would.sessions, would.left) == (1, 1)
    erased = await erasing.erase(sessions_of(bob), BOB)
    assert (erased.sessions, erased.left) == (1, 1)
    assert "Vague." in [entry.text for entry in await ann.process.entries(session_id)]
    await refused(reading(bob).overview(BOB, session_id), SessionNotFoundError)


async def test_a_copy_of_a_store_is_shared_with_the_same_people(ann: Person, bob: Person) -> None:
    session_id = await shared(ann, bob)
    await ann.invite(session_id)
    source, target = ann.process.store.store, MemoryStore()
    await copy(source, target, unheard)
    assert await target.grants.of(session_id) == await source.grants.of(session_id)
    assert await target.grants.role(session_id, BOB) == "author"


async def test_a_copy_made_again_lets_nobody_in_who_was_taken_out(ann: Person, bob: Person) -> None:
    session_id = await shared(ann, bob)
    code = await ann.invite(session_id)
    source, target = ann.process.store.store, MemoryStore()
    await copy(source, target, unheard)
    there = Process.on(target, keeps=True)
    eve = Person(EVE, there)
    assert await eve.accept(code) == "reader"
    for name in ("bob", "eve"):
        await Person(ANN, there).sharing.take_back(ANN, session_id, name)
    await ann.step("critique", session_id, text="Vague.")
    assert (await copy(source, target, unheard)).entries == 1
    assert await target.grants.of(session_id) == Grants()
    await refused(eve.accept(code), InputError)
    await there.calls.rest()


async def test_a_copy_that_is_cut_short_has_brought_the_grants_of_what_it_opened(
    ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await shared(ann, bob)
    await ann.step("critique", session_id, text="Vague.")
    source, target = ann.process.store.store, FaultyStore(MemoryStore())
    monkeypatch.setattr(whole_sessions, "MOST_ENTRIES", 2)
    target.breaks("append", None, Fault(StoreAwayError("The store is away.", "Wait.")))
    with pytest.raises(StoreAwayError):
        await copy(source, target, unheard)
    await copy(source, target, unheard)
    assert await target.grants.of(session_id) == await source.grants.of(session_id)
    assert await target.grants.role(session_id, BOB) == "author"
