"""What is kept, looked at from both ends: through the Store protocol, and through a server's own pages."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Any

from fastmcp.exceptions import ToolError

from sessions.opening import open_store
from sessions.store import Store
from tests.survival.checker import Findings, Step, check
from tests.survival.lines import UNREACHED
from tests.wire.processes import Connection
from tests.wire.reading import JSON, show

PAGE = 500
PATIENCE_SECONDS = 40.0
"""Within which a store must have what was kept for it while it did not answer."""
LOOKS_AT_ONCE = 16
"""Companions that are read at the same time: a server serves one owner so many calls at once."""
LOOK_SECONDS = 0.1


async def kept(url: str, session_ids: Collection[str] | None = None) -> list[Step]:
    """Read whole sessions from a store, all there are unless some are named; those that it lacks give nothing."""
    store = open_store(url)
    try:
        found = [session_id async for session_id in _all(store)] if session_ids is None else session_ids
        return [step for session_id in found for step in await _session(store, session_id)]
    finally:
        await store.close()


async def checked(
    url: str, answered: Sequence[Step], sent: Collection[str], session_ids: Collection[str] | None = None
) -> tuple[Findings, list[Step]]:
    """Check a store, and again for a while if something is wrong: what a server kept meanwhile is on its way.

    Args:
        url: The store.
        answered: What must be there, in the order of the answers.
        sent: Every text that a caller ever sent; it may grow.
        session_ids: Where to look: every session unless some are named.

    Returns:
        What was found at last, and what is kept.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        stored = await kept(url, session_ids)
        found = check(answered, stored, sent)
        if not found.lines() or time.monotonic() > until:
            return found, stored
        await asyncio.sleep(LOOK_SECONDS)


async def _all(store: Store) -> AsyncIterator[str]:
    after = ""
    while heads := await store.scan(after=after, limit=PAGE):
        for head in heads:
            after = head.opening.session_id
            yield after


async def _session(store: Store, session_id: str) -> list[Step]:
    steps: list[Step] = []
    while entries := await store.page(session_id, after=steps[-1].seq if steps else 0, limit=PAGE):
        steps += [Step.of(session_id, entry) for entry in entries]
    return steps


async def shown(client: Connection, companions: Iterable[tuple[str, str]]) -> list[Step]:
    """Read companions through a server: places from their timelines, texts from their run_logs."""
    turns = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def one(session_id: str, name: str) -> list[Step]:
        async with turns:
            return await _companion(client, session_id, name)

    found = await asyncio.gather(*(one(session_id, name) for session_id, name in companions))
    return [step for steps in found for step in steps]


async def _companion(client: Connection, session_id: str, companion_type: str) -> list[Step]:
    # The timeline first: what is added meanwhile is in the texts then, and no line lacks its text.
    lines = [line for page in await _pages(client, session_id, companion_type, "timeline") for line in page["timeline"]]
    texts: dict[tuple[str, int, int], str] = {}
    for page in await _pages(client, session_id, companion_type, "run_log"):
        for slot in page["run_log"]:
            texts |= _texts(slot)
    steps: list[Step] = []
    for line in lines:
        kind, slot, index = line["kind"], line["slot"], max(line.get("iteration", 0) - 1, 0)
        text = texts.get((kind, slot, index), "")
        steps.append(
            Step(
                session_id=session_id,
                companion_type=companion_type,
                kind=kind,
                slot=slot,
                index=index,
                seq=line["seq"],
                text=text,
            )
        )
    return steps


async def _pages(client: Connection, session_id: str, companion_type: str, part: str) -> list[JSON]:
    pages = [await _page(client, session_id, part, companion_type=companion_type)]
    while (offset := pages[-1].get("next_offset")) is not None:
        pages.append(await _page(client, session_id, part, companion_type=companion_type, offset=offset))
    return pages


async def _page(client: Connection, session_id: str, part: str, **more: Any) -> JSON:
    """Ask for a page until it is shown: a server on a busy machine may take its store to be away for a moment."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await show(client, session_id, part, **more)
        except ToolError as error:
            if UNREACHED.search(str(error)) is None or time.monotonic() > until:
                raise
            await asyncio.sleep(LOOK_SECONDS)


def _texts(slot: JSON) -> dict[tuple[str, int, int], str]:
    number = slot["slot"]
    found = {(kind, number, 0): slot[kind] for kind in ("query", "draft") if slot.get(kind)}
    for kind in ("critique", "revision"):
        for place, text in enumerate(slot.get(kind, ()), start=slot.get(f"first_{kind}", 0)):
            found[kind, number, place] = text
    return found
