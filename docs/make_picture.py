"""Makes the README's picture from a real run: ``uv run python docs/make_picture.py``.

It runs the README's first command in a terminal of its own, with an empty home, and draws what stood there. Session ids
and times differ from run to run; nothing else is touched up.
"""

import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ["companions", "refine", "--file", "examples/memo.md"]
COLUMNS, ROWS = 110, 200
SHOWN = 62
"""Lines of the run that the picture shows, from its beginning."""


def run() -> str:
    """Run the command in a terminal, and give what it wrote."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        program = [sys.executable, "-c", "import server, sys; sys.exit(server.main())", *COMMAND[1:]]
        running = subprocess.Popen(program, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)  # noqa: S603 (our own command)
        os.close(theirs)
        written = _read(ours)
        running.wait()
    return written


def _read(terminal: int) -> str:
    """Read until the other side has closed; a terminal tells that by an error."""
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(terminal, 65_536)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(terminal)
    return b"".join(pieces).decode()


def main() -> None:
    """Draw the run."""
    lines = Text.from_ansi(run().replace("\r\n", "\n")).split("\n")
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text("$ uv run " + " ".join(COMMAND), style="bold"))
    for line in lines[:SHOWN]:
        console.print(line)
    if len(lines) > SHOWN:
        console.print(Text("...", style="dim"))
    drawn = console.export_svg(title="companions refine")
    # The fonts that it names would be fetched from elsewhere; any fixed-width font does.
    (ROOT / "docs" / "refine.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))


if __name__ == "__main__":
    main()
