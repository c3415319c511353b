"""What the length of a session costs: the next step, and resuming, at 10, 1,000 and 5,000 steps in one slot.

Sessions are built by appending straight through the store (SQLite in a temporary folder); then steps are made in turn
in sessions of each length. A plain insert into a table that holds as many rows shows what the disk makes of it.
"""

import argparse
import asyncio
import contextlib
import itertools
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, replace

from benchmarks.figures import row, table, timed, verdict, words
from companions.companion_types import Library
from companions.configuration import Defaults
from companions.entries import Entry
from companions.model_catalog import ModelCatalog
from companions.offline import OfflineEditor
from companions.patience import Bounds
from companions.requests import Request
from sessions.asked import Caller
from sessions.opening import open_store
from sessions.resting import rest
from sessions.sessions import Sessions
from sessions.steps import Desk
from sessions.store import Append, Committed, Store

SESSIONS = {10: 20, 1_000: 4, 5_000: 2}
"""How many sessions of each length: the short ones are changed by a few steps, the long ones are not."""
SHORT = min(SESSIONS)
GROWTH_BAR, RESUME_BAR, RESUME_MS = 1.15, 1.5, 1.0
SIZE = 1_000
OWNER, COMPANION = "local", "generic"
BATCH = 500

Samples = dict[int, list[float]]


def desk(store: Store) -> Desk:
    """Give what a fresh process would make steps with."""
    models = ModelCatalog(
        offline=OfflineEditor(),
        default=None,
        openai_api_key=None,
        openai_base_url=None,
        bounds=Bounds(total_seconds=60, silence_seconds=60),
    )
    return Desk(sessions=Sessions(store, Library.load(None), Defaults(execution_mode="client")), models=models)


@dataclass(slots=True)
class Steps:
    """Makes the next step of a session, whichever it is."""

    desk: Desk

    async def make(self, session_id: str, text: str) -> None:
        """Write a critique, or the revision that the newest critique waits for."""
        session = await self.desk.sessions.find(OWNER, session_id)
        companion = (await session.wake(COMPANION)).companion
        step = "revise" if companion.phase == "revise" else "critique"
        given = await self.desk.step(session, COMPANION, Request(step=step, text=text), Caller())
        if given.status != "done" or given.already_done:
            raise RuntimeError(f"the {step} was not made")


async def build(store: Store, length: int) -> str:
    """Make a session of so many steps in one slot: one draft, then critiques and revisions in turn."""
    made = desk(store)
    session = made.sessions.mint(OWNER)
    first = [
        Request(step="draft", query=words(60), text=words(SIZE)),
        Request(step="critique", text=words(SIZE)),
        Request(step="revise", text=words(SIZE)),
    ]
    for request in first:
        await made.step(session, COMPANION, request, Caller())
    await rest(made.sessions)
    *_, critique, revision = await store.page(session.session_id)
    entries = itertools.islice(_following(critique, revision), length - len(first))
    for batch in iter(lambda: tuple(itertools.islice(entries, BATCH)), ()):
        (outcome,) = await store.append([Append(session_id=session.session_id, entries=batch)])
        if not isinstance(outcome, Committed):
            raise TypeError(f"the store answered {outcome}")
    return session.session_id


def _following(critique: Entry, revision: Entry) -> Generator[Entry]:
    """Give the critiques and revisions that follow, each revision written from the one before."""
    seqs = itertools.count(revision.seq + 1)
    for index in itertools.count(revision.index + 1):
        for entry in (critique, revision):
            seq = next(seqs)
            meta = {**entry.meta, "based_on": index} if entry.kind == "revision" else entry.meta
            yield replace(entry, seq=seq, id=f"built-{seq}", index=index, text=words(SIZE), meta=meta)


