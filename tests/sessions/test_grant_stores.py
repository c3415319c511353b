"""Whom sessions are shared with, over every store: invited, accepted by one, taken back, gone with the session."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sessions.grant_store import MOST, Acceptance, Grants, Invitation, Participant, Role
from sessions.store import Store
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.servers.postgres_server import run
from tests.sessions.building import Story, projection

NOW = 1_000.5
AT = 1_010.25
BOB, EVE = '["https://issuer.example/", "b\u00f6b \\"x\\" {"]', '["", "eve"]'


def invitation(name: str = "i1", role: Role = "reader", **more: Any) -> Invitation:
    given: dict[str, Any] = {"secret": f"secret of {name}", "person": None, "expires_at": NOW + 3_600}
    given |= {"session_id": "s1", "name": name, "role": role, "invited_at": NOW}
    return Invitation(**(given | more))


def wish(name: str = "i1", principal: str = BOB, **more: Any) -> Acceptance:
    given: dict[str, Any] = {"session_id": "s1", "secret": f"secret of {name}", "at": AT}
    given |= {"name": name, "principal": principal}
    return Acceptance(**(given | more))


def part(principal: str = BOB, role: Role = "reader", session_id: str = "s1", since: float = AT) -> Participant:
    return Participant(session_id=session_id, principal=principal, role=role, since=since)


@pytest.fixture
async def story(store: Store) -> Story:
    """A session of Ann's."""
    made = Story(store)
    await made.write()
    return made


async def test_who_accepts_an_invitation_takes_part_and_the_invitation_is_used_up(store: Store, story: Story) -> None:
    assert await store.grants.invite(invitation(role="author"))
    assert await store.grants.of("s1") == Grants((invitation(role="author"),), ())
    assert await store.grants.role("s1", BOB) is None
    assert await store.grants.accept(wish()) == "author"
    assert await store.grants.role("s1", BOB) == "author"
    assert await store.grants.of("s1") == Grants((), (part(role="author"),))
    assert await store.grants.accept(wish()) is None
    assert await store.grants.accept(wish(principal=EVE)) is None
    ((joined, head),) = await store.grants.joined(BOB)
    assert (joined, head) == (part(role="author"), await store.head(story.session_id))


@pytest.mark.usefixtures("story")
async def test_what_is_shown_of_a_shared_session_comes_with_it(store: Store) -> None:
    await store.project([projection("s1", title="Shared")])
    assert await store.grants.invite(invitation())
    assert await store.grants.accept(wish())
    ((_, head),) = await store.grants.joined(BOB)
    assert head.projection == projection("s1", title="Shared")


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    "refused",
    [
        wish(name="i2"),
        wish(secret="another" * 2),
        wish(session_id="nobody"),
        wish(at=NOW + 3_600),
        wish(principal="ann"),
        wish(name="hers"),
    ],
    ids=["unknown", "wrong secret", "unknown session", "expired", "the owner", "for somebody else"],
)
async def test_what_is_no_invitation_for_the_caller_changes_nothing(store: Store, refused: Acceptance) -> None:
    hers = invitation("hers", person=EVE)
    assert await store.grants.invite(invitation())
    assert await store.grants.invite(hers)
    assert await store.grants.accept(refused) is None
    assert (await store.grants.of("s1")).participants == ()
    assert await store.grants.joined(refused.principal) == []
    if refused.at == AT:
        assert await store.grants.of("s1") == Grants((hers, invitation()), ())
        assert await store.grants.accept(wish()) == "reader"
        assert await store.grants.accept(wish("hers", EVE)) == "reader"


@pytest.mark.usefixtures("story")
async def test_of_many_who_accept_one_invitation_at_once_exactly_one_gets_it(store: Store) -> None:
    assert await store.grants.invite(invitation())
    people = [f"person {number}" for number in range(12)]
    roles = await asyncio.gather(*(store.grants.accept(wish(principal=each)) for each in people))
    assert sorted(role is not None for role in roles) == [False] * 11 + [True]
    winner = people[[role is not None for role in roles].index(True)]
    assert (await store.grants.of("s1")).participants == (part(winner),)
    assert [len(await store.grants.joined(each)) for each in people] == [int(each == winner) for each in people]


@pytest.mark.usefixtures("story")
async def test_a_second_invitation_widens_a_role_and_never_narrows_it(store: Store) -> None:
    given: tuple[tuple[str, Role, Role], ...] = (
        ("a", "reader", "reader"),
        ("b", "author", "author"),
        ("c", "reader", "author"),
    )
    for name, role, then in given:
        assert await store.grants.invite(invitation(name, role))
        assert await store.grants.accept(wish(name)) == then
        assert (await store.grants.of("s1")).participants == (part(role=then),)


