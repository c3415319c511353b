"""What tests of forks share: a session with some steps, a fork of it, and what is stored and listed of both."""

from companions.entries import Entry
from sessions.forking import fork
from sessions.session import Session
from tests.sessions.faults import OWNER, Process

TEXTS = ("draft", "critique", "revision")


async def looped(process: Process, *, revisions: int = 2) -> str:
    session_id = (await process.step("draft", query="Where?", text="v0")).session_id
    for number in range(revisions):
        await process.step("critique", session_id, text=f"c{number}")
        await process.step("revise", session_id, text=f"v{number + 1} and more words")
    return session_id


async def forked(process: Process, session_id: str, at: int | None = None) -> Session:
    return await fork(process.calls.desk.sessions, OWNER, session_id, at)


async def entries_of(process: Process, session_id: str) -> list[Entry]:
    await process.calls.desk.sessions.writer.drain()
    return await process.entries(session_id)


async def listed(process: Process) -> dict[str, str]:
    """Give the titles of all sessions, by id."""
    heads = await process.calls.desk.sessions.list(OWNER)
    return {head.opening.session_id: head.projection.title for head in heads if head.projection is not None}


async def texts_of(process: Process, session_id: str) -> list[str]:
    return [entry.text for entry in await entries_of(process, session_id) if entry.kind in TEXTS]
