"""What editing a host's configuration has in common, whatever its format: how it fails, and its line ends.

It knows no format; ``json_editing`` and ``toml_editing`` do, and change nothing but one entry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

Entry = Mapping[str, Any]
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


class BrokenTextError(ValueError):
    """A text that is not what its host can read.

    Attributes:
        line: Where, counted from 1.
    """

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


class UnsafeEditError(ValueError):
    """An entry that cannot be changed without touching more than it; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an entry stands in a configuration.

    Attributes:
        section: The key of what holds all servers.
        name: The key of the entry in it.
        strict: Whether the host reads JSON without comments and trailing commas alone.
    """

    section: str
    name: str
    strict: bool = False


class Format(Protocol):
    """A format of configurations. Texts come without a byte order mark."""

    def read(self, text: str, place: Place) -> Entry | None:
        """Give the entry, if there is one.

        Raises:
            BrokenTextError: The host cannot read the text either.
            UnsafeEditError: What should hold the entry is something else.
        """
        ...

    def write(self, text: str, place: Place, entry: Entry) -> str:
        """Give the text with the entry, all else as it is.

        Raises:
            UnsafeEditError: That cannot be done.
        """
        ...

    def remove(self, text: str, place: Place) -> str:
        """Give the text without the entry, all else as it is.

        Raises:
            UnsafeEditError: That cannot be done.
        """
        ...


def line_end(text: str) -> str:
    """Give how the lines of a text end: as its first one does."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def replaced(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    """Give a text with parts of it replaced, each given by its start, its end and what comes there; none overlap.

    What is inserted at the same place comes in the order in which it is given.
    """
    for start, end, new in reversed(sorted(changes, key=itemgetter(0, 1))):  # noqa: C413 - a reverse sort would leave equals in order
        text = text[:start] + new + text[end:]
    return text
