"""Whether anything is lost when a server is killed: at random moments of concurrent steps, over and over, on one store.

Callers think in shared sessions while their server is killed by SIGKILL and another one starts on the same store. Every
step that was answered must be there exactly once, at its number, through the store and through the new server; no
session may have a gap, no companion a phase that it cannot be in. What must be 0 and is not makes the exit status 1.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
import tempfile
from pathlib import Path

from tests.survival.backends import BACKENDS, databases
from tests.survival.crashes import CREWS, Crashes, Report

TOLD_EVERY = 10


def progress(point: int, report: Report) -> None:
    """Tell how far a run is, now and then."""
    if point % TOLD_EVERY == 0:
        found = len(report.findings.lines())
        print(f"  {point} points, {report.answered} steps answered, {found} findings", flush=True)


def tell(report: Report) -> None:
    """Print the counts, then every finding in words."""
    counts = {
        "points": report.points,
        "answered steps": report.answered,
        "calls broken off": report.broken_off,
        "calls turned down": report.turned_down,
        "sessions": report.sessions,
        **{name: len(found) for name, found in report.findings.by_name().items()},
        "faults": len(report.faults),
    }
    for name, count in counts.items():
        print(f"{name:<20}{count:>8}")
    print(f"{'seconds':<20}{report.seconds:>8.0f}")
    for line in report.wrong:
        print(line)


def main() -> int:
    """Kill one store's servers and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=BACKENDS, default="sqlite", help="what keeps the sessions (sqlite)")
    parser.add_argument("--points", type=int, default=200, help="how often the server is killed (200)")
    parser.add_argument("--crews", type=int, default=CREWS, help=f"sessions at once, two clients in each ({CREWS})")
    parser.add_argument("--seed", type=int, help="repeat the moments of an earlier run")
    given = parser.parse_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed  # noqa: S311 (no secret)
    print(f"{given.store}, {given.points} points, seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started ends with it
    logging.disable(logging.CRITICAL)  # a client's library complains of every server that is killed
    with databases(given.store) as found, tempfile.TemporaryDirectory() as folder:
        run = Crashes(
            url=found.fresh().url,
            folder=Path(folder),
            points=given.points,
            crews=given.crews,
            seed=seed,
            tell=progress,
        )
        report = asyncio.run(run.run())
    tell(report)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
