"""What was sealed and then changed, moved or cut: it is told, never opens, and holds up nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from companions.entries import Entry
from companions.errors import UnopenedError
from sessions.forking import fork
from sessions.seal_store import SealableStore
from sessions.sealing.cipher import Cipher
from sessions.sealing.entries import SEALED, opened
from sessions.sealing.entries import sealed as sealed_entry
from sessions.spool.spool import Spool
from sessions.store import Append, Committed, Window
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, note, placed
from tests.sessions.faults import OWNER, Process
from tests.sessions.sealed_stores import BOTH, MARK, NEW_RING, OLD_RING, marked, sealed
from tests.sessions.spooling import ROOM, STORE, append


async def test_what_does_not_open_stays_in_the_spool_and_holds_up_no_other_session(tmp_path: Path) -> None:
    spool = Spool(tmp_path, STORE, limit=ROOM, keyring=NEW_RING)
    await spool.put([append("s1", 1), append("s2", 1), append("s1", 2)])
    await spool.close()
    heir = Spool(tmp_path, STORE, limit=ROOM, keyring=OLD_RING)
    assert await heir.adopt() == 3
    await heir.put([append("s1", 3), append("s3", 1)])
    assert [spooled.append for spooled in await heir.take()] == [append("s3", 1)]
    assert heir.entries == 5
    assert await heir.unopened() == {"s1", "s2"}
    await heir.close()
    again = Spool(tmp_path, STORE, limit=ROOM, keyring=BOTH)
    assert await again.adopt() == 5
    assert [spooled.append.session_id for spooled in await again.take()] == ["s1", "s2", "s1", "s1", "s3"]
    await again.close()


def spoilt(text: str) -> str:
    """Change one bit of what stands in base64."""
    at = len(text) // 2
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def changes(entry: Entry) -> dict[str, Entry]:
    """Give an entry with each of its fields changed, one at a time."""
    head = dict(entry.meta[SEALED])
    metas: dict[str, dict[str, Any]] = {
        "the sealed meta": head | {"meta": spoilt(head["meta"])},
        "no sealed meta": {name: value for name, value in head.items() if name != "meta"},
        "the key": head | {"key": "new"},
        "the session": head | {"session": "s2"},
        "a parent": head | {"before": ["s0", 1]},
        "no session": {"key": "old"},
        "a text for a meta": head | {"meta": entry.text},
    }
    changed = {name: replace(entry, meta={**entry.meta, SEALED: value}) for name, value in metas.items()}
    columns: dict[str, Any] = {
        "text": spoilt(entry.text),
        "companion_type": "strategy",
        "kind": "draft",
        "slot": 1,
        "index": 1,
        "seq": entry.seq + 1,
        "id": "other",
        "author": "bob",
        "at": entry.at + 1,
        "meta": {**entry.meta, "based_on": 7},
    }
    changed |= {name: replace(entry, **{name: value}) for name, value in columns.items()}
    cut = {str(length): entry.text[:length] for length in (0, 4, 16, 40, len(entry.text) - 4)}
    changed |= {f"cut at {name}": replace(entry, text=text) for name, text in cut.items()}
    return changed | {
        "a meta for a text": replace(entry, text=head["meta"]),
        "no base64": replace(entry, text="ü" + entry.text),
        "no guard": replace(entry, meta={name: value for name, value in entry.meta.items() if name != "guard"}),
        "damage": replace(entry, meta={**entry.meta, SEALED: 5}),
    }


def test_an_entry_of_which_anything_was_changed_does_not_open() -> None:
    cipher = Cipher(BOTH)
    entry = placed(note("revision", guard="empty", based_on=0, evidence=MARK), 3)
    closed = sealed_entry(Cipher(OLD_RING), entry, "s1", None)
    assert opened(cipher, closed) == entry
    for name, changed in changes(closed).items():
        assert opened(cipher, changed) is None, name
    # Without a meta the text alone is bound to its entry.
    bare = sealed_entry(cipher, placed(note("draft"), 3), "s1", None)
    for changed in (replace(bare, id="other"), replace(bare, author="bob"), replace(bare, meta={**bare.meta, "a": 1})):
        assert opened(cipher, bare) is not None
        assert opened(cipher, changed) is None


async def test_a_text_that_was_moved_or_changed_in_the_store_is_told_and_never_shown(store: SealableStore) -> None:
    face = sealed(store)
    stories = [await marked(face, name) for name in ("s1", "s2")]
    (one, other), (far, _) = [(await store.page(name, limit=2)) for name in ("s1", "s2")]
    moved = {
        "within": replace(one, text=other.text, meta=other.meta),
        "from another session": replace(one, text=far.text, meta=far.meta),
        "flipped": replace(one, text=spoilt(one.text)),
    }
    for name, changed in moved.items():
        assert await store.rewrite("s1", [changed]) == 1
        with pytest.raises(UnopenedError, match=r"Entry 1 of session s1 does not open.* forget") as told:
            await face.page("s1", limit=5)
        assert MARK not in str(told.value), name
        with pytest.raises(UnopenedError, match="Entry 1 of session s1"):
            await face.tail("s1", "generic", Window(versions=8, exchanges=6))
        assert await face.page("s1", after=1, limit=50) == stories[0].entries[1:]
        await stories[1].check()
    assert await store.rewrite("s1", [one]) == 1
    await stories[0].check()


async def test_a_session_with_damage_is_listed_forked_before_it_and_forgotten_while_others_go_on() -> None:
    store = MemoryStore()
    process = Process.on(sealed(store), keeps=True)
    session_id = (await process.step("draft", query="Where?", text="Here.")).session_id
    other = (await process.step("draft", query="When?", text="Now.")).session_id
    await process.step("critique", session_id, text="Why?")
    await process.calls.close()
    last = (await store.page(session_id, limit=10))[-1]
    assert await store.rewrite(session_id, [replace(last, text=spoilt(last.text))]) == 1
    again = Process.on(sealed(store), keeps=True)
    sessions = again.calls.desk.sessions
    with pytest.raises(
        UnopenedError, match=f"Entry {last.seq} of session {session_id}.*fork the session at {last.seq - 1}"
    ):
        await again.step("revise", session_id, text="There.")
    titles = [head.projection.title for head in await sessions.list(OWNER) if head.projection is not None]
    assert titles == ["Where?", "When?"]
    await again.step("critique", other, text="Really?")
    made = await fork(sessions, OWNER, session_id, last.seq - 1)
    await again.step("critique", made.session_id, text="Why there?")
    await sessions.forget(OWNER, session_id)
    assert {head.opening.session_id for head in await sessions.list(OWNER)} == {made.session_id, other}
    await again.calls.close()


async def test_what_listings_show_is_made_again_of_the_entries_where_it_was_changed() -> None:
    store = MemoryStore()
    process = Process.on(sealed(store), keeps=True)
    session_id = (await process.step("draft", query="Where?", text="Here.")).session_id
    await process.calls.close()
    head = await store.head(session_id)
    assert head is not None
    assert head.projection is not None
    assert (head.projection.title, "Where" in repr(head)) == ("", False)
    await store.project([replace(head.projection, last_used=head.projection.last_used + 1)])
    again = Process.on(sealed(store), keeps=True)
    (found,) = await again.calls.desk.sessions.list(OWNER)
    assert found.projection is not None
    assert (found.projection.title, found.projection.preview) == ("Where?", "Here.")
    await again.calls.close()


async def test_an_entry_of_a_session_does_not_open_in_another_even_at_its_number_and_under_its_id() -> None:
    store = MemoryStore()
    face = sealed(store)
    await marked(face)
    stolen = await store.page("s1")
    opening = Story(store, "thief", owner="bob").opening
    assert await store.append([Append(session_id="thief", entries=tuple(stolen), opening=opening)]) == [Committed()]
    with pytest.raises(UnopenedError, match="Entry 1 of session thief does not open"):
        await face.page("thief")
    parent = Story(face, "parent")
    await parent.write(note("query"), note("draft"), note("critique"))
    made = parent.fork("fork", 2)
    await made.write(note("pick"))
    # What the parent wrote behind the fork is not the fork's, though both begin alike.
    (late,) = await store.page("parent", after=2)
    assert await store.rewrite("fork", [replace(late, id="call-3")]) == 1
    with pytest.raises(UnopenedError, match="Entry 3 of session fork does not open"):
        await face.page("fork")
