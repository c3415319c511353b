"""Whether loops hold with a model that takes its time and a program that is killed: what is asked, paid and stored.

Real programs over stdio and HTTP, with clients of both protocols, run ``refine`` and ``consult`` against a provider on
the loopback whose answers last, or let a scripted caller write. No call may outlast the reply budget, nothing that was
stored may be asked of the provider again, and each loop must end as it should. Otherwise the exit status is 1.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from tests.loops import consulting, refining
from tests.loops.thinking import Report, Trial
from tests.loops.writing_callers import written
from tests.survival.backends import BACKENDS, Databases, databases
from tests.wire.processes import ERAS, PLACES, Era, Kind

Make = Callable[[str, Kind, Sequence[Era]], Trial]
Work = Coroutine[Any, Any, Report]


def slow(make: Make) -> list[Work]:
    """Refine to the end, over both transports and in both protocols."""
    return [refining.refined(make(f"refine over {kind}, {era}", kind, [era])) for kind, era in PLACES]


def killed(make: Make) -> list[Work]:
    """Refine over both transports, killed at each moment; the lives speak both protocols in turn."""
    trials = (make("refine over stdio, killed", "stdio", ERAS), make("refine over http, killed", "http", ERAS[::-1]))
    return [refining.refined(trial, refining.KILLS) for trial in trials]


def consult(make: Make) -> list[Work]:
    """Consult, timed beside the same companions one after the other, and killed."""
    killed = (make("consult over stdio, killed", "stdio", ERAS), make("consult over http, killed", "http", ERAS[::-1]))
    kept_up = (consulting.consulted(trial, consulting.KILLS) for trial in killed)
    return [consulting.timed(make("consult over http, timed", "http", ERAS)), *kept_up]


def caller(make: Make) -> list[Work]:
    """Let a caller write, over both transports; each begins with either protocol, and its lives speak both in turn."""
    return [
        written(make(f"caller over {kind}, {era} first", kind, [era, *(other for other in ERAS if other != era)]), seed)
        for seed, (kind, era) in enumerate(PLACES, start=random.randrange(2**16))  # noqa: S311 (no secret)
    ]


PARTS = {"slow": slow, "killed": killed, "consult": consult, "caller": caller}


def tell(report: Report) -> None:
    """Print the figures, then every finding in words."""
    print(report.name)
    for name, figure in report.figures.items():
        print(f"  {name:<28}{figure:>8.1f}" if isinstance(figure, float) else f"  {name:<28}{figure:>8}")
    print(f"  {'wrong':<28}{len(report.wrong):>8}")
    for line in report.wrong:
        print(f"    {line}", flush=True)


def _broken_off(part: str, error: BaseException) -> Report:
    return Report(name=f"{part}, broken off", wrong=["".join(traceback.format_exception(error))])


async def run(given: argparse.Namespace, found: Databases, folder: Path) -> bool:
    """Run parts one after the other, the trials of each at the same time; gives whether all is right."""

    def make(name: str, kind: Kind, eras: Sequence[Era]) -> Trial:
        return Trial(
            name=name,
            store=found.fresh().url,
            folder=folder / name.replace(" ", "-"),
            kind=kind,
            eras=eras,
            seconds=given.seconds,
            reply_seconds=given.reply_seconds,
        )

    right = True
    for part in given.only:
        began = time.monotonic()
        # One that breaks off, where a busy machine starts no program in time, leaves the others their results.
        for report in await asyncio.gather(*PARTS[part](make), return_exceptions=True):
            told = report if isinstance(report, Report) else _broken_off(part, report)
            tell(told)
            right = right and not told.wrong
        print(f"{part} in {time.monotonic() - began:.0f} s", flush=True)
    return right


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for on one store; returns 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts of it (all)")
    parser.add_argument("--store", choices=BACKENDS, default="sqlite", help="what keeps the sessions (sqlite)")
    parser.add_argument("--seconds", type=float, default=20, help="how long a model call takes (20)")
    parser.add_argument("--reply-seconds", type=float, help="the reply budget (the program's own, 45)")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started ends with it
    logging.disable(logging.CRITICAL)  # a client's library complains of every server that is killed
    print(f"{given.store}, {given.seconds:g} s a model call", flush=True)
    with databases(given.store) as found, tempfile.TemporaryDirectory() as folder:
        return 0 if asyncio.run(run(given, found, Path(folder))) else 1


if __name__ == "__main__":
    sys.exit(main())
