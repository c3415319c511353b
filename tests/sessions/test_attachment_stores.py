"""What is attached to queries, over every store: kept with a session, read through forks, gone with the last reader."""

from hashlib import sha256

import pytest

from sessions.attachment_store import Content
from sessions.store import Store
from tests.sessions.building import Story, note

PLAIN = b"\x89PNG\r\n\x1a\n\x00{braces} \xff sealed k1"


def content(data: bytes = PLAIN) -> Content:
    return Content(address=sha256(data).hexdigest(), data=data)


@pytest.fixture
async def story(store: Store) -> Story:
    made = Story(store)
    await made.write(note("query"), note("draft"), note())
    return made


@pytest.mark.usefixtures("story")
async def test_what_is_kept_is_read_back_byte_for_byte(store: Store) -> None:
    large = bytes(range(256)) * 8_000
    assert await store.attachments.put("s1", 1, [content(), content(large)])
    assert await store.attachments.get("s1", ["0" * 64, content().address]) == content()
    assert await store.attachments.get("s1", [content(large).address]) == content(large)
    assert await store.attachments.get("s1", ["0" * 64]) is None
    assert await store.attachments.get("s1", []) is None


@pytest.mark.usefixtures("story")
async def test_what_is_put_twice_is_kept_once_under_its_first_entry(store: Store) -> None:
    assert await store.attachments.put("s1", 1, [content()])
    assert await store.attachments.put("s1", 3, [content(), content(b"more")])
    assert sorted((await store.attachments.kept("s1")).values()) == [1, 3]


@pytest.mark.usefixtures("story")
async def test_nothing_is_kept_for_a_session_that_does_not_live(store: Store) -> None:
    assert not await store.attachments.put("nobody", 1, [content()])
    assert await store.attachments.put("s1", 1, [content()])
    await store.tombstone("s1")
    assert not await store.attachments.put("s1", 1, [content()])
    for name in ("nobody", "s1"):
        assert await store.attachments.get(name, [content().address]) is None
        assert await store.attachments.kept(name) == {}


async def test_a_fork_reads_what_its_part_of_the_parent_names_also_when_that_is_forgotten(
    store: Store, story: Story
) -> None:
    early, late = content(b"early"), content(b"late")
    await store.attachments.put("s1", 1, [early])
    await store.attachments.put("s1", 3, [late])
    fork = story.fork("fork", 2)
    await fork.write()
    await fork.fork("grandchild", 3).write()
    for forgotten in ("s1", "fork", ""):
        for reader in {"fork", "grandchild"} - {forgotten}:
            if forgotten == "" and reader == "fork":
                continue
            assert await store.attachments.get(reader, [early.address]) == early
            assert await store.attachments.get(reader, [late.address]) is None
            assert list((await store.attachments.kept(reader)).values()) == [1]
        if forgotten:
            await store.tombstone(forgotten)


async def test_what_no_fork_reads_any_more_is_gone(store: Store, story: Story) -> None:
    await store.attachments.put("s1", 1, [content()])
    fork = story.fork("fork", 2)
    await fork.write()
    await store.attachments.put("fork", 3, [content(b"own")])
    empty = await store.size()
    await store.tombstone("s1")
    await store.tombstone("fork")
    again = Story(store, "again")
    await again.write()
    assert await store.attachments.kept("again") == {}
    assert (await store.size()).entries < empty.entries


async def test_what_is_replaced_is_found_under_its_new_address_by_every_reader(store: Store, story: Story) -> None:
    await store.attachments.put("s1", 1, [content()])
    fork = story.fork("fork", 2)
    await fork.write()
    await store.tombstone("s1")
    (address,) = await store.attachments.kept("fork")
    new = Content(address="another", data=b"other bytes")
    assert await store.attachments.rewrite("fork", address, new)
    assert not await store.attachments.rewrite("fork", address, new)
    assert not await store.attachments.rewrite("nobody", "another", new)
    assert await store.attachments.kept("fork") == {"another": 1}
    assert await store.attachments.get("fork", [address]) is None
