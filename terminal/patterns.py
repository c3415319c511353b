"""The ``patterns`` command: what was learned from loops as a table, and forgetting it.

It reads the store itself, so that no server need run, and makes no file for one. What was learned, and how it is put in
words, is ``sessions``' work.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

from sessions.patterns_view import all_patterns, no_patterns
from terminal.program import MakeProgram, Program, drained
from terminal.screen import Screen
from terminal.storekeeping import file_of
from terminal.tables import tell_table

Body = dict[str, Any]
HEADING = ("TYPE", "MODEL", "LOOPS", "TYPICAL", "THRESHOLD", "VERDICTS", "PICKS", "ENDS")
MODEL = HEADING.index("MODEL")
LEGEND = (
    "LOOPS and all counts are as they weigh today: half after 30 days. TYPICAL iterations and their probability. "
    "THRESHOLD learned and its risk, or how many of the loops that it takes there are. VERDICTS of critics that "
    "nothing is left, where texts were better (+) and worse (-) later; ! is not trusted. PICKS of a revision/of "
    "another version than the newest. ENDS: loops that ended by themselves, by number of revisions, from 0, as far as "
    "five came. -: nothing to tell."
)
BLOCKS = "▁▂▃▄▅▆▇█"
UNKNOWN = "-"


def patterns(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Show what was learned of one or of all companion types, or forget it."""
    program, screen = make(), Screen.of_process()
    file = file_of(program.store)
    # A look at a store that is missing would make its file.
    stored = file is None or file.exists()
    if chosen.reset is not None:
        return _reset(program, screen, chosen.reset, stored=stored, as_json=chosen.json)
    bodies = asyncio.run(drained(program, _bodies(program, chosen.companion_type, stored=stored)))
    if chosen.json:
        screen.result(json.dumps({"patterns": bodies}, ensure_ascii=False, indent=2))
        return 0
    rows = [row for body in bodies for row in _rows(body)]
    if rows:
        # People read what a pipe gets, too: for programs there is JSON.
        tell_table(screen, HEADING, _aligned(HEADING, *rows) if screen.piped else rows, rest=MODEL)
    else:
        screen.say("Nothing was learned yet. Loops are counted once they are over.")
    _tell_words(screen, bodies, legend=bool(rows))
    return 0


async def _bodies(program: Program, companion_type: str | None, *, stored: bool) -> list[Body]:
    if companion_type is not None:
        return [await _body(program, companion_type, stored=stored)]
    return await all_patterns(program.calls.desk.sessions.store) if stored else []


async def _body(program: Program, companion_type: str, *, stored: bool) -> Body:
    if stored:
        return await program.reading.patterns(companion_type)
    return await no_patterns(program.calls.desk.sessions, companion_type)


def _reset(program: Program, screen: Screen, companion_type: str, *, stored: bool, as_json: bool) -> int:
    """Forget, and say how much that was."""

    async def forget() -> int:
        await _body(program, companion_type, stored=stored)  # a slip is told with the names that there are
        knowledge = program.calls.desk.sessions.learner.knowledge
        return await knowledge.forget(companion_type) if stored else 0

    shares = asyncio.run(drained(program, forget()))
    if as_json:
        screen.result(json.dumps({"companion_type": companion_type, "shares": shares}, ensure_ascii=False))
    elif not shares:
        screen.result(f"Nothing was learned of {companion_type} yet.")
    else:
        told = "1 share is gone" if shares == 1 else f"{shares:,} shares are gone"
        screen.result(f"What was learned of {companion_type} is forgotten: {told}.")
    return 0


def _tell_words(screen: Screen, bodies: Sequence[Body], *, legend: bool) -> None:
    """Tell people what the numbers come to; a pipe gets the rows alone."""
    if legend and not screen.piped:
        screen.say()
        screen.say(LEGEND, "dim")
    for body in bodies:
        if not screen.piped and body["samples"]:
            screen.say(f"\n{body['companion_type']}: {body['summary']}")
        for line in _left_out(body):
            screen.say(line, "yellow")


def _left_out(body: Body) -> Iterator[str]:
    name = body["companion_type"]
    if count := body.get("more_models"):
        yield f"{name}: models with fewer loops are left out: {count:,}."
    if count := body.get("set_aside"):
        yield f"{name}: shares that cannot be read: {count:,}. `companions patterns --reset {name}` clears them."


def _rows(body: Body) -> Iterator[tuple[str, ...]]:
    """Lay each model out; where there are several, all of them together too."""
    name, models = body["companion_type"], body["models"]
    if len(models) > 1:
        yield name, "(all)", *_cells(body["in_all"])
    for reading in models:
        yield name, reading["model"], *_cells(reading)


def _aligned(*rows: Sequence[str]) -> list[tuple[str, ...]]:
    """Give each column but the last one width."""
    *columns, last = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    padded = [[cell.ljust(width) for cell in column] for column, width in zip(columns, widths, strict=True)]
    return list(zip(*padded, last, strict=True))


def _cells(reading: Body) -> tuple[str, ...]:
    verdicts, picks = reading["verdicts"], reading["picks"]
    doubted = "" if verdicts.get("trusted", True) else "!"
    return (
        str(reading["samples"]),
        _typical(reading),
        _threshold(reading.get("learned_threshold")),
        f"+{verdicts['better']:.0f} -{verdicts['worse']:.0f}{doubted}" if verdicts["judged"] else UNKNOWN,
        f"{picks['helped']:.0f}/{picks['flipped']:.0f}" if picks["made"] else UNKNOWN,
        sparkline([ending["ended"] for ending in reading["endings"]]),
    )


def _typical(reading: Body) -> str:
    typical = reading.get("typical_iterations")
    return UNKNOWN if typical is None else f"{typical['iterations']} ({typical['probability']:.0%})"


def _threshold(learned: Body | None) -> str:
    if learned is None:
        return UNKNOWN
    if "similarity" in learned:
        return f"{learned['similarity']:g} ({learned['risk']:.0%})"
    enough = learned["samples"] >= learned["needed"]
    return "none" if enough else f"{int(learned['samples'])} of {learned['needed']}"


def sparkline(counts: Sequence[float]) -> str:
    """Draw counts as bars of one letter each, the largest as high as can be; the lowest bar is none at all."""
    most = max(counts, default=0)
    if not most:
        return UNKNOWN
    return "".join(BLOCKS[0 if not count else max(1, round(count / most * (len(BLOCKS) - 1)))] for count in counts)
