"""Writes the figures of docs/benchmarks.md: runs every command of this folder on every store and keeps what they print.

Nothing is measured or judged here. What stands between the two marks of the page is replaced, the bars as one table,
the rest word for word; a command that cannot be run leaves its reason.
"""

import argparse
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.persistence.places import STORES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures of persistence: begin -->", "<!-- figures of persistence: end -->"
COMMANDS = ("throughput", "alone", "growth", "bytes", "resume", "writers")
SLOW = ("throughput", "--flush-ms", "2")
BAR = re.compile(
    r"^(?P<name>.+): (?P<measured>not measured|[\d.]+)[ ms]*, bar (?P<bar>[<>]= [\d.]+)( ms)?(: (?P<said>.+))?$"
)

Figures = dict[tuple[str, str], dict[str, str]]
"""By command and name of a bar, what to show for each store."""


def runs() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give each store with each command's arguments."""
    for command in ((name,) for name in COMMANDS):
        for store in STORES:
            yield store, command
    for store in ("sqlite", "postgres"):  # Redis answers without waiting for a flush
        yield store, SLOW


def output(store: str, command: Sequence[str], more: Sequence[str]) -> tuple[str, list[str]]:
    """Run a command; returns it as it is typed, and the lines that it printed."""
    name, *options = command
    arguments = ["-m", f"benchmarks.persistence.{name}", "--store", store, *options, *more]
    ended = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if ended.returncode not in {0, 1}:
        return " ".join(arguments), [f"could not be run: exit code {ended.returncode}"]
    if not ended.stdout or "\n" not in ended.stdout.strip():
        return " ".join(arguments), ["could not be run", *ended.stderr.strip().splitlines()[-1:]]
    return " ".join(arguments), ended.stdout.strip().splitlines()


def table(figures: Figures) -> str:
    """Put all bars into one table."""
    lines = [f"| command | figure | {' | '.join(STORES)} |", "|---" * (2 + len(STORES)) + "|"]
    for (command, name), cells in figures.items():
        lines.append(f"| {command} | {name} | {' | '.join(cells.get(store, '') for store in STORES)} |")
    return "\n".join(lines)


def cell(found: re.Match[str]) -> str:
    """Show a figure with its bar."""
    missed = "**" if found["said"] == "NOT HELD" else ""
    return f"{missed}{found['measured']}{missed} ({found['bar']})"


def main() -> None:
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("options", nargs="*", help="given to every command, behind --")
    more = parser.parse_args().options
    figures: Figures = defaultdict(dict)
    blocks: list[str] = []
    for store, command in runs():
        typed, lines = output(store, command, more)
        told = [line for line in lines if not BAR.match(line)]
        for found in filter(None, map(BAR.match, lines)):
            figures[" ".join(command), found["name"]][store] = cell(found)
        blocks.append("\n".join(["```text", f"$ python {typed}", *told, "```"]).replace("\n\n```", "\n```"))
        print("\n".join([f"$ python {typed}", *lines]), flush=True)
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    PAGE.write_text(head + "\n\n".join([BEGIN, table(figures), *blocks, END]) + tail)


if __name__ == "__main__":
    main()