@pytest.mark.usefixtures("story")
async def test_what_is_taken_back_holds_no_more_and_may_be_given_again(store: Store) -> None:
    assert await store.grants.invite(invitation())
    assert await store.grants.withdraw("s1", "i1", AT)
    assert not await store.grants.withdraw("s1", "i1", AT)
    assert await store.grants.accept(wish()) is None
    for name in ("i2", "i3"):
        assert await store.grants.invite(invitation(name))
        assert await store.grants.accept(wish(name)) == "reader"
        assert await store.grants.remove("s1", BOB, AT)
        assert not await store.grants.remove("s1", BOB, AT)
        assert await store.grants.role("s1", BOB) is None
        assert await store.grants.joined(BOB) == []
    assert await store.grants.of("s1") == Grants()


@pytest.mark.usefixtures("story")
async def test_expired_invitations_make_room_with_the_next_write(store: Store) -> None:
    old = [invitation(f"old {number}", expires_at=NOW + 1) for number in range(3)]
    for each in old:
        assert await store.grants.invite(each)
    assert await store.grants.invite(invitation())
    assert (await store.grants.of("s1")).invitations == (invitation(), *old)
    assert not await store.grants.withdraw("s1", "none", NOW + 1)
    assert (await store.grants.of("s1")).invitations == (invitation(),)


@pytest.mark.usefixtures("story")
async def test_a_session_has_room_for_so_many_participants_and_invitations(store: Store) -> None:
    for number in range(MOST // 2):
        assert await store.grants.invite(invitation(str(number)))
        assert await store.grants.accept(wish(str(number), f"person {number}"))
    for number in range(MOST // 2, MOST):
        assert await store.grants.invite(invitation(str(number), expires_at=NOW + 5))
    assert not await store.grants.invite(invitation("one more"))
    assert await store.grants.remove("s1", "person 3", NOW)
    assert await store.grants.invite(invitation("one more", expires_at=NOW + 5))
    assert not await store.grants.invite(invitation("another"))
    assert await store.grants.invite(invitation("later", invited_at=NOW + 5))


async def test_what_was_granted_of_a_session_goes_with_it(store: Store, story: Story) -> None:
    assert await store.grants.invite(invitation())
    assert await store.grants.accept(wish())
    assert await store.grants.invite(invitation("i2"))
    assert await store.tombstone(story.session_id)
    assert await store.grants.role("s1", BOB) is None
    assert await store.grants.of("s1") == Grants()
    assert await store.grants.joined(BOB) == []
    assert await store.grants.accept(wish("i2")) is None
    assert not await store.grants.invite(invitation("i3"))
    await store.grants.put(Grants((invitation("i2"),), (part(),)))
    assert await store.grants.of("s1") == Grants()


async def test_no_name_stays_behind_in_the_tables_of_a_forgotten_session(
    sqlite: SQLiteStore, path: Path, postgres_url: str
) -> None:
    postgres = PostgresStore(postgres_url)
    for store in (sqlite, postgres):
        await Story(store).write()
        assert await store.grants.invite(invitation())
        assert await store.grants.accept(wish())
        assert await store.grants.invite(invitation("i2", person=EVE))
        assert await store.tombstone("s1")
    await postgres.close()
    count = "SELECT (SELECT count(*) FROM {0}participants) + (SELECT count(*) FROM {0}invitations)"
    assert await asyncio.to_thread(run, postgres_url, count.format("companions_")) == "0"

    def left() -> int:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(count.format("")).fetchone()[0]

    assert await asyncio.to_thread(left) == 0


async def test_somebody_is_taken_out_of_all_sessions_with_what_they_are_invited_to(store: Store, story: Story) -> None:
    await Story(store, "s2").write()
    for session_id in (story.session_id, "s2"):
        for name, principal in (("i1", BOB), ("i2", EVE)):
            assert await store.grants.invite(invitation(name, session_id=session_id))
            assert await store.grants.accept(wish(name, principal, session_id=session_id))
    assert await store.grants.invite(invitation("his", person=BOB))
    assert await store.grants.invite(invitation("hers", person=EVE))
    assert await store.grants.forget(BOB) == 2
    assert await store.grants.forget(BOB) == 0
    assert await store.grants.joined(BOB) == []
    assert await store.grants.of("s1") == Grants((invitation("hers", person=EVE),), (part(EVE),))
    assert len(await store.grants.joined(EVE)) == 2


@pytest.mark.usefixtures("story")
async def test_what_another_store_holds_is_put_in_as_it_is(store: Store) -> None:
    held = Grants(
        (invitation("a", person=EVE), invitation("b", "author")), (part(BOB, "author"), part(EVE, since=AT + 1))
    )
    for _ in range(2):
        await store.grants.put(held)
        assert await store.grants.of("s1") == held
        assert len(await store.grants.joined(EVE)) == 1
    await store.grants.put(Grants((), (part(BOB, "reader"),)))
    assert (await store.grants.of("s1")).participants == (part(BOB, "reader"), held.participants[1])
    assert await store.grants.accept(wish("b", BOB)) == "author"


def test_an_invitation_that_nobody_can_accept_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="ends after it begins"):
        replace(invitation(), expires_at=NOW)
