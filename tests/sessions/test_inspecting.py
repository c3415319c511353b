"""What the page reads of long sessions: newest first and back to the beginning, each step once, in every store."""

import pytest

from companions.errors import InputError, SessionNotFoundError, UnknownNameError
from sessions.inspecting import PIECES, Inspecting, Text
from sessions.reading import Reading
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process
from tests.sessions.forks import forked


def inspecting(process: Process) -> Inspecting:
    return Inspecting(reading=Reading(calls=process.calls))


async def go_round(process: Process, session_id: str, number: int, companion_type: str) -> None:
    await process.step("critique", session_id, companion_type, text=f"Is it {number}?")
    await process.step("revise", session_id, companion_type, text=f"So it is, {number} times.")


async def loops(
    process: Process, session_id: str | None, pairs: int, companion_type: str = "generic", asked: str = "Why?"
) -> str:
    """Begin a slot and go round in it."""
    drafted = await process.step("draft", session_id, companion_type, query=asked, text="So.")
    for number in range(pairs):
        await go_round(process, drafted.session_id, number + 1_000, companion_type)
    return drafted.session_id


async def read_back(process: Process, session_id: str, slot: int | None) -> list[list[int]]:
    """Read a slot from its newest page to its first; gives each page's seqs."""
    pages: list[list[int]] = []
    before = None
    while True:
        body = await inspecting(process).steps(OWNER, session_id, "generic", slot=slot, before=before)
        pages.append([step["seq"] for step in body["steps"]])
        if not body["earlier"]:
            return pages
        before = pages[-1][0]


async def test_a_long_slot_is_read_back_page_by_page_each_step_once(store: Store) -> None:
    process = Process.on(store, keeps=True, max_iterations=1_000)
    session_id = await loops(process, None, 3)
    await loops(process, session_id, 1, "guide")
    await loops(process, session_id, 1, "generic", asked="And now?")
    for number in range(70):
        await go_round(process, session_id, number, "guide")
        await go_round(process, session_id, number, "generic")

    kept = await process.entries(session_id)
    for slot in (0, 1):
        pages = await read_back(process, session_id, slot)
        mine = [
            entry.seq
            for entry in kept
            if (entry.companion_type, entry.slot) == ("generic", slot) and entry.kind not in {"configure", "learned"}
        ]
        assert [seq for page in reversed(pages) for seq in page] == mine
        assert max(map(len, pages)) <= 100
    assert await read_back(process, session_id, None) == pages
    await process.calls.close()


async def test_what_is_new_is_read_on_from_what_is_known() -> None:
    process = Process.on(MemoryStore())
    session_id = await loops(process, None, 1)
    known = await inspecting(process).steps(OWNER, session_id, "generic")
    await process.step("critique", session_id, text="And now?")
    body = await inspecting(process).steps(OWNER, session_id, "generic", after=known["steps"][-1]["seq"])
    assert [step["kind"] for step in body["steps"]] == ["critique"]
    assert body["later"] is False
    await process.calls.close()


async def test_a_text_and_its_evidence_are_read_to_their_ends() -> None:
    process = Process.on(MemoryStore())
    long = 'Line with "quotes" and {braces}.\n' * 6_000
    session_id = (await process.step("draft", query="Why?", text=long)).session_id
    await process.step("critique", session_id, text="Is it so?", evidence=long)
    texts: tuple[tuple[int, Text], ...] = ((3, "text"), (4, "evidence"))
    for seq, text in texts:
        read, offset = "", 0
        while offset is not None:
            body = await inspecting(process).entry(OWNER, session_id, "generic", seq, text=text, offset=offset)
            read, offset = read + body[text], body["more"]
        assert read == long
    await process.calls.close()


async def test_any_two_versions_are_compared_and_a_long_comparison_comes_in_pages() -> None:
    process = Process.on(MemoryStore())
    before, after = (f"{word} and so on.\n" * 4_000 for word in ("First", "Second"))
    session_id = (await process.step("draft", query="Why?", text=before)).session_id
    await process.step("critique", session_id, text="Is it so?")
    await process.step("revise", session_id, text=after)
    pieces, offset = list[dict[str, str]](), 0
    while offset is not None:
        body = await inspecting(process).versions(
            OWNER, session_id, "generic", slot=None, before=0, after=1, offset=offset
        )
        assert sum(len(piece["text"]) for piece in body["pieces"]) <= PIECES
        pieces, offset = pieces + body["pieces"], body["more"]
    for change, text in (("removed", before), ("added", after)):
        shown = "".join(piece["text"] for piece in pieces if piece["change"] in {"same", change})
        assert shown.split() == text.split()
    with pytest.raises(InputError, match="no version 2"):
        await inspecting(process).versions(OWNER, session_id, "generic", slot=None, before=0, after=2, offset=0)
    await process.calls.close()


async def test_forks_are_named_to_their_owner_alone() -> None:
    process = Process.on(MemoryStore())
    session_id = await loops(process, None, 1)
    child = (await forked(process, session_id)).session_id
    body = await inspecting(process).forks(OWNER, session_id)
    assert [fork["session_id"] for fork in body["forks"]] == [child]
    with pytest.raises(SessionNotFoundError):
        await inspecting(process).forks("bob", session_id)
    with pytest.raises(UnknownNameError):
        await inspecting(process).steps(OWNER, session_id, "nobody")
    await process.calls.close()
