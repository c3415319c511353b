"""What one session alone waits for a step to be stored, against a plain insert: the store's path, no tool above it.

Everyone makes a block of steps in turn, in a session that is new each round; a block counts as its median.
"""

import statistics
from collections import defaultdict

from benchmarks.figures import row, table, timed
from benchmarks.persistence.bars import FLOOR, OURS, Bar, ratio
from benchmarks.persistence.lineup import turns
from benchmarks.persistence.running import Arena, command
from benchmarks.persistence.workload import text_of

STEPS = 50
"""A block; three more warm up."""
WARM = 3
BARS = {"postgres": 1.5, "sqlite": 1.25, "redis": 1.6}


async def measure(arena: Arena) -> list[Bar]:
    """Let everyone make blocks of steps."""
    steps = 5 if arena.quick else STEPS
    blocks, samples = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    async with arena.entrants() as entrants:
        for number in range(arena.rounds):
            for entrant in turns(entrants, number):
                session = await entrant.contestant.session(f"round{number}")
                taken: list[float] = []
                for step in range(WARM + steps):
                    text = text_of(step)
                    with timed(taken):
                        await session.step(text)
                await session.close()
                samples[entrant.name] += taken[WARM:]
                blocks[entrant.name].append(statistics.median(taken[WARM:]))
    print("\nOne session, a step until it is stored")
    table("ms")
    for name, taken in samples.items():
        row(name, taken)
    for name in list(samples)[1:]:
        print(f"ours / {name}: {ratio(blocks, OURS, name):.2f}")
    against = ratio(blocks, OURS, FLOOR)
    return [Bar(name="step with receipt against a plain insert", measured=against, bar=BARS[arena.store])]


if __name__ == "__main__":
    command(__doc__, measure, rounds=20)
