"""What models have written so far in one call: how much of it, and the newest words, for whoever waits.

It counts and remembers a little; when and how that is told is ``teller``'s and the surfaces' work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT = 4_000
"""Characters of each companion's text that are remembered: more than a surface shows at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one companion's model has written since something.

    Attributes:
        left_out: How many characters of it come before ``text`` and are not shown.
        upto: How many characters were written in all.
    """

    companion_type: str
    left_out: int
    text: str
    upto: int


@dataclass(slots=True)
class Heard:
    """What has been heard of the models of one call.

    Attributes:
        characters: How many characters they have written.
    """

    characters: int = 0
    _written: dict[str, int] = field(default_factory=dict[str, int])
    _newest: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def several(self) -> bool:
        """Whether more than one companion has been heard."""
        return len(self._written) > 1

    def hear(self, companion_type: str, piece: str) -> None:
        """Take in a piece."""
        self.characters += len(piece)
        self._written[companion_type] = self._written.get(companion_type, 0) + len(piece)
        self._newest[companion_type] = (self._newest.get(companion_type, "") + piece)[-KEPT:]

    def since(self, shown: Mapping[str, int], most: int) -> list[Batch]:
        """Give what was written since, the newest of each companion's.

        Args:
            shown: By companion, how many characters were written then.
            most: How many characters are given in all; what is more is counted.
        """
        new = {name: written - shown.get(name, 0) for name, written in self._written.items()}
        new = {name: count for name, count in new.items() if count > 0}
        room = min(KEPT, most // max(1, len(new)))
        return [
            Batch(
                companion_type=name,
                left_out=max(0, count - room),
                text=self._newest[name][-min(count, room) :],
                upto=self._written[name],
            )
            for name, count in new.items()
        ]
