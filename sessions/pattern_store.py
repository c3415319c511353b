"""What a store must do to keep what was learned: numbers of nobody, apart from all sessions and not erased with them.

It decides nothing: what a share says, who learns when, and which shares become one is for those who learn to say. Each
process has shares of its own, so that nobody waits for another; all shares together are what is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one process has learned of a companion type with a model.

    Attributes:
        companion_type, model, process: Whose share of what it is; any text. Only that process puts it.
        version: Counts what the process has put, from 1.
        state: Plain JSON values, less than 2 kB when written; a store does not look into them.
        at: When it was put, in seconds since the epoch.
    """

    companion_type: str
    model: str
    process: str
    version: int
    state: Mapping[str, Any] = field(hash=False)
    at: float

    def __post_init__(self) -> None:
        """Refuse a version that nothing can follow on."""
        if self.version < 1:
            raise ValueError(f"a share's versions begin at 1, not at {self.version}")

    @property
    def name(self) -> tuple[str, str, str]:
        """Under what it is kept: one share for each companion type, model and process."""
        return self.companion_type, self.model, self.process


class PatternStore(Protocol):
    """A place where shares are kept.

    A share is there only if it is there as it was put, its time and state included: after what was learned has been
    dropped, another of the same version may stand in its place.
    """

    async def shares(self, companion_type: str | None = None) -> list[Share]:
        """Read all shares, or those of a companion type, in order of type, model and process.

        One that was damaged in the store has no state: nothing is learned from it, and dropping clears it.
        """
        ...

    async def put_share(self, share: Share) -> bool:
        """Store a share if none is there and its version is 1, or in place of the version before it.

        Versions are compared in the statement that stores. ``True`` also if this very share is there already, so that a
        call of which nobody knows how it ended can be made again, with the same share. ``False`` if another is there,
        or none: what this one followed was dropped, or folded into another.
        """
        ...

    async def fold_shares(self, before: Sequence[Share], after: Share) -> bool:
        """Put one share in the place of others, in one transaction, if each of them is there.

        ``after`` may bear the name of one of them; under any other name nothing may be there. ``True`` also if they are
        gone and ``after`` is there already: a call can be made again. ``False`` if nothing was changed.
        """
        ...

    async def drop_shares(self, companion_type: str | None = None) -> int:
        """Forget what was learned of a companion type, or of all; gives how many shares that were."""
        ...
