"""Two writers on one session, as two processes would be: what becomes of 100 acknowledged steps.

Blindly: both know the session as it began, and each appends 50 steps in turn with the other without reading again.
Reading: before each of its 50 steps a writer reads the session, both think at the same time, and both append; one that
is refused reads again and repeats. A step is lost if it was acknowledged and is not there in the end, and unseen if
what stands right before it was never shown to the one that wrote it.
"""

import asyncio
import itertools
from dataclasses import dataclass, field

from benchmarks.persistence.bars import FLOOR, OURS, Bar
from benchmarks.persistence.ours import OurSession
from benchmarks.persistence.running import Arena, command
from benchmarks.persistence.workload import Contestant, Entrant, Session

STEPS = 50
ATTEMPTS = 20


@dataclass(slots=True)
class Writing:
    """One writer, and what it has been shown of the session."""

    name: str
    session: Session
    shown: set[str] = field(default_factory=set[str])
    acknowledged: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    refused: int = 0

    async def read(self) -> None:
        """Read the session."""
        await self.session.load()
        self.shown |= set(await self.session.everything())

    async def attempt(self, text: str) -> bool:
        """Append; notes whether it was acknowledged, and what the writer knew."""
        try:
            await self.session.step(text)
        except Exception:  # noqa: BLE001 (whatever a library raises, it has told)
            self.refused += 1
            return False
        self.acknowledged[text] = frozenset(self.shown)
        self.shown.add(text)
        return True

    async def insist(self, text: str) -> None:
        """Append; when refused, read and append again."""
        for _ in range(ATTEMPTS):
            if await self.attempt(text):
                return
            await self.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the steps.

    Attributes:
        gapless: Whether the numbers run from 1 without a gap; ``None`` where entries have none.
    """

    acknowledged: int
    refused: int
    lost: int
    unseen: int
    gapless: bool | None


async def blindly(pair: tuple[Writing, Writing], steps: int) -> None:
    """Append in turn, without reading again."""
    for number in range(steps):
        for writer in pair:
            await writer.attempt(f"{writer.name}-{number}")


async def reading(pair: tuple[Writing, Writing], steps: int) -> None:
    """Read, think at the same time, append."""
    for number in range(steps):
        await asyncio.gather(*(writer.read() for writer in pair))
        await asyncio.gather(*(writer.insist(f"{writer.name}-{number}") for writer in pair))


async def race(one: Contestant, other: Contestant, *, blind: bool, steps: int) -> Tally:
    """Let two writers loose on one session, and look at what is there."""
    name = "blind" if blind else "read"
    first = await one.session(name)
    await first.step("begin")
    second = await other.session(name)
    pair = Writing("first", first), Writing("second", second)
    for writer in pair:
        await writer.read()
    await (blindly if blind else reading)(pair, steps)
    tally = await _tally(pair)
    for writer in pair:
        await writer.session.close()
    return tally


async def _tally(pair: tuple[Writing, Writing]) -> Tally:
    session = pair[0].session
    kept = await session.everything()
    knew = pair[0].acknowledged | pair[1].acknowledged
    unseen = [text for before, text in itertools.pairwise(kept) if text in knew and before not in knew[text]]
    numbers = await session.numbers() if isinstance(session, OurSession) else None
    return Tally(
        acknowledged=len(knew),
        refused=sum(writer.refused for writer in pair),
        lost=len(set(knew) - set(kept)),
        unseen=len(unseen),
        gapless=None if numbers is None else numbers == list(range(1, len(numbers) + 1)),
    )


async def measure(arena: Arena) -> list[Bar]:
    """Let everyone race with itself."""
    steps = 5 if arena.quick else STEPS
    found: dict[tuple[str, bool], Tally] = {}
    async with arena.entrants() as ones, arena.entrants() as others:
        by_name: dict[str, Entrant] = {entrant.name: entrant for entrant in others}
        for entrant in ones:
            if entrant.name != FLOOR and entrant.name in by_name:
                for blind in (True, False):
                    other = by_name[entrant.name].contestant
                    found[entrant.name, blind] = await race(entrant.contestant, other, blind=blind, steps=steps)
    for blind, title in ((True, "without reading again"), (False, "reading before each step")):
        print(f"\n{title:<44}{'acknowledged':>13}{'refused':>9}{'lost':>6}{'unseen':>8}  gapless")
        for (name, was), tally in found.items():
            if was == blind:
                told = f"{tally.acknowledged:>13}{tally.refused:>9}{tally.lost:>6}{tally.unseen:>8}"
                print(f"{name:<44}{told}  {'no numbers' if tally.gapless is None else tally.gapless}")
    return _bars([found[OURS, blind] for blind in (True, False)], found[OURS, False].acknowledged, 2 * steps)


def _bars(ours: list[Tally], acknowledged: int, wanted: int) -> list[Bar]:
    gapped = sum(tally.gapless is not True for tally in ours)
    return [
        Bar(name="acknowledged when reading", measured=acknowledged, bar=wanted, at_least=True),
        Bar(name="lost", measured=sum(tally.lost for tally in ours), bar=0),
        Bar(name="unseen", measured=sum(tally.unseen for tally in ours), bar=0),
        Bar(name="sessions with a gap", measured=gapped, bar=0),
    ]


if __name__ == "__main__":
    command(__doc__, measure, rounds=1)
