"""What the length of a session costs a fork of it: time and bytes written, at 10 and 5,000 steps, on every store.

Forks are made in turn of a short and of a long session, from memory as a program has them, and by a program that knows
neither. Bytes are what the store itself says that it wrote.
"""

import argparse
import asyncio
import statistics
from collections import defaultdict

from benchmarks.figures import row, table, timed, verdict
from benchmarks.growth import OWNER, build, desk
from benchmarks.persistence.meters import meter
from benchmarks.persistence.places import STORES, databases
from sessions.forking import fork
from sessions.opening import open_store
from sessions.resting import rest
from sessions.store import Store

SHORT, LONG = 10, 5_000
BAR = 1.5


async def measure(name: str, url: str, rounds: int) -> None:
    """Fork sessions of both lengths in turn, and print what each took."""
    store = open_store(url)
    await store.load()
    ids = {length: await build(store, length) for length in (SHORT, LONG)}
    seconds, cold, written = (defaultdict[int, list[float]](list) for _ in range(3))
    async with meter(name, url) as gauge:
        sessions = desk(store).sessions
        for number in range(rounds + 1):
            for length, session_id in ids.items():
                before = await gauge.read()
                with timed(taken := list[float]()):
                    await fork(sessions, OWNER, session_id)
                after = await gauge.read()
                with timed(unknown := list[float]()):
                    await _fork_unknown(store, session_id)
                if number:  # the first round is not counted
                    seconds[length] += taken
                    cold[length] += unknown
                    if before is not None and after is not None:
                        written[length].append(after - before)
    await rest(sessions)
    await store.close()
    _tell(name, seconds, cold, written)


async def _fork_unknown(store: Store, session_id: str) -> None:
    sessions = desk(store).sessions
    await fork(sessions, OWNER, session_id)
    await rest(sessions)


def _tell(
    name: str, seconds: dict[int, list[float]], cold: dict[int, list[float]], written: dict[int, list[float]]
) -> None:
    print(f"\n{name}")
    table("ms")
    for what, samples in (("a fork", seconds), ("a fork by a program that knows neither", cold)):
        middle = {length: row(f"{what}, {length:,} steps", samples[length]) for length in (SHORT, LONG)}
        verdict(f"{what}, long against short", middle[LONG] / middle[SHORT], BAR)
    if written:
        middle = {length: statistics.median(samples) for length, samples in written.items()}
        print(f"bytes written by a fork: {middle[SHORT]:,.0f} and {middle[LONG]:,.0f}")
        verdict("bytes, long against short", middle[LONG] / middle[SHORT], BAR)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=STORES, action="append", help="which; all by default")
    parser.add_argument("--rounds", type=int, default=50)
    chosen = parser.parse_args()
    for name in chosen.store or STORES:
        with databases(name, None) as url:
            asyncio.run(measure(name, url("forks"), chosen.rounds))


if __name__ == "__main__":
    main()
