"""Stores to copy, with everything that can stand in one, and what must have come of a copy.

What it expects is made from what was written and from what is documented; it shares nothing with the copying.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sessions.store import Projection, Store
from tests.sessions.building import COMPANIONS, TEXTS, Story, note

META: dict[str, Any] = {
    "similarity": 0.1 + 0.2,
    "usage": {"b": 1, "a": 2},
    "words": ["Ü", "\0", None, True],
    "based_on": 1,
}
FORGOTTEN = "m-forgotten"


def unheard(_sessions: int, _entries: int) -> None:
    """Hear how far a copy is, and tell nobody."""


async def filled(store: Store, length: int = 40) -> list[Story]:
    """Fill a store with everything that can stand in one; gives its living sessions.

    Ids sort so that each fork is met before the session that it was forked from.
    """
    long, texts = Story(store, "z-long", owner="bob"), Story(store, "y-texts")
    await long.write(*(note("pick", companion=COMPANIONS[n % 2], slot=n // 9, index=n) for n in range(length)))
    await texts.write(*(note("learned", text=text, **META) for text in TEXTS.values()))
    fork = long.fork("n-fork", length // 2)
    await fork.write(note("query"), note("draft", text="\0 of the fork"))
    lost = fork.fork(FORGOTTEN, length // 2 + 1)
    await lost.write(note("query"))
    orphan, second = lost.fork("b-orphan", length // 2 + 2), fork.fork("a-second", length // 2 + 2)
    for story in (orphan, second):
        await story.write(note("pick"), note("pick"))
    assert await store.tombstone(FORGOTTEN)
    shown = Projection(
        session_id="y-texts", seq=7, title="T\0", last_used=2_000.75, preview="Ü", companions={"generic": {"slot": 1}}
    )
    await store.project([shown, replace(shown, session_id="n-fork")])
    return [second, orphan, fork, texts, long]


async def check_all(stories: Sequence[Story], target: Store) -> None:
    for story in stories:
        await replace(story, store=target).check()


def digest_of(stories: Sequence[Story]) -> str:
    """Make the digest of a whole as its documentation says, from what was written."""
    whole = ""
    for story in sorted(stories, key=lambda story: story.session_id):
        lines: list[list[Any]] = [[story.session_id, story.owner, story.created_at]]
        lines += [
            [e.seq, e.id, e.companion_type, e.kind, e.slot, e.index, e.author, e.at, {**e.meta}, e.text]
            for e in story.entries
        ]
        text = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines)
        whole += f"{story.session_id} {hashlib.sha256(text.encode()).hexdigest()}\n"
    return hashlib.sha256(whole.encode()).hexdigest()
