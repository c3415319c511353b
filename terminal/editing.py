"""The commands ``history``, ``correct`` and ``leave-out``: they word what ``sessions.editing`` does."""

import argparse
import asyncio
import json
from typing import Any

from companions.errors import UnknownNameError
from sessions import editing
from sessions.editing import Edited, Wish
from sessions.history_view import history_page
from terminal.program import MakeProgram, Program, drained
from terminal.records import found
from terminal.screen import Screen
from terminal.wishes import read_text

Body = dict[str, Any]
SPEAKERS = {"human": "Query", "ai": "Answer"}


def history(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """List a companion's messages, or those that hold some words."""
    screen, program = Screen.of_process(), make()
    messages = asyncio.run(drained(program, _messages(program, chosen)))
    if chosen.json:
        screen.result(json.dumps({"messages": messages}, ensure_ascii=False, indent=2))
    elif not messages:
        screen.say("No message has these words.")
    else:
        screen.result("\n".join(_told(message) for message in messages))
    return 0


def correct(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Correct a query or an answer."""
    text = read_text(chosen.file) if chosen.text is None else chosen.text
    program = make()
    query, answer = (text, None) if chosen.part == "query" else (None, text)
    wish = Wish(slot=chosen.slot, query=query, answer=answer, text_limit=program.text_limit)
    edited = asyncio.run(drained(program, _edit(program, chosen, wish)))
    done = "is corrected" if edited.made else "says so already"
    Screen.of_process().say(f"The {chosen.part} of slot {edited.slot} of {edited.companion_type} {done}.")
    return 0


def leave_out(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Leave a slot out of what later drafts see, or put it back."""
    program = make()
    wish = Wish(slot=chosen.slot, left_out=not chosen.back)
    edited = asyncio.run(drained(program, _edit(program, chosen, wish)))
    told = "do not see" if edited.left_out else "see"
    Screen.of_process().say(f"Later drafts of {edited.companion_type} {told} slot {edited.slot}.")
    return 0


async def _edit(program: Program, chosen: argparse.Namespace, wish: Wish) -> Edited:
    await found(program, chosen.session)
    return await editing.edit(program.calls, program.owner, chosen.session, chosen.companion, wish)


async def _messages(program: Program, chosen: argparse.Namespace) -> list[Body]:
    await found(program, chosen.session)
    session, name = await program.calls.session(program.owner, chosen.session, chosen.companion, "read")
    companion = await session.look(name)
    if companion.slot is None:
        has = ", ".join(session.shown) or "none yet"
        raise UnknownNameError(f"This session has no companion {name[:64]!r}; it has: {has}.", "Name one of those.")
    messages: list[Body] = []
    offset: int | None = 0
    while offset is not None:
        page = await history_page(session, companion, offset=offset, search=chosen.search or "")
        messages += page["messages"]
        offset = page["next_offset"]
    return messages


def _told(message: Body) -> str:
    """Tell a message: whose it is and how it stands in one line, and under it the text."""
    marks = [f"version {message['version']}"] if "version" in message else []
    marks += ["corrected"] if "corrected" in message else []
    if message.get("left_out"):
        marks.append("left out")
    elif message["in_window"]:
        marks.append("seen by the next draft")
    more = "\n[...]" if "more" in message else ""
    found_there = f"\n[...] {message['found']} [...]" if "found" in message else more
    state = f" ({', '.join(marks)})" if marks else ""
    head = f"{SPEAKERS[message['type']]} {message['slot']}{state}:"
    return f"{head}\n{message['content']}{found_there}\n"
