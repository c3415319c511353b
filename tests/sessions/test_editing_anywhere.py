"""Edits of any slot, at any time, in sessions of any length: each reader holds what a replay of all entries gives."""

import asyncio
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.awake import read_companion
from sessions.labelling import set_title
from sessions.slots import companion_at
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story
from tests.sessions.edited import companion_of, edited, messages, part, replayed, shown_to_the_next_draft
from tests.sessions.faults import OWNER, Process
from tests.sessions.forks import forked
from tests.sessions.slotted import thinking

SLOTS = 1_250
"""Of an iteration each: 5,000 steps."""
ACTIONS = ("draft", "go on", "go on", "redo", "query", "answer", "answer", "left_out", "title")
SCRIPTS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 8)), min_size=4, max_size=24)


async def act(process: Process, session_id: str, action: str, number: int, text: str) -> None:
    slot = (await companion_of(process, session_id)).slot
    assert slot is not None
    if action == "draft":
        await process.step("draft", session_id, query=f"{text}?", text=text)
    elif action == "go on":
        await process.step("critique" if slot.phase == "critique" else "revise", session_id, text=text)
    elif action == "redo":
        step = "critique" if slot.phase == "revise" else "revise" if slot.revisions else "draft"
        await process.step(step, session_id, text=text, redo=True)
    elif action == "title":
        await set_title(process.calls.desk.sessions, OWNER, session_id, text)
    else:
        wished: dict[str, Any] = {action: bool(number % 2) if action == "left_out" else text}
        await edited(process, session_id, number % (slot.number + 1), **wished)


async def follow(script: list[tuple[str, int]]) -> None:
    process = Process.on(MemoryStore())
    session_id = (await process.step("draft", query="First?", text="The first text.")).session_id
    for place, (action, number) in enumerate(script):
        await act(process, session_id, action, number, f"Text {place} has {number} in it")
    entries, live = await process.entries(session_id), await companion_of(process, session_id)
    assert await read_companion(process.store, session_id, "generic") == live == replayed(entries)
    fork = await forked(process, session_id)
    assert (await fork.look("generic")).history == live.history
    assert (await fork.look("generic")).slot == live.slot
    assert (await fork.look("generic")).edits == live.edits
    for exchange in live.history:
        earlier = (await companion_at(fork, "generic", exchange.query.slot)).slot
        assert earlier is not None
        assert (earlier.query, earlier.current) == (exchange.query, exchange.answer)
    await process.calls.close()


@settings(max_examples=40, deadline=None)
@given(SCRIPTS)
def test_a_restored_companion_a_fork_and_an_earlier_slot_hold_what_a_replay_gives(
    script: list[tuple[str, int]],
) -> None:
    asyncio.run(follow(script))


async def test_in_a_session_of_5_000_steps_an_edit_and_a_page_of_history_read_no_more_than_in_a_short_one() -> None:
    async def reads_in(slots: int) -> list[int]:
        story = Story(MemoryStore())
        await story.write(*thinking([1] * slots))
        process = Process.on(story.store, keeps=True)
        process.store.breaks("page", *[None] * 10_000)
        counts: list[int] = []

        async def count() -> None:
            counts.append(10_000 - len(process.store.faults["page"]) - sum(counts))

        for slot in (3, slots - 2):
            await edited(
                process, story.session_id, slot, answer=f"Mended {slot}.", query=f"Meant {slot}?", left_out=False
            )
            await count()
        shown = await shown_to_the_next_draft(Process.on(story.store, keeps=True), story.session_id)
        assert f"Mended {slots - 2}." in shown
        await count()
        page = await messages(process, story.session_id, slot=None, offset=slots - 8)
        assert len(page["messages"]) == 16
        await count()
        assert (await part(process, story.session_id, "answer", slot=3))["text"] == "Mended 3."
        await process.calls.close()
        return counts

    short, long = await reads_in(12), await reads_in(SLOTS)
    assert short[1:] == long[1:]
    # An old slot is looked for a few times, each in a number of reads that grows with the logarithm.
    assert long[0] <= 4 * 2 * math.log2(4 * SLOTS)
