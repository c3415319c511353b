"""Servers that idle, or write, while a store is sealed with another key: what they store is found, or refused."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from companions.errors import UnopenedError
from sessions.seal_store import SealableStore
from sessions.sealing import admission
from sessions.sealing.keys import Keyring
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import note
from tests.sessions.copies import check_all
from tests.sessions.sealed_stores import BOTH, NEW_RING, OLD_RING, marked, sealed
from tests.sessions.test_rotating import keys_in, rotated, unhurried

__all__ = ["unhurried"]

OLD_FIRST = Keyring({**OLD_RING.keys, **NEW_RING.keys})


class Meanwhile:
    """A store that has something done just before the nth call of one name; all else is the store's own."""

    def __init__(self, store: SealableStore, name: str, nth: int, act: Callable[[], Awaitable[Any]]) -> None:
        self._store, self._name, self._nth, self._act = store, name, nth, act
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)
        return partial(self._counted, call) if name == self._name else call

    async def _counted(self, call: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        self.calls += 1
        if self.calls == self._nth:
            await self._act()
        return await call(*given)


async def nothing() -> None: ...


async def test_a_server_that_idled_through_a_rotation_has_the_store_ask_for_its_key_again(store: SealableStore) -> None:
    idle = await marked(sealed(store, OLD_FIRST))
    assert (await rotated(store, BOTH)).dropped == ["old"]
    await idle.write(note("pick"))
    with pytest.raises(UnopenedError, match="sealed with the key 'old', not among"):
        await sealed(store, NEW_RING).page("s1")
    assert (await rotated(store, BOTH)).dropped == ["old"]
    await check_all([idle], sealed(store, NEW_RING))


async def test_a_key_is_not_needless_while_a_server_says_that_it_seals_with_it() -> None:
    store = MemoryStore()
    story = await marked(sealed(store, OLD_FIRST))
    empty = sealed(store, OLD_FIRST)
    beside = Meanwhile(store, "seals", 3, partial(empty.project, []))
    done = await rotated(beside, BOTH)
    assert (done.whole, done.left, done.used, done.dropped) == (False, 0, ["old"], [])
    assert await store.seals() == {name: BOTH.proof(name) for name in ("old", "new")}
    assert (await rotated(store, BOTH)).dropped == ["old"]
    await check_all([story], sealed(store, NEW_RING))


@pytest.mark.parametrize("before", [None, OLD_FIRST], ids=["plain", "sealed"])
async def test_what_a_server_stores_that_looked_before_a_rotation_ended_is_found_by_it(
    before: Keyring | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    story = await marked(sealed(store, before))

    async def write() -> None:
        monkeypatch.setattr(admission, "EXPIRY", 3600.0)
        await story.write(note("pick"))
        monkeypatch.setattr(admission, "EXPIRY", 0.0)

    done = await rotated(Meanwhile(store, "seals", 2, write), BOTH)
    assert (done.whole, done.left, done.dropped) == (False, 1, [])
    assert await keys_in(store) == {"new"}
    assert set(await store.seals()) == ({"new"} if before is None else {"old", "new"})
    assert (await rotated(store, BOTH)).whole
    await check_all([story], sealed(store, NEW_RING))


async def test_a_server_without_keys_is_refused_once_the_store_is_sealed(store: SealableStore) -> None:
    plain = sealed(store, None)
    story = await marked(plain)
    assert (await rotated(store, OLD_RING)).whole
    head = await store.head("s1")
    assert head is not None
    assert head.projection is not None
    for call in (plain.append([story.append()]), plain.project([head.projection])):
        with pytest.raises(UnopenedError, match="no key is set"):
            await call
    assert await keys_in(store) == {"old"}


@pytest.mark.parametrize("keyring", [None, OLD_RING], ids=["plain", "sealed"])
async def test_seals_are_looked_at_once_for_all_appends_of_some_seconds(
    keyring: Keyring | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "EXPIRY", 3600.0)
    counted: Any = Meanwhile(MemoryStore(), "seals", 0, nothing)
    story = await marked(sealed(counted, keyring))
    for _ in range(5):
        await story.write(note("pick"))
    assert counted.calls == 1
    monkeypatch.setattr(admission, "EXPIRY", 0.0)
    await story.write(note("pick"))
    assert counted.calls == 2
