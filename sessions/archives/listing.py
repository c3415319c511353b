"""What an archive lists: its sessions, and the order in which they can be brought into a store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from companions.errors import InputError
from sessions.archives.values import AGAIN
from sessions.store import Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A session as the manifest lists it, with its own first line.

    Attributes:
        opening: As it was opened where it was exported.
        entries: How many are its own.
        digest: SHA-256 of its file.
    """

    opening: Opening
    entries: int
    digest: str

    @property
    def last(self) -> int:
        """The seq of its newest entry."""
        return self.opening.base + self.entries


def in_order(path: Path, listed: Iterable[Listed]) -> Iterator[Listed]:
    """Give sessions behind those that they were forked from."""
    left = {each.opening.session_id: each for each in listed}
    done = dict[str, Listed]()
    while left:
        line = [next(iter(left.values()))]
        while (parent := line[-1].opening.parent) is not None and parent in left:
            if len(line) > len(left):
                raise InputError(f"{path.name} holds sessions that are forks of each other.", AGAIN)
            line.append(left[parent])
        for each in reversed(line):
            parent = each.opening.parent
            if parent is not None and (parent not in done or done[parent].last < each.opening.base):
                raise InputError(f"{path.name} lacks what session {each.opening.session_id} was forked from.", AGAIN)
            done[each.opening.session_id] = left.pop(each.opening.session_id)
            yield each
