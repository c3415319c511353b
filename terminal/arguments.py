"""The command line's words: commands, their options and their help. What a command does stands in other modules."""

import argparse
import textwrap
from collections.abc import Callable, Sequence
from importlib.metadata import version

from sessions.questions import CONTRIBUTORS, SYNTHESIZER
from terminal.editing_words import add_editing, add_labelling
from terminal.installation_words import add_installing
from terminal.simulation_words import add_simulate
from terminal.storekeeping_words import add_storekeeping
from terminal.values import number, owner, port, positive

DISTRIBUTION = "persistent-companions"
HOST = "127.0.0.1"
PORT = 8000
WIDTH = 80

Add = Callable[..., argparse.ArgumentParser]
_FORMATTED = argparse.RawDescriptionHelpFormatter


def parser(settings: Sequence[str]) -> argparse.ArgumentParser:
    """Make the parser.

    Args:
        settings: A line for each setting: its name, two spaces, what it is.
    """
    made = argparse.ArgumentParser(
        prog="companions",
        description="Think a question through in a loop, and remember it.",
        formatter_class=_FORMATTED,
    )
    made.add_argument("--version", action="version", version=f"companions {version(DISTRIBUTION)}")
    commands = made.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    _add_serve(commands.add_parser, settings)
    _add_inspect(commands.add_parser)
    _add_refine(commands.add_parser)
    _add_consult(commands.add_parser)
    _add_reading(commands.add_parser)
    add_simulate(commands.add_parser)
    _add_import(commands.add_parser)
    _add_fork(commands.add_parser)
    add_labelling(commands.add_parser)
    add_editing(commands.add_parser)
    _add_forget(commands.add_parser)
    _add_erase(commands.add_parser)
    _add_patterns(commands.add_parser)
    add_storekeeping(commands.add_parser)
    add_installing(commands.add_parser)
    doctor = commands.add_parser("doctor", help="check the installation; says what to fix")
    doctor.add_argument(
        "--model", nargs="?", const="", metavar="NAME", help="ask a model one tiny thing, by default the configured one"
    )
    return made


def _add_serve(add: Add, settings: Sequence[str]) -> None:
    told = "\n".join(line for setting in settings for line in _described(setting))
    serve = add(
        "serve",
        help="serve MCP over standard input and output, or HTTP",
        description="Serve MCP over standard input and output, or over HTTP at /mcp.",
        epilog=f"settings, as environment variables:\n{told}",
        formatter_class=_FORMATTED,
    )
    serve.add_argument("--http", action="store_true", help="serve over HTTP")
    serve.add_argument("--host", help=f"with --http: the address to listen on (default: {HOST})")
    serve.add_argument("--port", type=port, help=f"with --http: the port to listen on (default: {PORT})")
    serve.add_argument("--metrics", action="store_true", help="with --http: numbers for Prometheus at /metrics")


def _add_inspect(add: Add) -> None:
    inspect = add(
        "inspect",
        help="look at your sessions in the browser",
        description=(
            "Look at your sessions in the browser: what was drafted, criticised and revised,\n"
            "what changed, and how near it came to its end. Nothing is written."
        ),
        formatter_class=_FORMATTED,
    )
    inspect.add_argument("--port", type=port, help="the port to listen on (default: any that is free)")
    inspect.add_argument("--no-open", action="store_true", help="print the address, and open no browser")


def _add_refine(add: Add) -> None:
    refine = add(
        "refine",
        help="draft, critique and revise until nothing is left to improve",
        description=(
            "Draft, critique and revise until nothing is left to improve. The answer goes to\n"
            "standard output; when that is a file or a pipe, it is all that goes there."
        ),
        formatter_class=_FORMATTED,
    )
    refine.add_argument(
        "text", nargs="?", metavar="TEXT", help="the question; without a model, the text that is to be improved"
    )
    refine.add_argument("--file", metavar="FILE", help="a text that is to be improved; - is standard input")
    refine.add_argument(
        "--attach",
        metavar="FILE",
        action="append",
        default=[],
        help="a picture, PDF or text that belongs to the question; once for each",
    )
    refine.add_argument("--session", metavar="ID", help="go on with this session")
    refine.add_argument("--companion", metavar="TYPE", help="who thinks (default: the session's last, or generic)")
    refine.add_argument("--model", metavar="NAME", help="the model that writes: openai:NAME, or offline")
    refine.add_argument("--max-iterations", metavar="N", type=positive, help="end the loop after N critiques")
    refine.add_argument("--budget", metavar="N", type=positive, help="end the loop before it uses more than N tokens")


