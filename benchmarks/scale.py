"""What the size of a session and of a store costs: listings, the next step, resuming, reading, and memory.

A large store (a long session among many others) is compared with a small one, both filled by appends and then used
through the program as it ships, in turn. Memory is that of a server process that steps through many heavy sessions.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from fastmcp import Client

import server
from benchmarks.figures import row, table, timed, verdict, words
from benchmarks.filling import RARE, Filling, Session
from companions.errors import StoreError
from companions.requests import Request
from sessions.answers import Answer
from sessions.calls import Waiting
from sessions.open_sessions import OPEN_CHARACTERS
from sessions.opening import open_store
from tests.fleet.fleet import databases
from tests.wire.processes import serving_http

FLAT = 1.5
SHORT, MIDDLE, FEW = 10, 400, 100
"""Steps of the small store's sessions: to be resumed, and to be read in full pages; and how many others it holds."""
COPIES = 5
PAGE = 100
HEAVY, HEAVY_BYTES, LOOK = 2_000, 100_000, 200
MEMORY_BAR = 1.5
"""Over what the program may keep of open sessions."""
SIZE = 1_000
LOOK_SECONDS = 0.1
MEGABYTE = 1_000_000

Samples = dict[str, list[float]]
Url = Callable[[str], str]


@dataclass(slots=True)
class Place:
    """One of the two stores, as the program uses it.

    Attributes:
        folder: Where the program may put what it cannot store.
        stepped: Sessions that steps are made in.
        read: The session that is read page by page.
    """

    url: str
    folder: Path
    stepped: Sequence[Session]
    read: Session
    program: server.Wired = field(init=False)

    def open(self) -> server.Wired:
        """Start a program that knows nothing yet."""
        program = server.Wired.of(server.Settings(store=self.url, model="host", spool=self.folder))
        program.calls.open()
        return program

    async def use(self) -> None:
        """Start the program that stays."""
        self.program = self.open()
        for session in (*self.stepped, self.read):
            await make(self.program, session)

    async def back(self) -> None:
        """Wait until the program takes its store for reachable again."""
        store = self.program.calls.desk.sessions.store
        while store.away:  # noqa: ASYNC110 - the store's guard sets no event
            await asyncio.sleep(LOOK_SECONDS)

    async def resumed(self, session: Session, elapsed: list[float]) -> None:
        """Time the first step that a program makes in a session that it has never seen; its connections are open."""
        fresh = self.open()
        await fresh.calls.desk.sessions.store.head("nobody's")
        with timed(elapsed):
            await make(fresh, session)
        await fresh.calls.close()

    def works(self, number: int) -> dict[str, Callable[[], Awaitable[object]]]:
        """Give what is timed in this place, by name."""
        reading, mine, last = self.program.reading, self.read, self.read.seq - PAGE

        def part(name: Any, **given: Any) -> Callable[[], Awaitable[object]]:
            return lambda: reading.part(server.LOCAL, mine.session_id, None, name, **given)

        return {
            "list, first page": lambda: reading.listing(server.LOCAL),
            "list, a word of every title": lambda: reading.listing(server.LOCAL, search="question"),
            "next step": lambda: make(self.program, self.stepped[number % len(self.stepped)]),
            "timeline, first page": part("timeline"),
            "timeline, last page": part("timeline", offset=last),
            "run_log, first page": part("run_log"),
            "run_log, last page": part("run_log", offset=last),
            "transcript, last page": part("transcript", offset=(last + 1) << 24),
            "answer": part("answer"),
            "run_log of the first slot": part("run_log", slot=0),
            "run_log of the newest slot": part("run_log", slot=mine.slot),
            "list, a word of the oldest title": lambda: reading.listing(server.LOCAL, search=RARE),
        }


async def unreported(*_told: object) -> None:
    """Hear how long a call has waited."""


async def make(program: server.Wired, session: Session) -> None:
    """Make a session's next step."""
    request = Request(step=session.coming, text=words(SIZE))
    waiting = Waiting(seconds=60, every=60, report=unreported)
    given = await program.calls.step(
        server.LOCAL, session.session_id, None, request, waiting=waiting, signature="benchmark"
    )
    if not isinstance(given, Answer) or given.status != "done" or given.already_done:
        raise RuntimeError(f"the {session.coming} was not made")
    session.coming = "revise" if session.coming == "critique" else "critique"


