"""Learners for tests: loops that they count, and what they know then."""

from typing import Any

from sessions.learning import Learner
from tests.sessions.faults import OWNER, Process
from tests.sessions.looping import kept, loop_of, version

TEXTS = [str(text) for text in loop_of(version(0), version(8), version(8))]


def learner(process: Process) -> Learner:
    return process.calls.desk.sessions.learner


def known(process: Process, model: str = "host") -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """Give how many loops are known, after how many revisions they ended, and how far they came."""
    sums = learner(process).knowledge.of("generic", model)
    return sums.slots, sums["ended"][:3], sums["reached"][:3]


async def converged(process: Process, query: str = "Q?") -> str:
    """Have a caller write a loop that stands still with its second revision."""
    answer = await process.step("draft", query=query, text=TEXTS[0])
    for number, text in enumerate(TEXTS[1:]):
        answer = await process.step("revise" if number % 2 else "critique", answer.session_id, text=text)
    assert answer.entry is not None
    assert answer.entry.meta["stop_reason"] == "converged"
    return answer.session_id


async def seen(process: Process, session_id: str) -> Any:
    """Give what a learner is told of a step."""
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    return session, await session.look("generic"), await kept(process, session_id, "revision")


async def counted(*processes: Process) -> None:
    """Have processes count one after another, until each has heard of all."""
    for process in (*processes, *processes):
        await learner(process).settle()


def marks(process: Process) -> int:
    """Count the marks that a process has sent to its store, whether or not they got there."""
    sent = (entry for batch in process.store.batches for append in batch for entry in append.entries)
    return sum(entry.kind == "learned" for entry in sent)
