"""Two writers, after the answer: entries that another process came before go behind its own, as what they still are.

An entry of a companion that the other left alone keeps its kind; a text of one that it touched becomes an
``alternative``: never counted, never lost. Only entries that were answered before they were stored come here.
"""

from collections.abc import Sequence
from dataclasses import replace

from companions.entries import Entry
from companions.errors import StoreAwayError
from sessions.store import Append, Committed, Gone, Store

ATTEMPTS = 20
PAGE = 200
STEPS = frozenset({"configure", "query", "draft", "critique", "revision"})


async def reconcile(store: Store, append: Append) -> int:
    """Store what fits of an append that came too late.

    Returns:
        How many texts became alternatives.

    Raises:
        StoreAwayError: The store went away, or other processes keep writing; the same call may go through later.
    """
    for _ in range(ATTEMPTS):
        touched, head, known = await _since(store, append)
        kept = [_beside(entry, touched) for entry in append.entries if entry.id not in known]
        entries = _renumbered([entry for entry in kept if entry is not None], head)
        if not entries:
            return 0
        (outcome,) = await store.append([Append(session_id=append.session_id, entries=entries)])
        if isinstance(outcome, Committed):
            return sum(entry.kind == "alternative" for entry in entries)
        if isinstance(outcome, Gone):
            return 0
    raise StoreAwayError("Other processes keep writing to this session.", "Call again in a moment.")


async def _since(store: Store, append: Append) -> tuple[set[str], int, set[str]]:
    """Read what was written in the meantime: by companion type who was touched, the head, and our own ids."""
    ours = _writer(append.entries[0])
    after, touched, known = append.entries[0].seq - 1, set[str](), set[str]()
    while page := await store.page(append.session_id, after=after, limit=PAGE):
        after = page[-1].seq
        known |= {entry.id for entry in page if _writer(entry) == ours}
        touched |= {entry.companion_type for entry in page if _writer(entry) != ours and entry.kind in STEPS}
    return touched, after, known


def _writer(entry: Entry) -> str:
    """Name the writer that gave an entry its id."""
    return entry.id.partition("-")[0]


def _beside(entry: Entry, touched: set[str]) -> Entry | None:
    if entry.companion_type not in touched or entry.kind not in STEPS:
        return entry
    if entry.kind == "configure":
        return None
    return replace(entry, kind="alternative", meta={**entry.meta, "of": entry.kind})


def _renumbered(entries: Sequence[Entry], head: int) -> tuple[Entry, ...]:
    return tuple(replace(entry, seq=seq) for seq, entry in enumerate(entries, start=head + 1))
