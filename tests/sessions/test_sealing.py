"""Encryption at rest: no words of a person stand in a store or a spool, and what was sealed opens as it was, or not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companions.errors import StoreError, UnopenedError
from sessions.copying import copy
from sessions.forking import fork
from sessions.seal_store import SealableStore
from sessions.sealing.cipher import Cipher
from sessions.sealing.entries import SEALED, opened
from sessions.sealing.entries import sealed as sealed_entry
from sessions.sealing.refusals import copy_seals
from sessions.spool.spool import Spool
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, note, placed
from tests.sessions.copies import check_all, filled, unheard
from tests.sessions.faults import OWNER, Process
from tests.sessions.sealed_stores import BOTH, LOST, MARK, NEW_RING, OLD_RING, Keyring, bytes_of, marked, sealed
from tests.sessions.spooling import ROOM, STORE, append, contents, waiting

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
METAS = st.dictionaries(st.text().filter(lambda name: name != SEALED) | st.sampled_from(["guard", "based_on"]), JSON)


@pytest.mark.parametrize("keyring", [None, OLD_RING], ids=["plain", "sealed"])
async def test_no_words_of_a_person_stand_in_a_sealed_store(
    store: SealableStore, keyring: Keyring | None, request: pytest.FixtureRequest
) -> None:
    face = sealed(store, keyring)
    story = await marked(face)
    process = Process.on(face, keeps=True)
    session_id = (await process.step("draft", query=f"{MARK}?", text=MARK)).session_id
    await process.step("critique", session_id, text=MARK, evidence=MARK)
    await process.step("revise", session_id, text=f"{MARK} and more words")
    made = await fork(process.calls.desk.sessions, OWNER, session_id)
    await process.step("critique", made.session_id, text=MARK)
    await process.calls.close()
    assert (MARK.encode() in await bytes_of(store, request)) == (keyring is None)
    await story.check()
    head = await face.head("s1")
    assert head is not None
    assert (shown := head.projection) is not None
    assert (shown.title, shown.preview) == (MARK, MARK)
    assert shown.companions["generic"]["workflow"] == {"question": MARK}


@pytest.mark.parametrize("keyring", [None, OLD_RING], ids=["plain", "sealed"])
async def test_no_words_of_a_person_stand_in_a_sealed_spool(tmp_path: Path, keyring: Keyring | None) -> None:
    spool = Spool(tmp_path, STORE, limit=ROOM, keyring=keyring)
    appends = [append("s1", 1, text=MARK, opening=True), append("s2", 4, text=MARK)]
    await spool.put(appends)
    assert (MARK.encode() in contents(tmp_path)) == (keyring is None)
    assert await waiting(spool) == appends
    assert await spool.opening("s1") == appends[0].opening
    await spool.close()
    heir = Spool(tmp_path, STORE, limit=ROOM, keyring=BOTH)
    assert await heir.adopt() == 2
    assert await waiting(heir) == appends
    await heir.drop([spooled.number for spooled in await heir.take()])
    await heir.close()


@given(text=st.text(), meta=METAS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_and_meta_open_as_they_were_sealed(text: str, meta: dict[str, Any]) -> None:
    cipher = Cipher(OLD_RING)
    entry = replace(placed(note("draft"), 3), text=text, meta=meta)
    closed = sealed_entry(cipher, entry, "s1", None)
    assert closed.meta.keys() <= {SEALED, "guard", "based_on"}
    # As a store keeps it.
    kept = replace(closed, meta=json.loads(json.dumps(dict(closed.meta))))
    assert opened(Cipher(BOTH), kept) == entry
    assert sealed_entry(cipher, entry, "s1", None).text != closed.text


async def test_two_processes_with_the_same_keys_work_on_one_session(
    store: SealableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both are in this one, so that memory is shared for once.
    monkeypatch.setattr(MemoryStore, "shared", True)
    one, two = (Process.on(sealed(store, keyring), keeps=True) for keyring in (OLD_RING, BOTH))
    session_id = (await one.step("draft", query="Where?", text="v0")).session_id
    await two.step("critique", session_id, text="c0")
    with pytest.raises(UnopenedError, match="sealed with the key 'new', which is not in COMPANIONS_ENCRYPTION_KEYS"):
        await one.step("revise", session_id, text="v1")
    await two.step("revise", session_id, text="v1")
    found = await sealed(store, BOTH).page(session_id)
    assert [entry.text for entry in found if entry.text] == ["Where?", "v0", "c0", "v1"]
    for process in (one, two):
        await process.calls.close()


async def test_a_store_lets_in_only_who_has_every_key_that_it_was_sealed_with(store: SealableStore) -> None:
    story = await marked(sealed(store))
    wrong = {
        "no key is set": None,
        "sealed with the key 'old', not among": NEW_RING,
        "is not the one of that id": Keyring({"old": bytes(32)}),
    }
    for told, keyring in wrong.items():
        face = sealed(store, keyring)
        for call in (face.page("s1"), face.head("s1"), face.list("ann"), face.append([Story(face, "s2").append()])):
            with pytest.raises(UnopenedError, match=told):
                await call
    assert await store.head("s2") is None
    story.store = sealed(store, BOTH)
    await story.check()
    with pytest.raises(UnopenedError, match="is not the one of that id"):
        await sealed(store, Keyring({**BOTH.keys, "old": bytes(32)})).page("s1")


async def test_entries_from_before_there_was_a_key_stay_readable_and_new_ones_are_sealed() -> None:
    store = MemoryStore()
    plain = sealed(store, None)
    story = await marked(plain)
    story.store = sealed(store)
    await story.write(note("pick", text=f"{MARK} again"))
    await story.check()
    assert [SEALED in entry.meta for entry in await store.page("s1")] == [False] * 8 + [True]
    # Whoever was let in before anything was sealed is told, too.
    with pytest.raises(UnopenedError, match="'old', which is not in"):
        await plain.page("s1")


async def test_sessions_and_forks_of_all_kinds_read_the_same_sealed_and_copied_without_a_key(
    store: SealableStore,
) -> None:
    stories = await filled(sealed(store))
    await check_all(stories, sealed(store))
    target = MemoryStore()
    await copy_seals(store, target)
    copied = await copy(store, target, unheard)
    assert (copied.sessions, copied.differing) == (5, ())
    # One of them was a fork whose parent is gone; it goes on, and is forked in turn.
    face = sealed(target)
    await check_all(stories, face)
    orphan = next(replace(story, store=face) for story in stories if story.session_id == "b-orphan")
    again = orphan.fork("z-again", 21)
    await again.write(note("pick"))
    await orphan.write(note("pick"))
    assert await target.tombstone("b-orphan")
    await check_all([again], sealed(target))
    with pytest.raises(UnopenedError, match="no key is set"):
        await sealed(target, None).head("b-orphan")
    other = MemoryStore()
    await other.put_seal("old", "the proof of another key")
    with pytest.raises(UnopenedError, match="different keys that are both called 'old'"):
        await copy_seals(store, other)


async def test_a_text_with_half_a_character_is_refused_as_every_store_refuses_it() -> None:
    with pytest.raises(StoreError, match="half a character"):
        await Story(sealed(MemoryStore())).write(note(text="\ud800"))


def test_keys_are_not_shown() -> None:
    assert "\\x03" not in repr(Keyring(LOST)) + repr(sealed(MemoryStore(), Keyring(LOST)))