async def next_steps(url: str, built: dict[int, list[str]], plain: "Plain", rounds: int) -> tuple[Samples, Samples]:
    """Time the next step at each length, and plain inserts beside it."""
    store = open_store(url)
    steps, samples, inserts = (
        Steps(desk(store)),
        defaultdict[int, list[float]](list),
        defaultdict[int, list[float]](list),
    )
    for ids in built.values():
        for session_id in ids:
            await steps.make(session_id, words(SIZE))
    for number in range(rounds):
        for length, ids in built.items():
            text = words(SIZE)
            with timed(samples[length]):
                await steps.make(ids[number % len(ids)], text)
            with timed(inserts[length]):
                plain.insert(length, text)
    await rest(steps.desk.sessions)
    await store.close()
    return samples, inserts


async def resumed(url: str, built: dict[int, list[str]], rounds: int) -> tuple[Samples, Samples]:
    """Time how a process that knows nothing reads a session back, and all from opening the file to the next answer."""
    reading, answering = defaultdict[int, list[float]](list), defaultdict[int, list[float]](list)
    for number in range(rounds):
        for length, ids in built.items():
            session_id, text = ids[number % len(ids)], words(SIZE)
            store = open_store(url)
            await store.head("nobody's")
            sessions = desk(store).sessions
            with timed(reading[length]):
                await (await sessions.find(OWNER, session_id)).wake(COMPANION)
            await store.close()
            steps = Steps(desk(open_store(url)))
            with timed(answering[length]):
                await steps.make(session_id, text)
            await rest(steps.desk.sessions)
            await steps.desk.sessions.store.close()
    return reading, answering


class Plain:
    """A table of texts, filled as the sessions are."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        self.connection.execute("CREATE TABLE entries (session INTEGER, seq INTEGER, text TEXT, UNIQUE (session, seq))")
        self.heads = dict.fromkeys(SESSIONS, 0)
        for length in SESSIONS:
            rows = [(length, seq, words(SIZE)) for seq in range(1, length + 1)]
            self.connection.executemany("INSERT INTO entries VALUES (?, ?, ?)", rows)
            self.heads[length] = length
        self.connection.commit()

    def insert(self, length: int, text: str) -> None:
        """Add a row to a session."""
        self.heads[length] += 1
        self.connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (length, self.heads[length], text))
        self.connection.commit()


def tell(title: str, samples: Samples) -> dict[int, float]:
    """Tell the samples of each length; returns their medians in seconds."""
    print(f"\n{title}")
    table("ms")
    return {length: row(f"at {length:,} steps", taken) for length, taken in samples.items()}


async def measure(folder: str, rounds: int) -> None:
    """Build, measure and tell."""
    url = f"sqlite:///{folder}/sessions.db"
    store = open_store(url)
    built = {length: [await build(store, length) for _ in range(count)] for length, count in SESSIONS.items()}
    await store.close()
    with contextlib.closing(sqlite3.connect(f"{folder}/plain.db")) as connection:
        steps, inserts = await next_steps(url, built, Plain(connection), rounds)
    step, insert = tell("The next step", steps), tell("A plain insert", inserts)
    for length in list(SESSIONS)[1:]:
        own = insert[length] / insert[SHORT]
        verdict(
            f"next step at {length:,}, against {SHORT}, over plain insert's {own:.2f}",
            step[length] / step[SHORT] / own,
            GROWTH_BAR,
        )
    reading, answering = await resumed(url, built, rounds)
    read, answer = tell("Reading a session back", reading), tell("From opening the file to the next answer", answering)
    for length in list(SESSIONS)[1:]:
        verdict(f"reading back {length:,} steps, against {SHORT}", read[length] / read[SHORT], RESUME_BAR)
        verdict(f"answering after {length:,} steps, against {SHORT}", answer[length] / answer[SHORT], RESUME_BAR)
    verdict(f"reading back {max(SESSIONS):,} steps", 1000 * read[max(SESSIONS)], RESUME_MS, " ms")


def main() -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="steps at each length (200)")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(folder, parser.parse_args().rounds))


if __name__ == "__main__":
    main()
