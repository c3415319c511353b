"""Earlier slots are read as they were, and what reading one takes does not grow with the session."""

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companions.companion import Companion
from companions.entries import Entry, Note
from companions.errors import CompanionsError
from companions.run_log import run_log
from sessions import views
from sessions.reading import Body, Part, Reading
from sessions.slots import FEW, JUDGED_BY, PAGE, STEPS, TOLD
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import COMPANIONS, Story, Wish, note
from tests.sessions.faults import OWNER, FaultyStore, Process
from tests.sessions.pages import merged, pages
from tests.sessions.slotted import thinking, told_by_program

SESSION = "s1"
VIEWS: dict[Part, Callable[[Companion], Body]] = {
    "phase": views.phase,
    "latest_critique": lambda companion: views.latest_critique(companion, SESSION),
    "penultimate_revision": lambda companion: views.penultimate_revision(companion, SESSION),
    "answer": views.answer,
}
# Parts that show an entry in each item of a list, by the list's name.
SHOWN: dict[Part, str] = {"timeline": "timeline", "convergence_analysis": "similarities"}
ACTIONS = ("query", "query", "draft", "step", "step", "step", "step", "redo", "configure", "noise", "noise")
WISHES = st.builds(Wish, st.sampled_from(COMPANIONS), st.sampled_from(ACTIONS), st.integers(0, 60))


def replayed(entries: Sequence[Entry], companion_type: str, slot: int) -> Companion:
    """Give a companion as a slot left it, made of all the entries that came until then."""
    companion = Companion(companion_type)
    for entry in entries:
        if entry.companion_type == companion_type and entry.slot <= slot and entry.kind in (*TOLD, "configure"):
            companion.apply(entry)
    return companion


async def attempt(reading: Reading, story: Story, companion_type: str, part: Part, slot: int) -> Body:
    try:
        return await reading.part(OWNER, story.session_id, companion_type, part, slot=slot)
    except CompanionsError as error:
        return {"error": error.what}


def expected(view: Callable[[Companion], Body], companion: Companion) -> Body:
    try:
        return view(companion)
    except CompanionsError as error:
        return {"error": error.what}


async def check_slot(reading: Reading, story: Story, companion_type: str, slot: int) -> None:
    """Compare what is read of a slot with what its entries say."""
    replay = replayed(story.entries, companion_type, slot)
    assert replay.configuration is not None
    for part, view in VIEWS.items():
        read = await attempt(reading, story, companion_type, part, slot)
        assert read.items() >= expected(view, replay).items()
    mine = [entry for entry in story.entries if (entry.companion_type, entry.slot) == (companion_type, slot)]
    entries = [entry for entry in mine if entry.kind in STEPS]

    async def whole(part: Part) -> list[Body]:
        return await pages(reading, story.session_id, part, companion_type=companion_type, slot=slot)

    analysis = await whole("convergence_analysis")
    for name in JUDGED_BY:
        assert {page[name] for page in analysis} == {getattr(replay.configuration, name)}
    assert {page["stop_reason"] for page in analysis} == {views.phase(replay)["stop_reason"]}
    pairs = {pair["revision_pair"][1] for page in analysis for pair in page["similarities"]}
    assert pairs == {entry.index + 1 for entry in entries if entry.kind == "revision"}
    for name in ("answer_version", "picked", "pick"):
        assert {page[name] for page in analysis} == {views.picked(replay.slot)[name]}
    lines = [line["seq"] for page in await whole("timeline") for line in page["timeline"]]
    assert lines == [entry.seq for entry in mine if entry.kind in TOLD]
    (told,), read_log = run_log(mine), await whole("run_log")
    (read,) = merged(read_log)
    assert [read[name] for name in STEPS] == [told[name] for name in STEPS]
    assert read_log[-1]["run_log"][-1].get("answer") == told.get("answer")
    transcript = "".join(page["text"] for page in await whole("transcript"))
    assert [transcript.count(f"{entry.text}\n") for entry in entries] == [1] * len(entries)
    assert transcript.count("It is the best.") == sum("version" in entry.meta for entry in mine)


async def check(story: Story) -> None:
    """Compare every slot of a session, read by a process that has not seen it before."""
    process = Process.on(story.store, keeps=True)
    reading = Reading(calls=process.calls)
    for companion_type in COMPANIONS:
        for slot in {entry.slot for entry in story.entries if entry.companion_type == companion_type}:
            await check_slot(reading, story, companion_type, slot)
    await process.calls.close()


