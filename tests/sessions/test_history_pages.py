"""Pages of a history: what they cost in reads, and that they tell of each slot what its companion and drafts see."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from companions.companion import EXCHANGES
from companions.entries import Entry
from companions.tasks import HISTORY_CHARACTERS
from sessions.exchanges import exchanges_from
from sessions.history_view import LOOKED
from sessions.slots import PAGE, companion_at
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story
from tests.sessions.edited import edited, messages, part, shown_to_the_next_draft
from tests.sessions.faults import OWNER, FaultyStore, Process
from tests.sessions.slotted import thinking

T = TypeVar("T")


@dataclass(slots=True)
class CountedStore(FaultyStore):
    """A store that others share, which counts its calls by method, and the entries of all pages."""

    calls: Counter[str] = field(default_factory=Counter[str])
    entries: int = 0

    @property
    def shared(self) -> bool:
        return True

    async def through(self, method: str, call: Callable[[], Awaitable[T]]) -> T:
        self.calls[method] += 1
        return await call()

    async def page(self, session_id: str, **chosen: Any) -> list[Entry]:
        found = await self.through("page", lambda: self.store.page(session_id, **chosen))
        self.entries += len(found)
        return found


async def test_a_cold_full_page_of_which_half_is_corrected_costs_a_few_calls_of_the_store() -> None:
    store, slots = MemoryStore(), LOOKED + 20
    story = Story(store)
    await story.write(*thinking([1] * slots))
    editor = Process.on(store, keeps=True)
    for slot in range(0, slots, 2):
        await edited(editor, story.session_id, slot, answer=f"Mended {slot}.", left_out=slot % 4 == 0)
    await editor.calls.close()
    counted = CountedStore(store)
    fresh = Process.on(counted)
    page = await part(fresh, story.session_id, "history")
    assert (len(page["messages"]), page["next_offset"]) == (2 * LOOKED, LOOKED)
    assert [each["content"] for each in page["messages"][1::4]] == [f"Mended {slot}." for slot in range(0, LOOKED, 2)]
    # Four for the slots; the corrections take more than one, since other edits stand between some of them.
    assert counted.calls.total() <= 30, counted.calls
    await fresh.calls.close()


async def test_a_slot_of_many_versions_is_passed_over_in_a_few_reads() -> None:
    counted = CountedStore(MemoryStore())
    story, revisions = Story(counted), 1_000
    await story.write(*thinking([1, revisions, *[1] * EXCHANGES, 1]))
    process = Process.on(counted)
    session = await process.calls.desk.sessions.find(OWNER, story.session_id)
    companion = await session.look("generic")
    before = counted.entries
    found = [texts async for texts in exchanges_from(session, companion, 0)]
    assert [texts[0].slot for texts in found] == [*range(EXCHANGES + 3)]
    assert counted.entries - before < revisions / 2
    await process.calls.close()


async def test_a_page_begins_anywhere_and_tells_of_each_slot_what_its_companion_left() -> None:
    process = Process.on(MemoryStore())
    story = Story(process.store)
    slots = [2, 0, PAGE - 2, 3, PAGE, 7, PAGE + 4, 2 * PAGE, 0, *[1] * EXCHANGES, 4]
    await story.write(*thinking(slots))
    for slot in (2, 4, 7, 9, len(slots) - 1):
        await edited(process, story.session_id, slot, answer=f"Mended {slot}.", query=f"Meant {slot}?")
    session = await process.calls.desk.sessions.find(OWNER, story.session_id)
    companion, left = await session.look("generic"), list[list[tuple[int, str]]]()
    for number in range(len(slots)):
        slot = (await companion_at(session, "generic", number)).slot
        assert slot is not None
        assert slot.current is not None
        left.append([(each.seq, each.text) for each in (slot.query, slot.current)])
    for first in range(len(slots) + 1):
        found = [texts async for texts in exchanges_from(session, companion, first)]
        assert [[(each.seq, each.text) for each in texts] for texts in found] == left[first:]
    listed = (await messages(process, story.session_id))["messages"]
    assert [each["slot"] for each in listed if "corrected" in each] == [2, 2, 4, 4, 7, 7, 9, 9, 15, 15]
    assert all("was" not in each.get("corrected", {}) for each in listed)
    await process.calls.close()


@pytest.mark.parametrize(
    ("length", "slots"),
    [(100, {2, 3, 4, 5, 7}), (HISTORY_CHARACTERS // 4, {4, 5, 7}), (HISTORY_CHARACTERS, set[int]())],
    ids=["short", "long", "too long"],
)
async def test_a_message_is_in_the_window_if_the_next_draft_is_shown_it(
    by_caller: Process, length: int, slots: set[int]
) -> None:
    session_id = None
    for number in range(EXCHANGES + 2):
        text = f"Answer {number}. {'x' * length}"
        session_id = (await by_caller.step("draft", session_id, query=f"Query {number}?", text=text)).session_id
    assert session_id is not None
    await edited(by_caller, session_id, EXCHANGES, left_out=True)
    for _ in range(2):
        listed = (await messages(by_caller, session_id))["messages"]
        # Of the second round the newest slot waits for its draft, in which it is the query itself.
        told = {each["content"][:9] for each in listed if each["in_window"]}
        shown = await shown_to_the_next_draft(by_caller, session_id)
        texts = {each["content"][:9] for each in listed if each["content"][:9] in shown}
        assert told == texts - {"And then?"}
        assert {each["slot"] for each in listed if each["in_window"]} == slots
