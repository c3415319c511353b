"""What sealing asks of every store: who wrote what, texts put in the place of others, and keys that are remembered."""

from dataclasses import replace

import pytest

from sessions.seal_store import SealableStore, Stretch
from sessions.store import Append, Committed
from tests.sessions.building import Story, note
from tests.sessions.sealed_stores import reworded

LONG = 230
"""Entries, more than any store copies or replaces in one go."""


async def grown(store: SealableStore) -> tuple[Story, Story, Story]:
    """Store a session, a fork of it behind half of it, and a fork of that."""
    parent = Story(store, "parent")
    await parent.write(*map(note, ("configure", "query", "draft", "critique")), note("revision", based_on=0), note())
    fork = parent.fork("fork", 3)
    await fork.write(note("critique", text="another"), note("revision", text="another", based_on=0))
    second = fork.fork("second", 4)
    await second.write(note("pick"))
    return parent, fork, second


async def test_a_lineage_names_who_wrote_what_also_once_they_are_forgotten(store: SealableStore) -> None:
    await grown(store)
    assert await store.lineage("nobody") == []
    assert await store.lineage("parent") == [Stretch("parent", 0)]
    whole = [Stretch("second", 4), Stretch("fork", 3), Stretch("parent", 0)]
    assert await store.lineage("second") == whole
    for name in ("fork", "parent"):
        assert await store.tombstone(name)
        assert await store.lineage(name) == []
        assert await store.lineage("second") == whole


async def test_what_a_session_wrote_is_replaced_where_it_and_its_forks_read_it(store: SealableStore) -> None:
    stories = await grown(store)
    for writer in stories:
        own = writer.entries[writer.base :]
        assert await store.rewrite(writer.session_id, reworded(own)) == len(own)
        for story in stories:
            story.entries = [reworded([entry])[0] if entry in own else entry for entry in story.entries]
        for story in stories:
            await story.check()
    for story in stories:
        await story.write(note("pick"))
        await story.check()


async def test_what_a_forgotten_session_wrote_is_replaced_for_the_fork_that_reads_it(store: SealableStore) -> None:
    parent, fork, _ = await grown(store)
    assert await store.tombstone("parent")
    assert await store.rewrite("parent", reworded(parent.entries[:3])) == 3
    fork.entries[:3] = reworded(parent.entries[:3])
    await fork.check()
    assert await store.page("parent") == []
    assert await store.tombstone("fork")
    assert await store.tombstone("second")
    assert await store.rewrite("parent", reworded(parent.entries)) == 0


async def test_only_the_entries_of_the_same_number_and_id_are_replaced(store: SealableStore) -> None:
    parent, fork, _ = await grown(store)
    wrong = [replace(parent.entries[0], id="another"), replace(parent.entries[1], seq=90)]
    assert await store.rewrite("parent", reworded(wrong)) == 0
    assert await store.rewrite("fork", reworded(fork.entries[:3])) == 0
    assert await store.rewrite("parent", []) == 0
    await parent.check()
    await fork.check()


@pytest.mark.parametrize("base", [0, 150])
async def test_a_long_session_is_replaced_as_a_whole_and_goes_on(store: SealableStore, base: int) -> None:
    parent = Story(store, "parent")
    await parent.write(*(note("pick", index=n) for n in range(LONG)))
    story = parent
    if base:
        story = parent.fork("fork", base)
        await story.write(*(note("pick", index=n) for n in range(LONG)))
    own = story.entries[base:]
    assert await store.rewrite(story.session_id, reworded(own)) == len(own)
    story.entries[base:] = reworded(own)
    await story.write(note("query"), note("draft"))
    await story.check()
    # One by one as well, the first and the last among them.
    for at in (base, base + 120, len(story.entries) - 1):
        (again,) = reworded([replace(story.entries[at], text="?")])
        again = replace(again, text="Once more.")
        assert await store.rewrite(story.session_id, [again]) == 1
        story.entries[at] = again
    await story.check()


async def test_long_texts_are_replaced(store: SealableStore) -> None:
    story = Story(store)
    await story.write(*(note("pick", index=n) for n in range(16)))
    own = [replace(entry, text=f"{entry.seq}" + 200_000 * "x") for entry in story.entries]
    assert await store.rewrite("s1", own) == 16
    story.entries[:] = own
    await story.check()


async def test_a_forgotten_session_is_not_brought_back_by_being_replaced(store: SealableStore) -> None:
    story = Story(store)
    await story.write(note("query"), note("draft"))
    assert await store.tombstone("s1")
    assert await store.rewrite("s1", reworded(story.entries)) == 0
    assert await store.head("s1") is None
    assert (await store.size()).entries == 0


async def test_keys_are_remembered_with_their_first_proof_until_they_are_dropped(store: SealableStore) -> None:
    assert await store.seals() == {}
    assert await store.put_seal("k1", "one") == "one"
    assert await store.put_seal("k1", "other") == "one"
    assert await store.put_seal("k2", "two") == "two"
    assert await store.seals() == {"k1": "one", "k2": "two"}
    await store.drop_seal("k1")
    await store.drop_seal("k1")
    assert await store.seals() == {"k2": "two"}
    story = Story(store)
    assert await store.append([story.append()]) == [Committed()]
    assert (await store.size()).sessions == 1


async def test_what_is_appended_between_reading_and_replacing_stays(store: SealableStore) -> None:
    story = Story(store)
    await story.write(note("query"), note("draft"))
    first = reworded(story.entries)
    await story.write(*(note("pick", index=n) for n in range(3)))
    assert await store.rewrite("s1", first) == 2
    story.entries[:2] = first
    await story.check()
    late = Append(session_id="s1", entries=story.append().entries)
    assert await store.append([late]) == [Committed()]
