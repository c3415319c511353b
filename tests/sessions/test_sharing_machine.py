"""Any sequence of inviting, accepting, taking back, leaving and waiting grants what a small model says it does."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.grant_store import Acceptance, Invitation, Role, wider
from sessions.stores.memory.store import MemoryStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.building import Story

PEOPLE = ("ann", "bob", "eve")
SESSIONS = ("s1", "s2")
HOURS = 10.0

Move = tuple[str, str, str, int, Role]
moves = st.tuples(
    st.sampled_from(["invite", "invite for", "accept", "withdraw", "remove", "wait", "forget"]),
    st.sampled_from(SESSIONS),
    st.sampled_from(PEOPLE),
    st.integers(0, 5),
    st.sampled_from(["reader", "author"]),
)


@dataclass
class Model:
    """What ought to be granted; all sessions are Ann's."""

    now: float = 1_000.0
    living: set[str] = field(default_factory=lambda: {*SESSIONS})
    invited: dict[tuple[str, str], Invitation] = field(default_factory=dict[tuple[str, str], Invitation])
    roles: dict[tuple[str, str], Role] = field(default_factory=dict[tuple[str, str], Role])

    def open(self, session_id: str, name: str) -> Invitation | None:
        found = self.invited.get((session_id, name))
        return found if found is not None and found.expires_at > self.now and session_id in self.living else None

    def invite(self, invitation: Invitation) -> bool:
        session_id, name = invitation.session_id, invitation.name
        free = session_id in self.living and self.open(session_id, name) is None
        if free:
            self.invited[session_id, name] = invitation
        return free

    def accept(self, session_id: str, name: str, person: str) -> Role | None:
        found = self.open(session_id, name)
        if found is None or person == "ann" or found.person not in (None, person):
            return None
        del self.invited[session_id, name]
        role = wider(self.roles.get((session_id, person), "reader"), found.role)
        self.roles[session_id, person] = role
        return role


def offered(model: Model, place: tuple[str, str], role: Role, person: str | None, secret: str) -> Invitation:
    session_id, name = place
    return Invitation(
        session_id=session_id,
        name=name,
        role=role,
        secret=secret,
        person=person,
        invited_at=model.now,
        expires_at=model.now + HOURS,
    )


async def run(store: MemoryStore | SQLiteStore, sequence: list[Move]) -> None:
    model, grants = Model(), store.grants
    for session_id in SESSIONS:
        await Story(store, session_id).write()
    for number, (what, session_id, person, of, role) in enumerate(sequence):
        name, model.now = str(of), model.now + 0.5
        match what:
            case "invite" | "invite for":
                guest = person if what == "invite for" else None
                invitation = offered(model, (session_id, name), role, guest, str(number))
                assert await grants.invite(invitation) == model.invite(invitation)
            case "accept":
                known = model.invited.get((session_id, name))
                secret = known.secret if known is not None else "none"
                wish = Acceptance(session_id=session_id, name=name, secret=secret, principal=person, at=model.now)
                assert await grants.accept(wish) == model.accept(session_id, name, person)
            case "withdraw":
                await grants.withdraw(session_id, name, model.now)
                model.invited.pop((session_id, name), None)
            case "remove":
                there = model.roles.pop((session_id, person), None) is not None
                assert await grants.remove(session_id, person, model.now) == there
            case "wait":
                model.now += HOURS / 2
            case _:
                assert await store.tombstone(session_id) == (session_id in model.living)
                model.living.discard(session_id)
                model.roles = {place: held for place, held in model.roles.items() if place[0] != session_id}
        await check(store, model)


async def check(store: MemoryStore | SQLiteStore, model: Model) -> None:
    for person in PEOPLE:
        for session_id in SESSIONS:
            assert await store.grants.role(session_id, person) == model.roles.get((session_id, person))
        joined = {part.session_id for part, _ in await store.grants.joined(person)}
        assert joined == {session_id for session_id, who in model.roles if who == person}
    for session_id in SESSIONS:
        held = await store.grants.of(session_id)
        names = {each.name for each in held.invitations if each.expires_at > model.now}
        assert names == {name for place, name in model.invited if place == session_id and model.open(place, name)}


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@settings(max_examples=40, deadline=None)
@given(sequence=st.lists(moves, max_size=25))
def test_what_is_granted_is_what_a_model_of_it_says(kind: str, sequence: list[Move]) -> None:
    async def go() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = MemoryStore() if kind == "memory" else SQLiteStore(Path(folder) / "sessions.db")
            await run(store, sequence)
            await store.close()

    asyncio.run(go())
