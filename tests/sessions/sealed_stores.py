"""Sealed stores for tests: keys, what is put into one, and all bytes that a store or a spool holds of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from companions.entries import Entry, Kind
from sessions.seal_store import SealableStore
from sessions.sealing.keys import Keyring
from sessions.sealing.store import SealedStore
from sessions.store import Projection, Store
from sessions.stores.redis.store import RedisStore
from sessions.stores.sqlite.store import SQLiteStore
from tests.servers.postgres_server import run
from tests.sessions.building import Story, note
from tests.sessions.redis_looking import dumped

OLD, NEW, LOST = ({name: bytes([number]) * 32} for number, name in enumerate(("old", "new", "lost"), start=1))
OLD_RING, NEW_RING = Keyring(OLD), Keyring(NEW)
BOTH = Keyring(NEW | OLD)
"""The new one seals."""
MARK = "xq7wordsofaperson"
"""Stands in everything that a person might have written."""
WORDED: tuple[Kind, ...] = ("configure", "query", "draft", "critique", "revision", "pick", "workflow", "alternative")
TABLES = ("sessions", "entries", "attachments", "leases", "shares", "seals")


def told(kind: Kind) -> dict[str, Any]:
    """Give a meta with a person's words wherever there can be some."""
    meta = {"evidence": MARK, "note": [MARK], "question": {MARK: MARK}, "why": f"because of {MARK}", "usage": {"a": 1}}
    return meta | ({"based_on": 0, "guard": MARK} if kind == "revision" else {})


async def marked(store: Store, session_id: str = "s1") -> Story:
    """Write a session that is full of a person's words, and what listings show of it."""
    story = Story(store, session_id)
    await story.write(*(note(kind, text=f"{MARK} {kind}", **told(kind)) for kind in WORDED))
    shown: dict[str, Any] = {"generic": {"phase": "critique", "workflow": {"question": MARK}}}
    seq = len(story.entries)
    await store.project(
        [Projection(session_id=session_id, seq=seq, title=MARK, last_used=1.5, preview=MARK, companions=shown)]
    )
    return story


async def bytes_of(store: SealableStore, request: pytest.FixtureRequest) -> bytes:
    """Read all that a store holds, past the store."""
    match store:
        case SQLiteStore():
            return await asyncio.to_thread(files_of, request.getfixturevalue("tmp_path") / "store")
        case RedisStore():
            return await dumped(store)
        case _ if "postgres_url" in request.fixturenames:
            url, found = request.getfixturevalue("postgres_url"), b""
            for table in TABLES:
                rows = await asyncio.to_thread(run, url, f"SELECT t::text FROM companions_{table} AS t")  # noqa: S608 (constants)
                # What is bytes there is told in hexadecimal.
                found += rows.replace(MARK.encode().hex(), MARK).encode()
            return found
        case _:
            entries = [await store.page(head.opening.session_id, limit=10_000) for head in await store.scan()]
            return repr((entries, await store.scan())).encode()


def files_of(folder: Path) -> bytes:
    return b"".join(path.name.encode() + path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def sealed(store: SealableStore, keyring: Keyring | None = OLD_RING) -> SealedStore:
    return SealedStore(store, keyring)


def reworded(entries: Sequence[Entry]) -> list[Entry]:
    return [
        replace(entry, text=f"Other {entry.seq} \0 ü", meta={**entry.meta, "new": [entry.seq]}) for entry in entries
    ]
