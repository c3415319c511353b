"""The words of the command ``simulate``: its options and their help. What it does stands in ``simulate``."""

import argparse
from collections.abc import Callable

from terminal.values import number, positive


def add_simulate(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command."""
    simulate = add(
        "simulate",
        help="think a stored question through again, otherwise, and compare",
        description=(
            "Think a stored question through again with the same history and evidence, for as\n"
            "many iterations, by another model or companion file, and compare what was\n"
            "measured. It happens in a fork of the session, which itself stays as it is."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    simulate.add_argument("session", metavar="ID")
    simulate.add_argument("--companion", metavar="TYPE", help="of this companion (default: the session's last)")
    simulate.add_argument(
        "--slot",
        metavar="N",
        type=number,
        action="append",
        help="this question, from 0; once for each (default: newest)",
    )
    simulate.add_argument("--model", metavar="NAME", help="who writes: openai:NAME, or offline (default: as before)")
    instructions = simulate.add_mutually_exclusive_group()
    instructions.add_argument("--companion-file", metavar="FILE", help="the companion file to go by instead")
    instructions.add_argument("--library", metavar="FOLDER", help="a folder of companion files to go by instead")
    simulate.add_argument(
        "--max-iterations", metavar="N", type=positive, help="end after N critiques (default: as many as there were)"
    )
    simulate.add_argument("--diff", action="store_true", help="show which words of the answers differ")
    simulate.add_argument("--json", action="store_true", help="as JSON")
