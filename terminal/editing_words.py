"""The words of the commands that label a session and edit its history. What they do stands in other modules."""

import argparse
from collections.abc import Callable

from terminal.values import number

Add = Callable[..., argparse.ArgumentParser]


def add_labelling(add: Add) -> None:
    """Add the commands that say how a session is listed."""
    title = add("title", help="give a session a title")
    title.add_argument("session", metavar="ID")
    title.add_argument("title", metavar="TITLE", help="one line of at most 200 characters")
    pin = add("pin", help="list a session first, and never archive or delete it for its age")
    pin.add_argument("session", metavar="ID")
    unpin = add("unpin", help="list and keep a session like any other again")
    unpin.add_argument("session", metavar="ID")


def add_editing(add: Add) -> None:
    """Add the commands that read a companion's history, and edit it."""
    history = _of_companion(add, "history", "list a companion's queries and answers, and what was edited of them")
    history.add_argument("--search", metavar="WORDS", help="only messages that hold all of these words")
    history.add_argument("--json", action="store_true", help="as JSON")
    correct = _of_companion(add, "correct", "correct a query or an answer; what it was stays readable")
    _add_slot(correct)
    part = correct.add_mutually_exclusive_group(required=True)
    part.add_argument("--query", dest="part", action="store_const", const="query", help="correct what was asked")
    part.add_argument("--answer", dest="part", action="store_const", const="answer", help="correct what was answered")
    given = correct.add_mutually_exclusive_group(required=True)
    given.add_argument("--text", metavar="TEXT", help="the corrected text")
    given.add_argument("--file", metavar="FILE", help="the corrected text; - is standard input")
    leave_out = _of_companion(add, "leave-out", "leave a question and its answer out of what later drafts see")
    _add_slot(leave_out)
    leave_out.add_argument("--back", action="store_true", help="let later drafts see it again")


def _of_companion(add: Add, command: str, told: str) -> argparse.ArgumentParser:
    made = add(command, help=told)
    made.add_argument("session", metavar="ID")
    made.add_argument("--companion", metavar="TYPE", help="of this companion (default: the session's last)")
    return made


def _add_slot(made: argparse.ArgumentParser) -> None:
    made.add_argument("--slot", metavar="N", type=number, required=True, help="the question, counted from 0")
