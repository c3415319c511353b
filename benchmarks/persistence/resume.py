"""What it costs to take a session up again: what its next step needs at 5,000 steps against 10, and all of 1,000.

Ours reads a companion's tail, a rival what its interface gives for it: the newest two entries where it can be asked
for so few, else everything. Sessions are written in one set of connections and read in another, as if by a process
that has been running for a while.
"""

import importlib.util
import statistics
from collections import defaultdict

from benchmarks.figures import row, table, timed
from benchmarks.persistence.bars import FLOOR, OURS, Bar, ratio
from benchmarks.persistence.lineup import turns
from benchmarks.persistence.running import Arena, command
from benchmarks.persistence.workload import Entrant, texts_of

SHORT, LONG, WHOLE = 10, 5_000, 1_000
READS = 5
RIVAL_ROUNDS = 5
AGAINST_SHORT = 1.5
RESUME_MS = {"sqlite": 1.0, "redis": 1.0, "postgres": 2.0}
WHOLE_MS = {"sqlite": 4.0, "redis": 7.0, "postgres": 10.0}

Samples = dict[str, list[float]]
Taken = dict[int, Samples]
"""By length of the session, by contestant, the median seconds of a round."""


async def _build(entrants: list[Entrant], lengths: dict[int, int]) -> None:
    for entrant in entrants:
        for length, steps in lengths.items():
            session = await entrant.contestant.session(f"of-{length}")
            await session.grow(texts_of(steps))
            await session.close()


async def _turn(entrant: Entrant, taken: Taken) -> None:
    for length, samples in taken.items():
        session = await entrant.contestant.session(f"of-{length}")
        read = session.everything if length == WHOLE else session.load
        await read()
        times: list[float] = []
        for _ in range(READS):
            with timed(times):
                await read()
        samples[entrant.name].append(statistics.median(times))
        await session.close()


async def measure(arena: Arena) -> list[Bar]:
    """Build the sessions, then let everyone read them."""
    lengths = {length: length // 50 if arena.quick and length > SHORT else length for length in (SHORT, LONG, WHOLE)}
    taken: Taken = {length: defaultdict(list) for length in lengths}
    async with arena.entrants() as writing:
        await _build(writing, lengths)
    async with arena.entrants() as reading:
        for number in range(arena.rounds):
            for entrant in turns(reading, number):
                if entrant.name in {OURS, FLOOR} or number < RIVAL_ROUNDS:
                    await _turn(entrant, taken)
    found = {
        length: _told(f"What the next step needs, at {length:,} steps", taken[length]) for length in (SHORT, LONG)
    } | {WHOLE: _told(f"Everything, {WHOLE:,} steps", taken[WHOLE])}
    return _bars(arena.store, taken, found)


def _told(title: str, samples: Samples) -> float:
    """Tell the samples; returns the median of ours in milliseconds."""
    print(f"\n{title}")
    table("ms")
    return 1000 * {name: row(name, values) for name, values in samples.items()}[OURS]


def _bars(store: str, taken: Taken, found: dict[int, float]) -> list[Bar]:
    both = {"long": taken[LONG][OURS], "short": taken[SHORT][OURS]}
    whole: float | None = found[WHOLE]
    name = f"everything of {WHOLE:,} steps"
    if store == "redis" and importlib.util.find_spec("hiredis") is None:
        whole, name = None, f"{name} (its bar is for hiredis, which is not installed)"
    return [
        Bar(name=f"resume at {LONG:,} steps against {SHORT}", measured=ratio(both, "long", "short"), bar=AGAINST_SHORT),
        Bar(name=f"resume at {LONG:,} steps", measured=found[LONG], bar=RESUME_MS[store], unit=" ms"),
        Bar(name=name, measured=whole, bar=WHOLE_MS[store], unit=" ms"),
    ]


if __name__ == "__main__":
    command(__doc__, measure, rounds=30)
