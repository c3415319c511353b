"""Where a command writes, and how a person's text gets onto a terminal unharmed; what is said is the commands' work.

On a terminal everything goes to standard output. When that is a pipe or a file, it gets the result alone, byte for
byte, and all that is meant for people goes to standard error; where that is no terminal either, it is plain text
without control characters.
"""

import contextlib
import re
import sys
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TextIO, TypeVar, cast

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    import io

T = TypeVar("T")

TAIL_CHARACTERS = 4_000
"""How much of a growing text is laid out at each refresh: more than any screen shows of it."""
REFRESHES = 8
"""A second, while a text grows."""
AT_ONCE_SECONDS = 0.5
"""A text that is there sooner is not shown growing: it would only flicker."""

# All that could move the cursor, ring or recolour: texts come from models and files, and a terminal obeys them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PICTURES = 0x2400
_DELETE = 0x7F


def harmless(text: str) -> str:
    """Give a text with its control characters made visible; line ends and tabs stay."""
    return _CONTROL.sub(_picture, text.replace("\r\n", "\n"))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == _DELETE:
        return "\N{SYMBOL FOR DELETE}"
    return chr(_PICTURES + code) if code < _DELETE else "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Screen:
    """The streams of one command.

    Attributes:
        people: Where people read along.
        terminal: Whether that is a terminal.
        piped: Whether the result goes elsewhere, to standard output alone.
    """

    people: Console
    terminal: bool
    piped: bool

    @classmethod
    def of_process(cls) -> "Screen":
        """Take the standard streams as they are now."""
        piped = not sys.stdout.isatty()
        stream = sys.stderr if piped else sys.stdout
        terminal = stream.isatty()
        people = Console(file=_forgiving(stream), force_terminal=terminal, markup=False, highlight=False, emoji=False)
        return cls(people, terminal, piped)

    @property
    def coloured(self) -> bool:
        """Whether colours reach the person: on a terminal that has them, unless ``NO_COLOR`` is set."""
        return self.terminal and not self.people.no_color and self.people.color_system is not None

    @property
    def ascii_only(self) -> bool:
        """Whether other letters would come out as question marks."""
        return self.people.options.ascii_only

    def say(self, text: str | Text = "", style: str = "") -> None:
        """Tell people something; a pipe gets no line breaks of ours."""
        shown = text if isinstance(text, Text) else Text(harmless(text), style=style)
        self.people.print(shown, soft_wrap=not self.terminal)

    def result(self, text: str) -> None:
        """Give the result: exactly as it is to a pipe, where only a missing last line end is added."""
        ended = text if text.endswith("\n") else f"{text}\n"
        if not self.piped:
            self.people.print(Text(harmless(ended)), end="", soft_wrap=True)
            return
        sys.stdout.flush()
        sys.stdout.buffer.write(ended.encode())
        sys.stdout.buffer.flush()

    def markdown(self, text: str) -> None:
        """Give a result that is Markdown: rendered on a terminal, exactly as it is otherwise."""
        if self.piped:
            self.result(text)
            return
        # Its parsers cost a sixth of a start, which a server must not pay.
        from rich.markdown import Markdown  # noqa: PLC0415 - as said above

        self.people.print(Markdown(harmless(text)))

    @contextlib.contextmanager
    def growing(self, name: str) -> Generator[Callable[[str], None]]:
        """Show a text while it grows, on a terminal; gives what hears its pieces."""
        growing = _Growing(name, self.people)
        with self.changing(growing.shown):
            yield growing.hear

    @contextlib.contextmanager
    def changing(self, shown: Callable[[], Text]) -> Generator[None]:
        """Show what changes, on a terminal, below all that is said meanwhile; it is gone when it is over."""
        if not self.terminal:
            yield
            return
        # Only a job at a terminal shows something.
        from rich.live import Live  # noqa: PLC0415 - as said above

        over = False

        def laid_out() -> Text:
            return Text() if over else shown()

        with Live(console=self.people, transient=True, refresh_per_second=REFRESHES, get_renderable=laid_out):
            yield
            over = True


@dataclass(slots=True)
class Stage:
    """Where one changing thing at a time is shown, and nothing more once it was left: a job may outlive its caller."""

    _shown: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _left: bool = False

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take away what is shown, for good."""
        self._left = True
        self.clear()

    def clear(self) -> None:
        """Take away what is shown."""
        self._shown.close()

    def show(self, changing: AbstractContextManager[T]) -> T | None:
        """Show something in the place of what was shown; gives what it gives, ``None`` once the stage was left."""
        self.clear()
        return None if self._left else self._shown.enter_context(changing)


def _forgiving(stream: TextIO) -> TextIO:
    """Have a stream that cannot write a letter write another: that is no reason to stop."""
    if hasattr(stream, "reconfigure"):
        cast("io.TextIOWrapper[Any]", stream).reconfigure(errors="replace")
    return stream


class _Growing:
    """A text on its way: how long it takes, how long it is, and its newest lines."""

    def __init__(self, name: str, console: Console) -> None:
        self._name, self._console = name, console
        self._started = time.monotonic()
        self._characters, self._tail = 0, ""

    def hear(self, piece: str) -> None:
        self._characters += len(piece)
        self._tail = (self._tail + piece)[-TAIL_CHARACTERS:]

    def shown(self) -> Text:
        seconds = time.monotonic() - self._started
        if seconds < AT_ONCE_SECONDS:
            return Text()
        told = f"{self._name}: {seconds:.0f} s"
        if self._characters:
            told += f", {self._characters:,} characters"
        lines = Text(harmless(self._tail)).wrap(self._console, self._console.width)
        room = max(self._console.height - 4, 1)
        return Text("\n").join([Text(told, style="cyan"), *lines[-room:]])


def fail(sentence: str) -> None:
    """Tell what went wrong, in one line on standard error."""
    sys.stderr.write(f"companions: {' '.join(harmless(sentence).split())}\n")
