"""Who still reads a session, asked of every store."""

from sessions.erasure_store import Reader
from sessions.store import Store
from tests.sessions.building import Story, note


def reader(story: Story, at: int) -> Reader:
    return Reader(session_id=story.session_id, owner=story.owner, created_at=story.created_at, at=at)


async def test_readers_are_living_forks_and_those_of_forgotten_forks_the_oldest_first(store: Store) -> None:
    parent = Story(store, "p")
    await parent.write(*(note("pick", index=n) for n in range(6)))
    young, old = parent.fork("young", 5), parent.fork("old", 2)
    young.created_at, old.created_at, old.owner = 3_000.0, 2_000.0, "bob"
    for fork in (young, old):
        await fork.write(note(), note())
    near, far = young.fork("near", 4), young.fork("far", 6)
    near.created_at, far.created_at = 4_000.0, 5_000.0
    for fork in (near, far):
        await fork.write(note())

    assert await store.readers("p") == [reader(old, 2), reader(young, 5)]
    assert await store.readers("young") == [reader(near, 4), reader(far, 6)]
    for forgotten in ("p", "young"):
        await store.tombstone(forgotten)
    # What the last of them shares with the parent ends where its own forgotten parent began.
    assert await store.readers("p") == [reader(old, 2), reader(near, 4), reader(far, 5)]
    await store.tombstone("near")
    assert await store.readers("young") == [reader(far, 6)]
    assert await store.readers("near") == await store.readers("nobody") == []
