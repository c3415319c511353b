"""What callers see of a store that goes away under load, for how long a call takes then, and whether anything is lost.

Clients think in open sessions while Redis or PostgreSQL is stopped, killed or frozen, and comes back. No call may fail,
none may take longer than the store's deadline and a margin, answers must say that the store is away, and afterwards
every answered step must be kept exactly once, in order. What must be 0 and is not makes the exit status 1.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import get_args

from tests.survival.backends import BACKENDS, How, databases
from tests.survival.outage_report import Report
from tests.survival.outages import CLIENTS, Outage


def tell(report: Report) -> None:
    """Print the counts, then every finding in words."""
    counts = {
        "calls": report.calls,
        "answered steps": report.answered,
        "calls while away": report.during,
        "told of it": report.told,
        "not told": report.untold,
        "turned down": report.turned_down,
        "too late": len(report.late),
        "faults": len(report.faults),
        **{name: len(found) for name, found in report.findings.by_name().items()},
    }
    for name, count in counts.items():
        print(f"{name:<20}{count:>8}")
    print(f"{'longest call':<20}{report.longest:>8.2f} s")
    print(f"{'until nobody told':<20}{report.drained:>8.2f} s")
    for line in report.wrong:
        print(line)


def main() -> int:
    """Take one store away and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=BACKENDS, default="postgres", help="what keeps the sessions (postgres)")
    parser.add_argument("--how", choices=get_args(How), default="stop", help="how it goes away (stop)")
    parser.add_argument("--seconds", type=float, default=20, help="for how long (20)")
    parser.add_argument("--clients", type=int, default=CLIENTS, help=f"clients, two in each session ({CLIENTS})")
    parser.add_argument("--kill-server", action="store_true", help="kill the server meanwhile, and start another")
    parser.add_argument("--seed", type=int, help="repeat the moments of an earlier run")
    given = parser.parse_args()
    seed = random.randrange(2**32) if given.seed is None else given.seed  # noqa: S311 (no secret)
    killed = ", server killed meanwhile" if given.kill_server else ""
    print(f"{given.store}, {given.how} for {given.seconds:g} s{killed}, seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started ends with it
    logging.disable(logging.CRITICAL)  # a client's library complains of every server that is killed
    with databases(given.store) as found, tempfile.TemporaryDirectory() as folder:
        run = Outage(
            place=found.fresh(),
            folder=Path(folder),
            how=given.how,
            seconds=given.seconds,
            kill_server=given.kill_server,
            clients=given.clients,
            seed=seed,
        )
        report = asyncio.run(run.run())
    tell(report)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
