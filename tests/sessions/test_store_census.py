"""What a store holds as a whole, over every store: a walk through all owners' sessions, and how large it is."""

import pytest

from sessions.store import Head, Size, Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, note, projection
from tests.sessions.shared import share


async def test_a_walk_meets_every_living_session_of_every_owner_in_order_of_id(store: Store) -> None:
    for number, name in enumerate(("s_2", "S-1", "s-1", "s2", "S_2")):
        await Story(store, name, owner=f"owner {number % 3}", created_at=float(number)).write()
    parent = Story(store, "parent")
    await parent.write(note(), note())
    await parent.fork("fork", 2).write()
    await store.project([projection("s2", title="T")])
    for forgotten in ("parent", "s_2"):
        assert await store.tombstone(forgotten)

    ids = ["S-1", "S_2", "fork", "s-1", "s2"]
    heads = [await store.head(name) for name in ids]
    assert await store.scan() == heads
    assert heads[2] == Head(opening=parent.fork("fork", 2).opening, seq=3)
    for limit in (1, 2, 5):
        assert await pages(store, limit) == [ids[at : at + limit] for at in range(0, 5, limit)]
    assert await store.scan(after="s") == heads[3:]


async def pages(store: Store, limit: int) -> list[list[str]]:
    """Read the ids of all pages, as whoever walks a store does."""
    read, after = list[list[str]](), ""
    while page := await store.scan(after=after, limit=limit):
        read.append([head.opening.session_id for head in page])
        after = read[-1][-1]
    return read


async def test_an_empty_store_holds_nothing(store: Store) -> None:
    assert await store.scan() == []
    size = await store.size()
    assert (size.sessions, size.entries) == (0, 0)


async def test_a_size_counts_what_is_kept_once(store: Store) -> None:
    parent = Story(store, "parent")
    await parent.write(note(), note(), note(), note())
    await Story(store, "other", owner="bob").write(note(), note())
    await parent.fork("fork", 3).write()
    assert await counted(store) == (3, 7)
    # The fork still reads three of the parent's four.
    assert await store.tombstone("parent")
    assert await counted(store) == (2, 6)
    assert await store.tombstone("fork")
    assert await counted(store) == (1, 2)


async def counted(store: Store) -> tuple[int, int]:
    size = await store.size()
    return size.sessions, size.entries


@pytest.mark.parametrize("letter", ["x", "\u6f22"])
async def test_a_size_grows_with_a_large_text(store: Store, letter: str) -> None:
    story = Story(store)
    await story.write()
    before = await store.size()
    # Not one letter many times: a store may compress.
    text = "".join(f"{number} {letter} " for number in range(20_000))
    await story.write(note(text=text))
    after = await store.size()
    assert after.bytes >= before.bytes + len(text) // 2
    assert after == Size(sessions=1, entries=2, bytes=after.bytes)


async def test_what_was_learned_lies_beside_all_sessions(store: Store) -> None:
    await Story(store).write()
    before = await store.size()
    # So much that a store that counts in pages has taken another one.
    parts = [share(f"p{number}", state={"text": "x" * 1_500}) for number in range(60)]
    for each in parts:
        assert await store.put_share(each)
    after = await store.size()
    assert (after.sessions, after.entries) == (1, 1)
    assert (after.bytes > before.bytes) == (not isinstance(store, MemoryStore)), "in memory only texts are counted"
    assert await store.fold_shares(parts[1:], share("folded"))
    assert await store.put_share(share("p0", 2))
    assert await store.shares("generic") == [share("folded"), share("p0", 2)]
    assert await store.drop_shares("generic") == 2
    assert [head.opening.session_id for head in await store.scan()] == ["s1"]
