"""What the length of a session costs its next step: sessions of 10, 1,000 and 5,000 entries.

Everyone makes a few steps at each length in turn; in the short sessions, which these would change, each round begins
anew. Rivals take part in the first rounds only: some write the whole session at each step.
"""

import statistics
from collections import defaultdict

from benchmarks.figures import timed
from benchmarks.persistence.bars import FLOOR, OURS, Bar
from benchmarks.persistence.lineup import turns
from benchmarks.persistence.running import Arena, command
from benchmarks.persistence.workload import Entrant, Session, text_of, texts_of

LENGTHS = (10, 1_000, 5_000)
QUICK = (10, 50, 100)
STEPS = 10
RIVAL_STEPS, RIVAL_ROUNDS = 3, 5
BAR = 1.15

Costs = dict[int, list[float]]
"""By length, the median seconds of a step in each round."""


class Field:
    """An entrant with a session of each length."""

    def __init__(self, entrant: Entrant, lengths: tuple[int, ...]) -> None:
        """Name the entrant; ``build`` makes the long sessions."""
        self.name, self._contestant = entrant.name, entrant.contestant
        self._beside = entrant.name in {OURS, FLOOR}
        self._long: dict[int, Session] = {}
        self._lengths = lengths
        self.costs: Costs = defaultdict(list)

    async def build(self) -> None:
        """Make the sessions that are used in every round."""
        for length in self._lengths[1:]:
            self._long[length] = await self._grown(f"of-{length}", length)

    async def turn(self, number: int) -> None:
        """Make some steps at each length."""
        if self._beside or number < RIVAL_ROUNDS:
            short = await self._grown(f"round{number}", self._lengths[0] - 1)
            for length, session in {self._lengths[0]: short, **self._long}.items():
                self.costs[length].append(await self._cost(session))
            await short.close()

    async def close(self) -> None:
        """Let go of the long sessions."""
        for session in self._long.values():
            await session.close()

    async def _grown(self, name: str, length: int) -> Session:
        session = await self._contestant.session(name)
        await session.grow(texts_of(length))
        return session

    async def _cost(self, session: Session) -> float:
        await session.step(text_of(0))  # begins with what the processor has forgotten meanwhile
        taken: list[float] = []
        for step in range(STEPS if self._beside else RIVAL_STEPS):
            text = text_of(step)
            with timed(taken):
                await session.step(text)
        return statistics.median(taken)


async def measure(arena: Arena) -> list[Bar]:
    """Let everyone make steps at each length."""
    lengths = QUICK if arena.quick else LENGTHS
    async with arena.entrants() as entrants:
        fields = {entrant.name: Field(entrant, lengths) for entrant in entrants}
        for field in fields.values():
            await field.build()
        for number in range(arena.rounds):
            for entrant in turns(entrants, number):
                await fields[entrant.name].turn(number)
        for field in fields.values():
            await field.close()
    print(f"\n{'a step, ms':<44}" + "".join(f"{f'at {length:,}':>10}" for length in lengths) + f"{'ratios':>14}")
    for field in fields.values():
        told = "".join(f"{1000 * statistics.median(field.costs[length]):>10.2f}" for length in lengths)
        ratios = (statistics.median(_ratios(field.costs, length, lengths[0])) for length in lengths[1:])
        print(f"{field.name:<44}{told}" + "".join(f"{ratio:>9.2f}" for ratio in ratios))
    return [_bar(fields[OURS].costs, fields[FLOOR].costs, length, lengths[0]) for length in lengths[1:]]


def _ratios(costs: Costs, length: int, short: int) -> list[float]:
    return [there / here for there, here in zip(costs[length], costs[short], strict=True)]


def _bar(ours: Costs, floor: Costs, length: int, short: int) -> Bar:
    pairs = zip(_ratios(ours, length, short), _ratios(floor, length, short), strict=True)
    measured = statistics.median(mine / own for mine, own in pairs)
    name = f"a step at {length:,} entries against {short}, over the plain insert's own ratio"
    return Bar(name=name, measured=measured, bar=BAR)


if __name__ == "__main__":
    command(__doc__, measure, rounds=40)
