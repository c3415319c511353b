"""The command line: carries out one command, and turns whatever ends it into an exit status and at most one line.

0 is done, 1 is an error of ours in one sentence on standard error, 2 a command line that cannot be read, 130 Ctrl-C.
Which words there are stands in ``arguments``, what a command does in the modules beside this one.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from companions.errors import CompanionsError
from terminal import (
    archives,
    arguments,
    consult,
    doctor,
    editing,
    erasing,
    inspecting,
    installing,
    keeping,
    labelling,
    listening,
    patterns,
    refine,
    reporting,
    sealing,
    showing,
    simulate,
    storekeeping,
)
from terminal.jobs import INTERRUPTED
from terminal.options import described, refused
from terminal.program import MakeProgram, Program, Surroundings
from terminal.screen import fail

__all__ = ["Program", "run"]

_UNHEARD = logging.NullHandler()

Command = Callable[[argparse.Namespace, MakeProgram], int]

COMMANDS: dict[str, Command] = {
    "serve": listening.serve,
    "inspect": inspecting.inspect,
    "refine": refine.refine,
    "consult": consult.consult,
    "sessions": keeping.sessions,
    "show": showing.show,
    "report": reporting.report,
    "simulate": simulate.run_simulation,
    "export": archives.export,
    "import": archives.bring,
    "fork": keeping.fork,
    "title": labelling.title,
    "pin": labelling.pin,
    "unpin": labelling.unpin,
    "history": editing.history,
    "correct": editing.correct,
    "leave-out": editing.leave_out,
    "forget": keeping.forget,
    "erase": erasing.erase,
    "patterns": patterns.patterns,
    "prune": storekeeping.prune,
    "copy": storekeeping.copy,
    "backup": storekeeping.backup,
    "new-key": sealing.make_key,
    "rotate-keys": sealing.rotate_keys,
    "doctor": doctor.doctor,
}

INSTALLERS: dict[str, Callable[[argparse.Namespace, Surroundings], int]] = {
    "install": installing.install,
    "uninstall": installing.uninstall,
}
"""These open no store and heed no setting of the environment: what they set up is another process."""


def run(words: Sequence[str] | None, *, program: MakeProgram, surroundings: Surroundings) -> int:
    """Read the command line and carry it out; returns the exit status.

    Args:
        words: The command line without the program's name; ``None`` for that of this process.
        program: Makes what commands work with; called once the command line is known to be right.
        surroundings: What the process found around it.
    """
    parser = arguments.parser(described(surroundings.variables))
    chosen = parser.parse_args(words)
    if chosen.command is None:
        parser.print_help(sys.stderr)
        return 2
    # A log is a server's, which sets one up. Without this, Python would print warnings beside the command's own line.
    logging.getLogger("companions").addHandler(_UNHEARD)
    try:
        if chosen.command in INSTALLERS:
            return INSTALLERS[chosen.command](chosen, surroundings)
        return COMMANDS[chosen.command](chosen, lambda: _made(program))
    except CompanionsError as error:
        fail(str(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read along has seen enough (`| head`); without this the interpreter complains when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _made(program: MakeProgram) -> Program:
    """Make the program, or say in our own words which setting is wrong."""
    try:
        return program()
    except ValidationError as error:
        raise refused(error) from None
