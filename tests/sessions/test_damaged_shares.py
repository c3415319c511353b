"""Shares that cannot be read, in every store: they keep nobody from the others, and can be dropped.

In memory nothing is written down; there a damaged share is one that says nothing.
"""

# pyright: reportPrivateUsage=false
# (damage is done on the stores' own connections, where nothing public leads)

import time
from hashlib import sha256

import pytest

from companions.patterns.sums import SumsError, from_json
from sessions.copying_shares import copy_shares
from sessions.knowledge import Knowledge
from sessions.pattern_store import Share
from sessions.patterns_view import all_patterns, patterns_of
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from sessions.stores.postgres.store import PostgresStore
from sessions.stores.redis.driver import command
from sessions.stores.redis.scripts import SHARES
from sessions.stores.redis.store import RedisStore
from sessions.stores.share_texts import body_of
from sessions.stores.sqlite.store import SQLiteStore
from tests.sessions.shared import share
from tests.sessions.taught import told
from tests.sessions.writing import log_of


def taught(process: str = "p1") -> Share:
    """Make a share of a loop that ended now."""
    knowledge = Knowledge(store=MemoryStore(), configured=lambda: {"openai:one"})
    knowledge.add("generic", "openai:one", told(2), time.time())
    return share(process, state=knowledge.of("generic", "openai:one").to_json(), at=time.time())


BODY = body_of(taught())
BODIES = {
    "cut off": BODY[:20],
    "empty": "",
    "of something else": '"words"',
    "nested too deep": "[" * 100_000,
    "at a time that is none": '["x",{}]',
    "at a time without end": "[Infinity,{}]",
    "at a time beyond all numbers": f"[{'9' * 400},{{}}]",
    "with a state that is none": "[1.0,[]]",
    "in other words": BODY.replace(",", ", "),
}
NAMES = {
    "of one part": '["generic"]',
    "of four parts": '["generic","openai:one","p1",""]',
    "of numbers": '["generic",1,2]',
    "cut off": '["generic","openai:o',
    "in other words": '["generic", "openai:one", "p1"]',
}
NAMELESS = ("", "words", "[" * 100_000, "[1,2,3]", '{"a":1,"b":2,"c":3}', '"abc"', '[ "generic","m","p"]', '["gen')
ROWS = [
    *((f'["generic","openai:one","{damage}"]', 1, body) for damage, body in BODIES.items()),
    *((name, 1, BODY) for name in NAMES.values()),
    ('["generic","openai:one","before the first version"]', 0, BODY),
]
"""Damaged shares of one companion type: their names, versions and bodies."""


async def plant(store: Store, name: str, version: int, body: str) -> None:
    """Write a share's texts into a store as they are."""
    kind = '"generic"'
    match store:
        case SQLiteStore():
            row = (name, kind, version, body)
            insert = "INSERT INTO shares (name, companion_type, version, body) VALUES (?, ?, ?, ?)"
            await store._writer.run(lambda connection: connection.execute(insert, row))
        case PostgresStore():
            insert = "INSERT INTO companions_shares (digest, companion_type, name, version, body)"
            digest = sha256(name.encode()).digest()
            await store._others.fetch(f"{insert} VALUES ($1, $2, $3, $4, $5)", digest, kind, name, version, body)
        case RedisStore():
            await store.link.run(command("HSET", SHARES, name, f"{version} {body}"))
        case _:
            assert await store.put_share(share(name, state={}))


async def damaged(store: Store) -> None:
    for row in ROWS:
        await plant(store, *row)


async def test_damaged_shares_are_told_beside_the_others_and_say_nothing(store: Store) -> None:
    others = [share("p0"), share("z"), share(companion_type="generi")]
    for each in others:
        assert await store.put_share(each)
    await damaged(store)
    for found in (await store.shares("generic"), [each for each in await store.shares() if each != others[2]]):
        assert [each for each in found if each in others] == others[:2]
        broken = [each for each in found if each not in others]
        assert len({each.name for each in broken}) == len(ROWS)
        for each in broken:
            assert each.companion_type == "generic"
            with pytest.raises(SumsError):
                from_json(each.state)


async def test_what_is_damaged_goes_with_what_was_learned_of_its_companion_type(store: Store) -> None:
    stays = share(companion_type="generi")
    assert await store.put_share(stays)
    assert await store.put_share(share())
    await damaged(store)
    assert await store.drop_shares("generic") == 1 + len(ROWS)
    assert await store.shares() == [stays]


async def test_a_text_without_a_companion_type_is_nobody_s_share(store: Store) -> None:
    assert await store.put_share(share())
    if not isinstance(store, MemoryStore):
        for name in NAMELESS:
            await plant(store, name, 1, BODY)
    assert await store.shares() == await store.shares("generic") == [share()]


async def test_a_process_learns_on_beside_damaged_shares_and_warns_of_each_once(store: Store) -> None:
    assert await store.put_share(taught())
    await damaged(store)
    knowledge = Knowledge(store=store, configured=lambda: {"openai:one"})
    knowledge.add("generic", "openai:one", told(1), time.time())
    with log_of("companions.learning") as said:
        for _ in range(2):
            await knowledge.exchange()
    assert knowledge.loaded
    assert knowledge.of("generic", "openai:one").slots == 2
    assert len(said) == len(ROWS)
    assert all("is set aside" in line for line in said)
    for body in (await patterns_of(store, "generic"), *await all_patterns(store)):
        assert (body["samples"], body["set_aside"]) == (2, len(ROWS))


async def test_damaged_shares_are_left_behind_by_a_copy(store: Store) -> None:
    assert await store.put_share(share())
    await damaged(store)
    target = MemoryStore()
    await copy_shares(store, target)
    assert await target.shares() == [share()]
