"""Loops for tests: calls for them as a tool makes them, and the texts of a model that writes what a test says.

What a loop comes to is each test's own.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from companions.entries import Entry
from sessions.calls import Waiting
from sessions.loops import Refined, Wish
from sessions.running import Key, Running
from sessions.store import Store
from tests.sessions.faults import OWNER, Process, unreported

WORDS = tuple(f"word{place}" for place in range(40))
MORE = "Say more."
CONTENT = '{"verdict": "accept"}'


def version(changed: int, by: str = "other") -> str:
    """A text of 40 words with the first few changed."""
    return " ".join([*(f"{by}{place}" for place in range(changed)), *WORDS[changed:]]) + "."


def loop_of(*versions: str) -> list[str | BaseException]:
    """Give what a model writes that is never content with these versions."""
    draft, *revisions = versions
    return [draft, *(text for revision in revisions for text in (MORE, revision))]


def votes(first: str, second: str) -> list[str]:
    """Give what a model says of two versions: of A and B the earlier stands first, of C and D the later."""
    return [json.dumps({"better": first}), json.dumps({"better": second})]


@asynccontextmanager
async def process_on(
    store: Store, *, keeps: bool = False, mode: str = "server", **defaults: Any
) -> AsyncGenerator[Process]:
    """Start a process whose model writes, unless a test says otherwise, and end it with the block."""
    process = Process.on(store, keeps=keeps, execution_mode=mode, **defaults)
    yield process
    process.model.gate.open()
    await process.calls.close()


async def refine(
    process: Process, session_id: str | None = None, *, seconds: float = 30.0, companion: str | None = None, **wish: Any
) -> Refined:
    """Call for a loop."""
    waiting = Waiting(seconds=seconds, every=max(seconds, 0.01), report=unreported)
    return await process.calls.refine(
        OWNER, session_id, companion, Wish(**wish), waiting=waiting, signature="host:tests"
    )


async def stop(process: Process, session_id: str, *, seconds: float = 30.0, companion: str | None = None) -> Refined:
    """Call for a loop's end."""
    waiting = Waiting(seconds=seconds, every=max(seconds, 0.01), report=unreported)
    return await process.calls.stop(OWNER, session_id, companion, waiting)


def shown(loop: Refined) -> tuple[int, str]:
    """Give the version that a loop hands back, and its text."""
    assert loop.shown is not None
    return (0 if loop.shown.kind == "draft" else loop.shown.index + 1), loop.shown.text


def loops(process: Process, session_id: str) -> list[Running]:
    """Give the calls for a session's loop that are under way, in the order in which they began."""
    return process.calls.runs.at(Key((session_id, "generic", "refine")))


async def steps(process: Process, session_id: str) -> list[str]:
    """Give what is stored of a session's steps, in order."""
    return [entry.text for entry in await kept(process, session_id, "draft", "critique", "revision")]


async def kept(process: Process, session_id: str, *kinds: str) -> list[Entry]:
    """Give the entries of some kinds, in order, and see that none is missing."""
    entries = await process.entries(session_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    return [entry for entry in entries if entry.kind in kinds]
