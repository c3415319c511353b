"""Sharing a session: who gets in, what each may do there, who wrote what, and that a take-back holds at once."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from companions.errors import InputError, RoleError, SessionNotFoundError, StoreError, UnknownNameError
from sessions import erasing
from sessions.consultations import Question
from sessions.consulting import Consultations
from sessions.forking import fork
from sessions.grant_store import Grants, Participant
from sessions.loops import Wish
from sessions.reading import PAGED
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.company import ANN, BOB, EVE, Person, patient, reading, refused, sessions_of, shared
from tests.sessions.faults import Fault, Process

pytest_plugins = ("tests.sessions.company_fixtures",)


async def consult(person: Person, session_id: str) -> None:
    question = Question(query="What then?", companion_types=("marketing", "bug_triage"))
    held = Consultations(calls=person.process.calls)
    await held.consult(person.principal, session_id, question, waiting=patient(), signature="host:tests")


async def refine(person: Person, session_id: str) -> None:
    calls = person.process.calls
    await calls.refine(person.principal, session_id, None, Wish(text="Vague."), waiting=patient(), signature="tests")


WRITES: dict[str, Callable[[Person, str], Awaitable[object]]] = {
    "draft": lambda person, session_id: person.step("draft", session_id, query="And?", text="Then."),
    "critique": lambda person, session_id: person.step("critique", session_id, text="Vague."),
    "refine": refine,
    "consult": consult,
}
OWNS: dict[str, Callable[[Person, str], Awaitable[object]]] = {
    "fork": lambda person, session_id: fork(sessions_of(person), person.principal, session_id),
    "forget": lambda person, session_id: erasing.forget(sessions_of(person), person.principal, session_id),
    "invite": lambda person, session_id: person.invite(session_id),
}


@pytest.mark.parametrize("role", ["reader", "author"])
async def test_a_participant_reads_all_of_it_and_finds_it_in_every_listing(ann: Person, bob: Person, role: Any) -> None:
    session_id = await shared(ann, bob, role)
    for part in ("answer", "phase", "workflows", "comparison", *PAGED):
        given = {"compared_with": "0"} if part == "comparison" else {}
        theirs = await reading(bob).part(BOB, session_id, None, part, **given)  # pyright: ignore[reportArgumentType]
        assert theirs == await reading(ann).part(ANN, session_id, None, part, **given)  # pyright: ignore[reportArgumentType]
    assert (await reading(bob).overview(BOB, session_id))["owner"] == "ann"
    own = (await bob.step("draft", query="Mine?", text="Yes.")).session_id
    listed = (await reading(bob).listing(BOB))["sessions"]
    assert [(each["session_id"], each.get("role"), each.get("owner")) for each in listed] == [
        (own, None, None),
        (session_id, role, "ann"),
    ]
    for search in ("why", "SO.", session_id):
        found = (await reading(bob).listing(BOB, search=search))["sessions"]
        assert [each["session_id"] for each in found] == [session_id]
    assert await reading(bob).session_ids(BOB, "why", 10) == [session_id]
    assert session_id in (await refused(reading(bob).overview(BOB, "nothing"), SessionNotFoundError))
    assert len((await reading(ann).listing(ANN))["sessions"]) == 1


@pytest.mark.parametrize("what", [*WRITES, *OWNS])
async def test_what_a_role_does_not_allow_is_refused_and_changes_nothing(ann: Person, bob: Person, what: str) -> None:
    session_id = await shared(ann, bob, "reader")
    before = await ann.process.entries(session_id)
    told = await refused((WRITES | OWNS)[what](bob, session_id), RoleError)
    assert ("as author" in told) == (what in WRITES)
    assert await bob.accept(await ann.invite(session_id, "author")) == "author"
    if what in OWNS:
        assert "for its owner alone" in await refused(OWNS[what](bob, session_id), RoleError)
        assert await ann.process.entries(session_id) == before
    else:
        await WRITES[what](bob, session_id)
        assert len(await ann.process.entries(session_id)) > len(before)


async def test_an_entry_names_who_asked_for_it_and_whoever_reads_is_told(ann: Person, bob: Person) -> None:
    session_id = await shared(ann, bob)
    await bob.step("critique", session_id, text="Vague.")
    await ann.step("revise", session_id, text="So that it lasts.")
    authors = {entry.kind: entry.author for entry in await ann.process.entries(session_id)}
    assert authors == {"configure": ANN, "query": ANN, "draft": ANN, "critique": BOB, "revision": ANN}
    timeline = (await reading(ann).part(ANN, session_id, None, "timeline"))["timeline"]
    told = [(line["kind"], line["author"]) for line in timeline]
    assert told == [("query", "ann"), ("draft", "ann"), ("critique", "bob"), ("revision", "ann")]
    (slot,) = (await reading(bob).part(BOB, session_id, None, "run_log"))["run_log"]
    assert slot["critique_authors"] == {"0": "bob"}
    assert slot["authors"] == {"0": "ann", "1": "ann"}
    transcript = (await reading(ann).part(ANN, session_id, None, "transcript"))["text"]
    assert "### Critique 1 by host:tests, for bob, entry 4\n" in transcript
    assert transcript.count(", for ann, ") == 3
    await ann.sharing.take_back(ANN, session_id, "bob")
    alone = (await reading(ann).part(ANN, session_id, None, "timeline"))["timeline"]
    assert [line["kind"] for line in alone if "author" in line] == ["critique"], "one's own need no name"


async def test_only_the_invited_person_may_accept_and_only_in_time(ann: Person, bob: Person, eve: Person) -> None:
    session_id = (await ann.step("draft", query="Why?", text="So.")).session_id
    code = await ann.invite(session_id, person="bob")
    told = [
        await refused(eve.accept(code), InputError),
        await refused(ann.accept(code), InputError),
        await refused(bob.accept(code[:-1] + ("a" if code[-1] != "a" else "b")), InputError),
        await refused(bob.accept("nonsense"), InputError),
    ]
    sharing = bob.sharing
    assert (await sharing.accept(BOB, code)).role == "reader"
    told.append(await refused(eve.accept(code), InputError))
    (taken,) = (await ann.sharing.company(ANN, session_id)).grants.participants
    assert taken.principal == BOB
    for person in (None, "eve"):
        invited = await ann.sharing.invite(ANN, session_id, "author", person=person)
        if person is None:
            await ann.sharing.take_back(ANN, session_id, invited.invitation.name)
        assert await refused(sharing.accept(BOB, invited.code), InputError) == (
            f"There is no such invitation, or no more. You take part in session {session_id} already, as reader."
        )
    assert set(told) == {"There is no such invitation, or no more. Ask for a new one."}
    assert (await sharing.accept(BOB, code)).already, "an answer that was lost is given again"


async def test_a_code_is_kept_nowhere(ann: Person) -> None:
    session_id = (await ann.step("draft", query="Why?", text="So.")).session_id
    code = await ann.invite(session_id)
    held = repr(await ann.process.store.grants.of(session_id))
    assert code.rpartition("-")[2] not in held


@pytest.mark.parametrize(
    ("given", "said"),
    [({"person": "ann"}, "That person is you"), ({"person": "\n"}, "A person is named"), ({"person": ""}, "A person")],
)
async def test_nobody_is_invited_who_cannot_come(ann: Person, given: dict[str, Any], said: str) -> None:
    session_id = (await ann.step("draft", query="Why?", text="So.")).session_id
    assert said in await refused(ann.invite(session_id, **given), InputError)
    local = Person("local", ann.process)
    assert "shared with nobody" in await refused(local.invite(session_id), InputError)


async def test_the_owner_sees_who_was_invited_and_participants_see_each_other(
    ann: Person, bob: Person, eve: Person
) -> None:
    session_id = await shared(ann, bob)
    await eve.accept(await ann.invite(session_id))
    await ann.invite(session_id, "author", person="carl")
    company = await ann.sharing.company(ANN, session_id)
    assert [(part.principal, part.role) for part in company.grants.participants] == [(BOB, "author"), (EVE, "reader")]
    assert [invitation.role for invitation in company.grants.invitations] == ["author"]
    theirs = await bob.sharing.company(BOB, session_id)
    assert theirs.owner == ANN
    assert theirs.grants == Grants((), company.grants.participants)


async def test_the_owner_takes_back_by_name_and_a_participant_leaves(ann: Person, bob: Person, eve: Person) -> None:
    session_id = await shared(ann, bob)
    await eve.accept(await ann.invite(session_id))
    await refused(bob.sharing.take_back(BOB, session_id, "eve"), RoleError)
    await refused(bob.sharing.take_back(BOB, session_id, "nobody"), RoleError)
    await refused(ann.sharing.take_back(ANN, session_id, "nobody"), UnknownNameError)
    gone = await bob.sharing.take_back(BOB, session_id, "bob")
    assert isinstance(gone, Participant)
    await ann.sharing.take_back(ANN, session_id, "eve")
    for guest in (bob, eve):
        unknown = await refused(reading(guest).overview(guest.principal, "x" * 20), SessionNotFoundError)
        told = await refused(reading(guest).overview(guest.principal, session_id), SessionNotFoundError)
        assert told.replace(session_id, "x" * 20) == unknown
        assert (await reading(guest).listing(guest.principal))["sessions"] == []


async def test_a_take_back_in_one_process_holds_in_another_at_the_next_call(tmp_path: Path) -> None:
    one, two = (Process.on(SQLiteStore(tmp_path / "sessions.db")) for _ in range(2))
    ann, bob = Person(ANN, one), Person(BOB, two)
    session_id = await shared(ann, bob)
    await bob.step("critique", session_id, text="Vague.")
    await ann.sharing.take_back(ANN, session_id, "bob")
    await refused(bob.step("revise", session_id, text="Lost?"), SessionNotFoundError)
    await refused(reading(bob).part(BOB, session_id, None, "answer"), SessionNotFoundError)
    for process in (one, two):
        await process.calls.close()


async def test_a_participant_costs_one_read_a_call_more_and_the_owner_none(ann: Person, bob: Person) -> None:
    session_id = await shared(ann, bob)
    gate = ann.process.store.holds("grants.role")
    await ann.step("critique", session_id, text="Vague.")
    for _ in range(2):
        await reading(ann).part(ANN, session_id, None, "timeline")
        sessions_of(ann).open.leave(session_id)
    await reading(ann).part(ANN, session_id, None, "timeline")
    assert not gate.reached.is_set()
    gate.open()
    # One fault for each further read than the one that a participant costs.
    fault = Fault(StoreError("Read once more.", "Do not."))
    ann.process.store.breaks("grants.role", None, fault)
    ann.process.store.breaks("head", fault)
    await reading(bob).part(BOB, session_id, None, "timeline")
    await refused(reading(bob).part(BOB, session_id, None, "timeline"), StoreError)