async def fill(url: Url, folder: Path, steps: int, sessions: int) -> dict[str, Place]:
    """Make both stores."""
    filled: dict[str, Place] = {}
    for name, others, length in (("small", FEW, MIDDLE), ("large", sessions, steps)):
        store = open_store(url(name))
        filling = await Filling.of(store)
        await filling.many(others)
        read = await filling.long(f"{name}-read", length)
        stepped = [read] if name == "large" else [await filling.long(f"short-{n}", SHORT) for n in range(COPIES)]
        filled[name] = Place(url(name), folder / f"{name}-spool", stepped, read)
        await store.close()
    return filled


async def measure(places: dict[str, Place], rounds: int) -> dict[str, Samples]:
    """Take samples of both stores in turn."""
    taken = {name: defaultdict[str, list[float]](list) for name in places}
    for place in places.values():
        await place.use()
    # One kind of work after another: what reads a whole store would leave the next one cold caches.
    for what in next(iter(places.values())).works(0):
        for number in range(rounds):
            if not await sample(places, what, number, taken):
                break
    for number in range(rounds):
        for name, place in places.items():
            await place.resumed(place.stepped[number % len(place.stepped)], taken[name]["resume and step"])
    for place in places.values():
        await place.program.calls.close()
    return {name: dict(samples) for name, samples in taken.items()}


async def sample(places: dict[str, Place], what: str, number: int, taken: Mapping[str, Samples]) -> bool:
    """Take one sample in each place; ``False`` if a store did not answer, and what was sampled is told no more."""
    for name, place in places.items():
        try:
            with timed(taken[name][what]):
                await place.works(number)[what]()
        except StoreError as error:
            print(f"{what}: NOT HELD, the {name} store failed. {error}")
            del taken[name][what]
            await place.back()
            return False
    return True


def tell(taken: dict[str, Samples]) -> None:
    """Tell both stores' samples, then the ratios."""
    for name, samples in taken.items():
        print(f"\nThe {name} store")
        table("ms")
        for what, seconds in samples.items():
            row(what, seconds)
    print("\nOf the lower quartiles: what other programs add is not the store's")
    for what in (known for known in taken["large"] if known in taken["small"]):
        large, small = (statistics.quantiles(taken[name][what], n=4)[0] for name in ("large", "small"))
        verdict(f"{what}, large over small", large / small, FLAT)


async def heavy(url: str, count: int) -> list[Session]:
    """Make sessions whose newest slot is large."""
    store = open_store(url)
    filling = await Filling.of(store)
    made = [await filling.heavy(f"heavy-{number}", HEAVY_BYTES) for number in range(count)]
    await store.close()
    return made


async def memory(url: str, pid: int, sessions: Sequence[Session]) -> list[int]:
    """Make a step in one session after the other; gives the process's bytes of memory now and then."""
    process = psutil.Process(pid)
    seen = [process.memory_info().rss]
    async with Client(url) as client:
        for number, session in enumerate(sessions, start=1):
            await client.call_tool(session.coming, {"session_id": session.session_id, "text": words(100)})
            if number % LOOK == 0:
                seen.append(process.memory_info().rss)
                print(f"{number:>6,} sessions stepped through: {seen[-1] / MEGABYTE:>6.0f} MB")
    return seen


def remember(url: str, folder: Path, count: int) -> None:
    """Measure the memory of a server process."""
    sessions = asyncio.run(heavy(url, count))
    settings = {"COMPANIONS_STORE": url, "COMPANIONS_MODEL": "host"}
    print(f"\nMemory of a process, {count:,} sessions of {HEAVY_BYTES // 1_000} kB each")
    with serving_http(folder, settings) as served:
        seen = asyncio.run(memory(served.url, served.process.pid, sessions))
    print(f"at first {seen[0] / MEGABYTE:.0f} MB")
    verdict("growth over the bound of open sessions", (max(seen) - seen[0]) / OPEN_CHARACTERS, MEMORY_BAR)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("sqlite", "postgres", "redis"), default="sqlite")
    parser.add_argument("--steps", type=int, default=50_000, help="steps of the long session (50000)")
    parser.add_argument("--sessions", type=int, default=100_000, help="sessions of the large store (100000)")
    parser.add_argument("--heavy", type=int, default=HEAVY, help=f"sessions that memory is measured with ({HEAVY})")
    parser.add_argument("--rounds", type=int, default=50, help="samples of each (50)")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made, databases(asked.store, Path(made)) as url:
        print("Filling both stores", flush=True)
        places = asyncio.run(fill(url, Path(made), asked.steps, asked.sessions))
        tell(asyncio.run(measure(places, asked.rounds)))
        remember(url("heavy"), Path(made), asked.heavy)


if __name__ == "__main__":
    main()
