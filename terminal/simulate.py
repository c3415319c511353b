"""The command ``simulate``: a stored question thought through again, by another model or companion file, and compared.

It shows what was measured of both; how a slot is simulated is ``sessions.simulating``'s work.
"""

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from companions.companion_types import Library, read_type
from companions.errors import InputError
from sessions.calls import DEFAULT_TYPE, Calls, Waiting
from sessions.simulating import Variant, simulate, standing_in
from terminal.jobs import SIGNED
from terminal.program import MakeProgram, Program, drained
from terminal.records import found
from terminal.screen import Screen
from terminal.telling import QUIET, tell_changes, tell_heading
from terminal.watching import REPORT_SECONDS
from terminal.wishes import check_model

Body = dict[str, Any]
HEADING = ("", "STORED", "SIMULATED")
MEASURED = (
    "written_by",
    "iterations",
    "version",
    "stop_reason",
    "threshold",
    "similarities",
    "words",
    "calls",
    "input_tokens",
    "output_tokens",
    "seconds",
    "cost",
)
NAMES = {"version": "answer is version", "similarities": "similarity of versions", "words": "words of the answer"}
LEAST_WIDE = 16
JUDGED = "Similarity is the share of words in common, in order; it does not say which answer is better."


def run_simulation(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Simulate slots of a session; what is measured is the result as JSON, else the new sessions' ids are."""
    check_model(chosen.model)
    program, screen = make(), Screen.of_process()
    if chosen.model is not None:
        program.calls.desk.models.get(chosen.model)
    told = asyncio.run(drained(program, _simulated(program, chosen, screen)))
    if chosen.json:
        screen.result(json.dumps({"session_id": chosen.session, "slots": told}, ensure_ascii=False, indent=2))
        return 0
    for body in told:
        _tell(screen, body, diff=chosen.diff)
    if screen.piped:
        screen.result("\n".join(body["simulated"]["session_id"] for body in told))
    return 0


async def _simulated(program: Program, chosen: argparse.Namespace, screen: Screen) -> list[Body]:
    session = await found(program, chosen.session)
    name = chosen.companion or session.last_type or DEFAULT_TYPE
    await _choose_type(program.calls, name, chosen)
    other_types = chosen.companion_file is not None or chosen.library is not None
    variant = Variant(
        model=chosen.model, other_types=other_types, max_iterations=chosen.max_iterations, given_by=SIGNED
    )

    async def report(told: str, seconds: float, _: object) -> None:
        screen.say(f"  {told}: {seconds:.0f} s so far", QUIET)

    bodies = list[Body]()
    for slot in dict.fromkeys(chosen.slot or [None]):
        waiting = Waiting(seconds=float("inf"), every=REPORT_SECONDS, report=report)
        compared = await simulate(program.calls, session, name, variant, waiting, slot=slot)
        bodies.append(compared.told(program.calls.desk.allowance.prices))
    return bodies


async def _choose_type(calls: Calls, name: str, chosen: argparse.Namespace) -> None:
    """Have this process go by another companion file or folder, if one is given."""
    sessions = calls.desk.sessions
    if chosen.companion_file is not None:
        given = await asyncio.to_thread(read_type, Path(chosen.companion_file))
        sessions.library = standing_in(sessions.library, given, name)
    elif chosen.library is not None:
        sessions.library = await asyncio.to_thread(Library.load, Path(chosen.library))
        if problems := sessions.library.problems:
            raise InputError(f"The library cannot be used: {problems[0]}.", "Mend it, or name another folder.")


def _tell(screen: Screen, body: Body, *, diff: bool) -> None:
    stored, simulated = body["stored"], body["simulated"]
    place = f"session {stored['session_id']}, slot {stored['slot']}, against session {simulated['session_id']}"
    tell_heading(screen, "Simulated", place)
    screen.say(f"Query: {body['query']}")
    if body["evidence"]:
        screen.say(f"Evidence was given to critique {', '.join(body['evidence'])}, as before.", QUIET)
    rows = [HEADING, *(_row(measure, stored, simulated, body["currency"]) for measure in MEASURED)]
    widths = [max(LEAST_WIDE, *(len(row[column]) for row in rows)) for column in (0, 1)]
    for row in rows:
        screen.say(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip())
    tell_heading(screen, "Answers", f"similarity {body['similarity']:.3f}")
    screen.say(JUDGED, QUIET)
    if diff:
        tell_changes(screen, stored["answer"], simulated["answer"])
        return
    for name, side in (("Stored", stored), ("Simulated", simulated)):
        tell_heading(screen, name)
        screen.say(side["answer"].rstrip("\n"))


def _row(measure: str, stored: Body, simulated: Body, currency: str) -> tuple[str, str, str]:
    name = NAMES.get(measure, measure.replace("_", " "))
    return name, _cell(measure, stored, currency), _cell(measure, simulated, currency)


def _cell(measure: str, side: Body, currency: str) -> str:
    value: Any = side[measure]
    if value is None:
        return "not ended" if measure == "stop_reason" else "no price" if measure == "cost" else "not reported"
    if measure == "cost":
        return f"{value:.6f} {currency}"
    if measure == "seconds":
        return f"{value:.2f}"
    if isinstance(value, list):
        parts = [part if isinstance(part, str) else f"{part:.3f}" for part in value]  # pyright: ignore[reportUnknownVariableType]
        return ", ".join(parts) or "none"
    if measure.endswith("tokens") and side["calls_without_usage"]:
        return f"{value:,} (of {side['calls_without_usage']} calls not reported)"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("_", " ")
