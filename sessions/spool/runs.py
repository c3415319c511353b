"""What is taken from the spool, as it goes into the store: a run of entries a session, and not too much at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sessions.spool.spool import Spooled
from sessions.store import Append

MOST = 4_000_000
"""Characters of text that are brought into the store at once: a slow line has to take them within a deadline."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive entries of one session, and the numbers under which they wait."""

    append: Append
    numbers: list[int] = field(default_factory=list[int])


def runs(taken: Sequence[Spooled]) -> list[Run]:
    """Join what was taken of each session up to the first gap, as much of it as goes at once and always something."""
    found: dict[str, Run] = {}
    broken = set[str]()
    room = MOST
    for spooled in taken:
        append, session_id = spooled.append, spooled.append.session_id
        room -= sum(len(entry.text) for entry in append.entries)
        if found and room < 0:
            break
        before = found.get(session_id)
        if session_id in broken or (before is not None and not _follows(before.append, append)):
            broken.add(session_id)
        elif before is None:
            found[session_id] = Run(append, [spooled.number])
        else:
            found[session_id] = Run(_joined(before.append, append), [*before.numbers, spooled.number])
    return list(found.values())


def _follows(before: Append, append: Append) -> bool:
    return append.entries[0].seq == before.entries[-1].seq + 1


def _joined(before: Append, append: Append) -> Append:
    entries = (*before.entries, *append.entries)
    return Append(session_id=append.session_id, entries=entries, opening=before.opening)