def _add_consult(add: Add) -> None:
    consult = add(
        "consult",
        help="ask several companions at once, and join their answers",
        description=(
            "Ask several companions the same question at once, and have another join their\n"
            "answers. The joined answer goes to standard output; when that is a file or a\n"
            "pipe, it is all that goes there."
        ),
        formatter_class=_FORMATTED,
    )
    usual = ", ".join(CONTRIBUTORS)
    consult.add_argument(
        "query",
        nargs="?",
        metavar="QUERY",
        help="the question; by default the one that sessions given by --with answer",
    )
    consult.add_argument(
        "--companion", metavar="TYPE", action="append", help=f"who is asked; once for each (default: {usual})"
    )
    consult.add_argument(
        "--with",
        dest="branches",
        metavar="ID",
        action="append",
        help="a session whose answer is merged with others as it is; once for each",
    )
    consult.add_argument("--synthesizer", metavar="TYPE", help=f"who joins the answers (default: {SYNTHESIZER})")
    consult.add_argument(
        "--session", metavar="ID", help="go on with this session; without QUERY, with its newest question"
    )
    consult.add_argument("--model", metavar="NAME", help="the model that writes: openai:NAME")


def _add_reading(add: Add) -> None:
    sessions = add("sessions", help="list your sessions, pinned ones first, then the newest")
    sessions.add_argument(
        "--search", metavar="WORDS", help="words of titles, queries or texts, where those are not sealed"
    )
    sessions.add_argument("--limit", metavar="N", type=positive, default=20, help="how many (default: 20)")
    sessions.add_argument("--json", action="store_true", help="as JSON")
    show = add("show", help="show the whole thinking of a session")
    show.add_argument("session", metavar="ID")
    show.add_argument("--companion", metavar="TYPE", help="of this companion alone")
    show.add_argument("--json", action="store_true", help="as JSON")
    show.add_argument(
        "--diff",
        nargs="*",
        type=number,
        metavar="VERSION",
        help="what changed between two versions (default: from the draft, 0, to the answer)",
    )
    show.add_argument(
        "--question",
        metavar="N",
        type=number,
        help="with --diff: of question N, from 0 (default: the newest)",
    )
    report = add("report", help="write a session to one HTML file, to send to somebody")
    report.add_argument("session", metavar="ID")
    report.add_argument("--companion", metavar="TYPE", help="of this companion alone")
    report.add_argument(
        "-o", "--output", metavar="FILE", default="report.html", help="the file to write (default: report.html)"
    )
    report.add_argument("--force", action="store_true", help="replace the file if it is there")
    export = add("export", help="write a session out, to be read or as an archive, or all of them")
    export.add_argument("session", metavar="ID", nargs="?")
    export.add_argument("--format", choices=("json", "markdown"), help="(default: by FILE's name, else json)")
    export.add_argument("--all", action="store_true", help="all sessions, as one zip file; needs -o")
    export.add_argument("--owner", metavar="OWNER", type=owner, help="with --all: of this owner (default: yours)")
    export.add_argument(
        "--template", action="store_true", help="its settings and queries alone, to begin others with; needs -o"
    )
    export.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")


def _add_import(add: Add) -> None:
    given = add("import", help="bring sessions from an archive, a template or a seed project's JSON")
    given.add_argument("file", metavar="FILE")
    given.add_argument("--owner", metavar="OWNER", type=owner, help="whose they will be (default: yours)")


def _add_fork(add: Add) -> None:
    fork = add("fork", help="begin a session from where another one is, or was")
    fork.add_argument("session", metavar="ID")
    fork.add_argument("--at", metavar="SEQ", type=positive, help="its newest entry to keep (default: all)")


def _add_forget(add: Add) -> None:
    forget = add("forget", help="delete a session for good")
    forget.add_argument("session", metavar="ID")
    forget.add_argument("--yes", action="store_true", help="do not ask")


def _add_erase(add: Add) -> None:
    erase = add("erase", help="delete all sessions of an owner for good, with a report")
    erase.add_argument("--owner", metavar="OWNER", type=owner, required=True, help="whose; yours is local")
    erase.add_argument("--yes", action="store_true", help="do not ask")
    erase.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")


def _add_patterns(add: Add) -> None:
    patterns = add("patterns", help="show what was learned from loops")
    what = patterns.add_mutually_exclusive_group()
    what.add_argument("companion_type", nargs="?", metavar="TYPE", help="of this companion type alone")
    what.add_argument("--reset", metavar="TYPE", help="forget what was learned of this companion type; does not ask")
    patterns.add_argument("--json", action="store_true", help="as JSON")


def _described(setting: str) -> list[str]:
    """Lay one setting out: its name, and under it what it is."""
    name, _, told = setting.partition("  ")
    indented = textwrap.wrap(told, WIDTH, initial_indent="      ", subsequent_indent="      ", break_long_words=False)
    return [f"  {name}", *indented]
