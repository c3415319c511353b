"""What a person asks of ``refine``: the words and files of the command line, read before anything is opened.

What the loop makes of it, with the session as it stands, is ``refine``'s work.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from companions.attachments import Attachment
from companions.errors import InputError
from terminal.attaching import read_files

BEGINNING = 60
"""Characters of a text that stand in the query for it: listings show queries as titles."""
STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked.

    Attributes:
        words: TEXT; ``None`` if there is none.
        text: The file's text, byte for byte; ``None`` without a file.
        name: The file's name, for people to see.
        attachments: Files that belong to the question.
        max_iterations: Iterations after which the loop ends.
        budget: Tokens that the loop may use.
    """

    words: str | None
    text: str | None
    name: str
    session_id: str | None
    companion_type: str | None
    model: str | None
    attachments: tuple[Attachment, ...]
    max_iterations: int | None
    budget: int | None

    @property
    def asks(self) -> bool:
        """Whether there is a question beside the text that is improved."""
        return self.text is not None and self.words is not None

    def question(self, *, offline: bool) -> tuple[str | None, str | None]:
        """Give the query and the draft that is improved; offline, bare words are that draft."""
        if self.text is not None:
            return self.words or f"Improve {self.name}", self.text
        if self.words is not None and offline and not self.attachments:
            return f"Improve this text: {_beginning(self.words)}", self.words
        return self.words, None


def read_wish(chosen: argparse.Namespace) -> Wish:
    """Read the command line and the file that it names.

    Raises:
        InputError: Nothing is asked, or the file cannot be read.
    """
    file: str | None = chosen.file
    if chosen.text is None and file is None and chosen.session is None:
        raise InputError("There is nothing to refine.", "Give a question, --file FILE or --session ID.")
    if chosen.attach and chosen.text is None and file is None:
        raise InputError("What is attached belongs to a question.", "Give the question as well.")
    check_model(chosen.model)
    return Wish(
        words=chosen.text,
        text=None if file is None else read_text(file),
        name="standard input" if file == STDIN else _shown(file or ""),
        session_id=chosen.session,
        companion_type=chosen.companion,
        model=chosen.model,
        attachments=read_files(chosen.attach),
        max_iterations=chosen.max_iterations,
        budget=chosen.budget,
    )


def check_model(name: str | None) -> None:
    """Refuse a model that nobody at a terminal has."""
    if name == "host":
        raise InputError("A terminal has no host whose model could write.", "Name a model as openai:NAME, or offline.")


def read_text(file: str) -> str:
    """Read a text that is to be taken as it is; - is standard input.

    Raises:
        InputError: It cannot be read, is no UTF-8 text, or is empty.
    """
    try:
        content = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise InputError(f"{_shown(file)} cannot be read ({reason}).", "Check the path given by --file.") from None
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{_shown(file)} is not UTF-8 text (line {line}).", "Save it as UTF-8.") from None
    if not text.strip():
        raise InputError(f"{_shown(file)} is empty.", "Give a file with words in it.")
    return text


def _shown(file: str) -> str:
    """Give a file's own name; one that is not Unicode is written as near to it as can be."""
    return Path(file).name.encode(errors="surrogateescape").decode(errors="replace")


def _beginning(text: str) -> str:
    line = " ".join(text[: 4 * BEGINNING].split())
    return line if len(line) <= BEGINNING else line[:BEGINNING].rsplit(" ", 1)[0] + " ..."
