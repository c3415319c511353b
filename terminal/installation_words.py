"""The words of the commands ``install`` and ``uninstall``: options and help. What they do is in ``installing``."""

import argparse
from collections.abc import Callable

from terminal.hosts import HOSTS
from terminal.values import entry_name

NAME = "companions"

Add = Callable[..., argparse.ArgumentParser]


def add_installing(add: Add) -> None:
    """Add both commands."""
    install = add(
        "install",
        help="have a host start the server: Claude, Codex, Gemini CLI, Cursor, VS Code",
        description=(
            "Write an entry into a host's own configuration, by which it starts this\n"
            "installation. All else in the file stays as it is, and a copy of it is kept."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_place(install)
    install.add_argument(
        "--env",
        metavar="NAME[=VALUE]",
        action="append",
        default=[],
        help="a setting for the server, which sees none of your shell's; without VALUE, as it is here; once for each",
    )
    install.add_argument(
        "--replace", action="store_true", help="replace an entry of that name that starts another server"
    )
    install.add_argument("--print", action="store_true", help="print the entry, and write nothing")
    uninstall = add("uninstall", help="take the server out of a host's configuration again")
    _add_place(uninstall)


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("host", metavar="HOST", choices=tuple(HOSTS), help=f"one of {', '.join(HOSTS)}")
    command.add_argument("--name", type=entry_name, default=NAME, help=f"what the entry is called (default: {NAME})")
    command.add_argument("--config", metavar="FILE", help="another configuration than the host's own for your user")
