"""Several texts that are written at the same time, heard by one listener: line by line, each with its writer's name.

It sorts what is heard. What is kept of the texts is ``writing``'s work.
"""

from dataclasses import dataclass, field

from companions.models import OnText


@dataclass(slots=True)
class Lines:
    """One of the texts: its pieces are passed on once they make a line."""

    name: str
    on_text: OnText
    _pieces: list[str] = field(default_factory=list[str])

    def hear(self, piece: str) -> None:
        """Take in a piece."""
        self._pieces.append(piece)
        if "\n" in piece:
            *lines, rest = "".join(self._pieces).split("\n")
            self._pieces = [rest]
            self._tell(lines)

    def end(self) -> None:
        """Pass on what is left: the text has ended, or broken off."""
        self._tell(["".join(self._pieces)])
        self._pieces.clear()

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            if line.strip():
                self.on_text(f"{self.name}: {line}\n")
