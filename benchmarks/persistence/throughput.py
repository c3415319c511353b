"""How many steps a second 64 sessions make at once, each waiting until its step is stored before it makes the next.

Everyone has the same time in turn, in sessions that are new each round and therefore short, which favours whoever
writes a whole session at each step. A step that fails is counted and not repeated.
"""

import asyncio
import gc
import itertools
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.persistence.bars import FLOOR, OURS, Bar, Rounds, least, ratio
from benchmarks.persistence.lineup import LANGCHAIN, OPENAI, family, turns
from benchmarks.persistence.running import Arena, command
from benchmarks.persistence.workload import CONCURRENT, Contestant, Entrant, Session, text_of

SECONDS = 0.5
"""A turn."""
OVER_FLOOR = {"postgres": 2.5, "sqlite": 5.0, "redis": 1.8}
OVER_OPENAI = {"postgres": 20.0, "sqlite": 15.0, "redis": 10.0}
OVER_LANGCHAIN = 3.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one contestant did in a round.

    Attributes:
        rate: Steps a second.
        computed: Seconds of this process's time on a processor, of each step.
        failed: Steps that raised.
    """

    rate: float
    computed: float
    failed: int


async def turn(contestant: Contestant, name: str, seconds: float) -> Turn:
    """Let 64 sessions make steps for a while; each has made its first before the clock runs."""
    sessions = [await contestant.session(f"{name}-{number}") for number in range(CONCURRENT)]
    await asyncio.gather(*(_walk(session, 0.0) for session in sessions))
    gc.collect()
    began, used = time.perf_counter(), time.process_time()
    counts = await asyncio.gather(*(_walk(session, began + seconds) for session in sessions))
    elapsed, computed = time.perf_counter() - began, time.process_time() - used
    for session in sessions:
        await session.close()
    done, failed = (sum(column) for column in zip(*counts, strict=True))
    return Turn(done / elapsed, computed / max(done, 1), failed)


async def _walk(session: Session, until: float) -> tuple[int, int]:
    """Make at least one step; returns how many were made, and how many failed."""
    done = failed = 0
    for number in itertools.count():
        try:
            await session.step(text_of(number))
        except Exception:  # noqa: BLE001 (whatever a library raises, its step was not made)
            failed += 1
        else:
            done += 1
        if time.perf_counter() >= until:
            break
    return done, failed


async def measure(arena: Arena) -> list[Bar]:
    """Let everyone have turns, and tell the rates."""
    seconds = 0.05 if arena.quick else SECONDS
    made: dict[str, list[Turn]] = defaultdict(list)
    async with arena.entrants() as entrants:
        for number in range(-1, arena.rounds):  # the first round warms up
            for entrant in turns(entrants, number):
                taken = await turn(entrant.contestant, f"round{number}", seconds)
                if number >= 0:
                    made[entrant.name].append(taken)
    rates = {name: [each.rate for each in taken] for name, taken in made.items()}
    print(
        f"\n{'steps/s, 64 sessions':<44}{'median':>9}{'min':>9}{'max':>9}{'ours / it':>11}{'ms busy':>9}{'failed':>8}"
    )
    for name, values in rates.items():
        told = f"{statistics.median(values):>9,.0f}{min(values):>9,.0f}{max(values):>9,.0f}"
        busy = 1000 * statistics.median(taken.computed for taken in made[name])
        failed = sum(taken.failed for taken in made[name])
        print(f"{name:<44}{told}{ratio(rates, OURS, name) or 0:>11.2f}{busy:>9.3f}{failed:>8}")
    print(
        "(ms busy: this process's processor time for a step, the server's left out; steadier where others compute too)"
    )
    return bars(arena.store, entrants, rates, sum(taken.failed for taken in made[OURS]))


def bars(store: str, entrants: list[Entrant], rates: Rounds, failed: int) -> list[Bar]:
    """Compare ours with the bars of a store; a family is as good as its best."""
    openai, langchain = (least(rates, OURS, family(entrants, name)) for name in (OPENAI, LANGCHAIN))
    over_floor = Bar(
        name="over a plain insert per step", measured=ratio(rates, OURS, FLOOR), bar=OVER_FLOOR[store], at_least=True
    )
    over_openai = Bar(name=f"over {OPENAI}", measured=openai, bar=OVER_OPENAI[store], at_least=True)
    over_langchain = Bar(name=f"over {LANGCHAIN}", measured=langchain, bar=OVER_LANGCHAIN, at_least=True)
    none_failed = Bar(name="steps of ours that failed", measured=failed, bar=0)
    return [over_floor, over_openai, *([over_langchain] if store == "postgres" else []), none_failed]


if __name__ == "__main__":
    command(__doc__, measure, rounds=9)