@given(script=st.lists(st.tuples(WISHES, st.integers(1, 12)), min_size=4, max_size=60))
@settings(deadline=None, max_examples=20)
def test_each_slot_is_read_as_its_entries_say_it_was_left(script: list[tuple[Wish, int]]) -> None:
    async def play() -> None:
        story = Story(MemoryStore(), owner=OWNER)
        for wish, times in script:
            for number in range(times):
                made = told_by_program(story.entries, replace(wish, number=wish.number + number // 6))
                seq = len(story.entries) + 1
                await story.write(*(replace(each, text=f"{each.kind} of entry {seq}.") for each in made))
        await check(story)

    asyncio.run(play())


async def test_the_slots_of_a_fork_are_read_through_its_parent(store: Store) -> None:
    story = Story(store, "parent", OWNER)
    await story.write(*thinking([2, 0, 32, 1, 2, 2, 2, 2, 2, 2, 2, 2]))
    fork = story.fork(SESSION, len(story.entries) - 14)
    await fork.write(note("critique", slot=9, index=1, based_on=1))
    await fork.write(*thinking([1] * 10, "strategy"))
    await check(fork)


async def test_what_a_loop_said_is_found_of_its_own_slot_and_of_no_other() -> None:
    """A pick far behind the newest version, a step after it, and an end behind the last step of the slot."""
    best: dict[str, Any] = {"version": 1, "why": "It is the best."}
    story = Story(MemoryStore(), owner=OWNER)
    await story.write(*thinking([5]), note("pick", **best), note("critique", index=5, based_on=1))
    await story.write(note("workflow", stop_reason="budget", why="It was spent."))
    for slot in (1, 2):
        query, draft = [each for each in thinking([0] * (slot + 1)) if each.slot == slot and each.kind != "configure"]
        await story.write(query, note("workflow", slot=slot, workflow="refine"), draft, note("pick", slot=slot))
    await check(story)


@dataclass(slots=True)
class CountingStore(FaultyStore):
    """A store that counts the reads of pages and the entries that they gave."""

    reads: int = 0
    read: int = 0

    async def page(self, session_id: str, **chosen: Any) -> list[Entry]:
        found = await FaultyStore.page(self, session_id, **chosen)
        self.reads, self.read = self.reads + 1, self.read + len(found)
        return found


async def filled(*notes: Iterable[Note]) -> Story:
    """Make a session of several companions' notes, one companion's after the other's."""
    story = Story(CountingStore(MemoryStore()), owner=OWNER)
    for each in notes:
        await story.write(*each)
    return story


async def opened(story: Story) -> tuple[Process, CountingStore]:
    """Open a session in a process of its own: what listings show of it is made then, once."""
    process, counted = Process.on(story.store, keeps=True), story.store
    assert isinstance(counted, CountingStore)
    await process.calls.desk.sessions.find(OWNER, story.session_id)
    counted.reads = counted.read = 0
    return process, counted


async def looked_at(story: Story, slot: int) -> dict[Part, tuple[int, int]]:
    """Count, by part, the reads that showing a slot takes, and the entries read beside those that a page shows."""
    process, counted = await opened(story)
    reading, found = Reading(calls=process.calls), dict[Part, tuple[int, int]]()
    for part in (*VIEWS, *SHOWN):
        counted.reads = counted.read = 0
        body = await reading.part(OWNER, story.session_id, "generic", part, slot=slot)
        found[part] = counted.reads, counted.read - len(body.get(SHOWN.get(part, ""), ()))
    await process.calls.close()
    return found


async def most(shape: Callable[[int], Iterable[int]], size: int) -> tuple[int, int, int]:
    """Give a session's length, and the most that showing the first, a middle or the newest slot takes."""
    story = await filled(thinking(shape(size)))
    newest = story.entries[-1].slot
    counts = [count for slot in {0, newest // 2, newest} for count in (await looked_at(story, slot)).values()]
    return len(story.entries), max(reads for reads, _ in counts), max(read for _, read in counts)


SHAPES: dict[str, tuple[Callable[[int], Iterable[int]], int, int]] = {
    "slots of a length": (lambda count: [2] * count, 40, 2_000),
    "one long slot": (lambda steps: [steps // 2], 200, 2_000),
    "ever longer slots": (lambda count: range(2, count + 2), 20, 100),
    "a long slot among short ones": (lambda steps: [2] * 20 + [steps // 2] + [2] * 20, 200, 4_000),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_reading_a_slot_takes_grows_with_the_logarithm_at_most(shape: str) -> None:
    made, few, many = SHAPES[shape]
    short, long = await most(made, few), await most(made, many)
    doublings = math.log2(long[0] / short[0])
    assert doublings > 3
    assert short[2] < PAGE
    # The slot's end and its beginning are looked for, each with two reads for every doubling at most.
    assert long[1] <= short[1] + 4 * doublings
    assert long[2] <= short[2] + 4 * FEW * doublings


async def test_what_other_companions_wrote_in_between_is_not_read() -> None:
    notes = [*thinking([2] * 30)]
    story = await filled(notes[:60], thinking([2] * 300, "strategy"), notes[60:])
    for slot in (0, 5, 9, 10, 15, 29):
        for reads, read in (await looked_at(story, slot)).values():
            assert reads <= 2 * math.log2(len(story.entries))
            assert read <= PAGE + 2 * FEW * math.log2(len(story.entries))


async def test_a_slot_that_is_not_there_takes_no_search() -> None:
    process, counted = await opened(story := await filled(thinking([2] * 200)))
    told = await attempt(Reading(calls=process.calls), story, "generic", "run_log", 200)
    assert told == {"error": "There is no slot 200."}
    assert counted.reads == 0
    await process.calls.close()
