"""How many bytes a step writes: PostgreSQL's WAL, Redis's append-only file, SQLite's write-ahead log.

With 64 sessions at once, whose steps may share a commit; with one session alone; and with one alone that holds 1,000
entries. What is shared by a server is counted while one contestant alone has its turn.
"""

import asyncio
import statistics
from collections import defaultdict
from contextlib import AsyncExitStack

from benchmarks.persistence.bars import FLOOR, OURS, Bar, ratio
from benchmarks.persistence.lineup import turns
from benchmarks.persistence.meters import Meter, meter
from benchmarks.persistence.running import Arena, command
from benchmarks.persistence.workload import CONCURRENT, Entrant, Session, text_of, texts_of

STEPS = 10
LONG = 1_000
MANY, ALONE, AT_LENGTH = "64 at once", "one alone", "at 1,000 entries"
BARS = {
    "postgres": {MANY: 1.05, ALONE: 1.05},
    "redis": {MANY: 1.02, ALONE: 1.02},
    "sqlite": {MANY: 0.4},
}

Written = dict[str, dict[str, list[float]]]
"""Bytes of a step, by situation and contestant, one value a round."""


async def _steps(session: Session) -> None:
    for step in range(STEPS):
        await session.step(text_of(step))


async def _written(gauge: Meter, sessions: list[Session]) -> float | None:
    """Let sessions make steps at once, and give the bytes of each step."""
    before = await gauge.read()
    await asyncio.gather(*map(_steps, sessions), return_exceptions=True)
    after = await gauge.read()
    return None if before is None or after is None else (after - before) / (STEPS * len(sessions))


async def _turn(entrant: Entrant, gauge: Meter, long: Session, number: int, written: Written) -> None:
    many = [await entrant.contestant.session(f"round{number}-{place}") for place in range(CONCURRENT)]
    for situation, sessions in ((MANY, many), (ALONE, many[:1]), (AT_LENGTH, [long])):
        value = await _written(gauge, sessions)
        if value is not None:
            written[situation][entrant.name].append(value)
    for session in many:
        await session.close()


async def measure(arena: Arena) -> list[Bar]:
    """Let everyone write, and tell how much."""
    written: Written = {situation: defaultdict(list) for situation in (MANY, ALONE, AT_LENGTH)}
    async with arena.entrants() as entrants, AsyncExitStack() as stack:
        long: dict[str, Session] = {}
        gauges: dict[str, Meter] = {}
        for entrant in entrants:
            long[entrant.name] = await entrant.contestant.session("long")
            await long[entrant.name].grow(texts_of(50 if arena.quick else LONG))
            gauges[entrant.name] = await stack.enter_async_context(meter(arena.store, entrant.url))
        for number in range(arena.rounds):
            for entrant in turns(entrants, number):
                await _turn(entrant, gauges[entrant.name], long[entrant.name], number, written)
        for session in long.values():
            await session.close()
    print(f"\n{'bytes of a step':<44}" + "".join(f"{situation:>18}" for situation in written))
    for entrant in entrants:
        told = (_median(values.get(entrant.name, [])) for values in written.values())
        print(f"{entrant.name:<44}" + "".join(f"{value:>18}" for value in told))
    return [
        Bar(
            name=f"bytes of a step against a plain insert, {place}",
            measured=ratio(written[place], OURS, FLOOR),
            bar=bar,
        )
        for place, bar in BARS[arena.store].items()
    ]


def _median(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f}" if values else "no log"


if __name__ == "__main__":
    command(__doc__, measure, rounds=7)
