"""Sessions whose history is edited, for tests: how that is done, and what each reader is then told."""

from typing import Any

from companions.companion import Companion
from companions.entries import Entry
from sessions.editing import Edited, Wish, edit
from sessions.history_view import history_page
from sessions.reading import Reading
from tests.sessions.faults import OWNER, Process

NEXT = "And then?"


async def edited(process: Process, session_id: str, slot: int, name: str | None = None, **wished: Any) -> Edited:
    return await edit(process.calls, OWNER, session_id, name, Wish(slot=slot, **wished))


async def companion_of(process: Process, session_id: str, name: str = "generic") -> Companion:
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    return await session.look(name)


async def shown_to_the_next_draft(process: Process, session_id: str) -> str:
    answer = await process.step("draft", session_id, "generic", query=NEXT)
    assert answer.instructions is not None
    return answer.instructions["user"]


async def part(process: Process, session_id: str, name: str, **chosen: Any) -> dict[str, Any]:
    return await Reading(calls=process.calls).part(OWNER, session_id, "generic", name, **chosen)  # pyright: ignore[reportArgumentType]


async def messages(process: Process, session_id: str, **chosen: Any) -> dict[str, Any]:
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    return await history_page(session, await session.look("generic"), **chosen)


def replayed(entries: list[Entry]) -> Companion:
    companion = Companion("generic")
    for entry in entries:
        companion.apply(entry)
    return companion


async def thought(process: Process) -> str:
    """Think: a slot that was revised, one with a draft, and one whose critique waits."""
    session_id = (await process.step("draft", query="First?", text="Draft of the first.")).session_id
    await process.step("critique", session_id, text="Too short.")
    await process.step("revise", session_id, text="Revised text of the first, longer.")
    await process.step("draft", session_id, query="Secnod?", text="Draft of the second.")
    await process.step("draft", session_id, query="Third?", text="Draft of the third.")
    await process.step("critique", session_id, text="Too vague.")
    return session_id
