"""The command ``show``: a session's thinking with a chart of each run, or two of its versions side by side."""

import argparse
import asyncio
from typing import Any

from companions.companion import version_of
from companions.entries import Entry
from companions.errors import InputError
from companions.similarity import similarity
from companions.word_diff import marked, word_diff
from sessions.slots import companion_at, version_at
from terminal.charts import chart
from terminal.program import MakeProgram, Program, drained
from terminal.records import Record, found, gather
from terminal.screen import Screen
from terminal.telling import tell_changes, tell_heading

Body = dict[str, Any]


def show(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Show the whole thinking of a session, or what changed between two versions."""
    if chosen.diff is not None:
        return _compare(chosen, make)
    if chosen.question is not None:
        raise InputError("--question is for --diff alone.", "Leave it out: all questions are shown.")
    screen = Screen.of_process()
    record, analyses = asyncio.run(_gathered(make(), chosen))
    if chosen.json:
        screen.result(record.as_json())
        return 0
    screen.markdown(record.as_markdown())
    for body in analyses:
        screen.say()
        for line in chart(body, width=screen.people.width, ascii_only=screen.ascii_only):
            screen.say(line)
    return 0


async def _gathered(program: Program, chosen: argparse.Namespace) -> tuple[Record, list[Body]]:
    """Read the session, and what its charts are drawn of, which no JSON tells."""

    async def read() -> tuple[Record, list[Body]]:
        record = await gather(program, chosen.session, chosen.companion)
        drawn = [] if chosen.json else [name for name, log in record.run_logs.items() if log]
        newest = program.reading.newest_convergence
        return record, [await newest(program.owner, chosen.session, name) for name in drawn]

    return await drained(program, read())


def _compare(chosen: argparse.Namespace, make: MakeProgram) -> int:
    if chosen.json or len(chosen.diff) > 2:  # noqa: PLR2004 (a comparison has two sides)
        raise InputError("--diff takes at most two versions, and no --json.", "Say --diff, --diff A or --diff A B.")
    screen = Screen.of_process()
    before, after = asyncio.run(_versions(make(), chosen))
    sides = f"version {version_of(before)} to {version_of(after)}"
    measured = f"similarity {similarity(before.text, after.text):.3f}"
    tell_heading(screen, f"What changed from {sides}", f"{after.companion_type}, question {after.slot}", measured)
    if screen.piped:
        screen.result(marked(word_diff(before.text, after.text)))
    else:
        tell_changes(screen, before.text, after.text)
    return 0


async def _versions(program: Program, chosen: argparse.Namespace) -> tuple[Entry, Entry]:
    """Give the two versions: as asked, else up to the answer, and from the draft."""

    async def read() -> tuple[Entry, Entry]:
        await found(program, chosen.session)
        session, name = await program.calls.session(program.owner, chosen.session, chosen.companion, "read")
        newest = (await session.look(name)).slot
        companion = await companion_at(session, name, chosen.question)
        slot = companion.slot
        if newest is None or slot is None or chosen.question not in (None, slot.number):
            last = "It has none yet." if newest is None else f"The questions are 0 to {newest.number}."
            raise InputError(f"Companion {name} has no question {chosen.question or 0}.", last)
        if slot.answer is None:
            raise InputError("There are no versions to compare yet.", "`companions refine` makes some.")
        numbers = [*chosen.diff, *[0, version_of(slot.answer)][len(chosen.diff) :]]
        sides = [await version_at(session, companion, slot.number, number) for number in numbers]
        if sides[0] is None or sides[1] is None:
            missing = numbers[0] if sides[0] is None else numbers[1]
            others = f" --question N, from 0 to {newest.number}, names another question." if newest.number else ""
            raise InputError(
                f"Question {slot.number} has no version {missing}.", f"Its versions are 0 to {slot.revisions}.{others}"
            )
        return sides[0], sides[1]

    return await drained(program, read())
