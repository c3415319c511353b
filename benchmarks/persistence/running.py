"""How the commands of this folder run: their options, a server, everyone opened on it, the bars and the exit code."""

import argparse
import asyncio
import logging
import os
import platform
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from benchmarks.persistence.bars import Bar, tell
from benchmarks.persistence.lineup import Candidate, candidates, lineup
from benchmarks.persistence.places import STORES, databases
from benchmarks.persistence.slow_disk import slowed
from benchmarks.persistence.workload import Entrant


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """What a measurement works with.

    Attributes:
        store: ``sqlite``, ``postgres`` or ``redis``.
        rounds: How often everyone has a turn.
        quick: Whether only to see that everything runs; figures then mean nothing.
        found: Who would take part.
        urls: A database for each of them, by name.
    """

    store: str
    rounds: int
    quick: bool
    found: list[Candidate]
    urls: dict[str, str]

    def entrants(self) -> AbstractAsyncContextManager[list[Entrant]]:
        """Open everyone; a second time means a second process on the same databases, as far as they can tell."""
        return lineup(self.found, self.urls)


Measure = Callable[[Arena], Coroutine[Any, Any, list[Bar]]]


def command(description: str | None, measure: Measure, *, rounds: int) -> None:
    """Run a measurement as a command; ends with 1 if a bar was missed, with 2 if it could not be run."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=STORES, default="sqlite", help="what is measured (sqlite)")
    parser.add_argument("--url", help="a PostgreSQL or Redis that runs already; else one of our own is started")
    parser.add_argument("--flush-ms", type=float, default=0.0, help="emulate a disk whose flush takes so long")
    parser.add_argument("--without-rivals", action="store_true", help="only ours and the plain insert")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"turns of each ({rounds})")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="two small rounds, to see that it runs; a bar that is missed then does not fail the command",
    )
    options = parser.parse_args()
    if options.flush_ms and (code := slowed(options.flush_ms)) is not None:
        sys.exit(code)
    signal.signal(signal.SIGTERM, _end)
    sys.exit(0 if _run(options, measure) else 1)


def _end(number: int, _frame: object) -> None:
    """Leave in order, so that a server of ours ends with us."""
    sys.exit(128 + number)


def _run(options: argparse.Namespace, measure: Measure) -> bool:
    logging.disable(logging.WARNING)  # rivals tell of their set-up
    flush = f", a flush takes {options.flush_ms:g} ms more" if options.flush_ms else ""
    print(f"{options.store}{flush}; Python {platform.python_version()}, {os.cpu_count()} processors")
    found = candidates(options.store, rivals=not options.without_rivals)
    rounds = 2 if options.quick else options.rounds
    with databases(options.store, options.url) as database:
        urls = {candidate.name: database(f"contestant_{number}") for number, candidate in enumerate(found)}
        arena = Arena(store=options.store, rounds=rounds, quick=options.quick, found=found, urls=urls)
        began, _, _ = os.getloadavg()
        bars = asyncio.run(measure(arena))
    print(f"\nload average when it began: {began:.1f}")
    return tell(bars) or options.quick
