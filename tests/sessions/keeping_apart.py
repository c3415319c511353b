"""What tests of a store that is away share: processes with a spool, their way home, and what they told."""

from pathlib import Path

from companions.entries import Entry
from sessions.spool.spool import Spool
from sessions.store import Store
from tests.sessions.faults import Gate, Process, until

MOMENT = 0.3


def spool_in(folder: Path, limit: int = 1_000_000) -> Spool:
    return Spool(folder / "spool", "the store's URL", limit=limit)


def started(store: Store, folder: Path, *, limit: int = 1_000_000, early: bool = False) -> Process:
    process = Process.on(store, keeps=True, spool=spool_in(folder, limit), early=early)
    process.calls.desk.sessions.store.seconds = MOMENT
    return process


async def home(process: Process) -> None:
    """Let the store be back and wait until nothing waits for it."""
    process.store.away = False
    sessions = process.calls.desk.sessions
    spool = sessions.spool
    assert spool is not None
    await until(lambda: not sessions.store.away and spool.entries == 0)


def told(entries: list[Entry]) -> list[tuple[str, int, str]]:
    return [(entry.kind, entry.index, entry.text) for entry in entries if entry.kind != "configure"]


async def on_its_way(process: Process, text: str) -> tuple[str, Gate]:
    """Open a session and hand over a critique of it, which the store does not answer before the gate is opened."""
    process.calls.desk.sessions.store.seconds = 5.0
    answer = await process.step("draft", query="Q?", text="v0")
    await process.calls.desk.sessions.writer.drain()
    gate = process.store.holds("append")
    await process.step("critique", answer.session_id, text=text)
    await gate.reached.wait()
    return answer.session_id, gate
