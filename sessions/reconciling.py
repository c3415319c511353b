"""Two writers, after the answer: entries that another process came before go behind its own, as what they still are.

An entry of a companion that the other left alone keeps its kind; a text of one that it touched becomes an
``alternative``: never counted, never lost. Only entries that were answered before they were stored come here, and all
that waits of a session at once: what follows a text that lost has lost too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from companions.edits import Edits
from companions.entries import Entry
from companions.errors import StoreAwayError
from sessions.store import Append, Committed, Gone, Store

ATTEMPTS = 20
PAGE = 200
TOUCHES = frozenset({"query", "draft", "critique", "revision"})
"""By what a companion is touched: a ``configure`` alone, such as a title or a pin sets, leaves it where it stood."""
STEPS = TOUCHES | {"configure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What became of entries that came too late.

    Attributes:
        lost: Companion types that another process had touched.
        alternatives: How many texts became alternatives.
    """

    lost: frozenset[str] = frozenset()
    alternatives: int = 0


async def reconcile(
    store: Store, session_id: str, entries: Sequence[Entry], *, lost: Collection[str] = ()
) -> Reconciled:
    """Store what fits of entries of one session that came too late.

    Args:
        store: The store.
        session_id: The session.
        entries: In the order in which they were answered.
        lost: Companion types of which earlier entries have become alternatives, so that these have to as well.

    Raises:
        StoreAwayError: The store went away, or other processes keep writing; the same call may go through later.
    """
    for _ in range(ATTEMPTS):
        head = await store.head(session_id)
        if head is None:
            return Reconciled()
        touched, newest, known, edits = await _since(store, session_id, entries, head.seq)
        touched |= {*lost}
        late = [_carried(entry, edits) for entry in entries if entry.id not in known]
        kept = [_beside(entry, touched) for entry in late]
        stored = _renumbered([entry for entry in kept if entry is not None], newest)
        losers = frozenset(entry.companion_type for entry in entries) & touched
        done = Reconciled(lost=losers, alternatives=sum(entry.kind == "alternative" for entry in stored))
        if not stored:
            return done
        (outcome,) = await store.append([Append(session_id=session_id, entries=stored)])
        if isinstance(outcome, Committed):
            return done
        if isinstance(outcome, Gone):
            return Reconciled()
    raise StoreAwayError("Other processes keep writing to this session.", "Call again in a moment.")


async def _since(
    store: Store, session_id: str, entries: Sequence[Entry], head: int
) -> tuple[set[str], int, set[str], dict[str, Edits]]:
    """Read what was written in the meantime: who was touched, the head, the ids of all, and what was edited of whom."""
    ours = {_writer(entry) for entry in entries}
    after, touched, known = min(entries[0].seq - 1, head), set[str](), set[str]()
    edits: dict[str, Edits] = {}
    while page := await store.page(session_id, after=after, limit=PAGE):
        after = page[-1].seq
        known |= {entry.id for entry in page}
        touched |= {entry.companion_type for entry in page if _writer(entry) not in ours and entry.kind in TOUCHES}
        edits |= {entry.companion_type: Edits.after(entry) for entry in page if entry.kind == "configure"}
    return touched, after, known, edits


def _carried(entry: Entry, edits: Mapping[str, Edits]) -> Entry:
    """Have a late ``configure`` lead to the edits that others made before it."""
    made = edits.get(entry.companion_type)
    if made is None or entry.kind != "configure":
        return entry
    return replace(entry, meta={**entry.meta, **made.to_meta()})


def _writer(entry: Entry) -> str:
    """Name the writer that gave an entry its id."""
    return entry.id.partition("-")[0]


def _beside(entry: Entry, touched: Collection[str]) -> Entry | None:
    if entry.companion_type not in touched or entry.kind not in STEPS:
        return entry
    if entry.kind == "configure":
        return None
    return replace(entry, kind="alternative", meta={**entry.meta, "of": entry.kind})


def _renumbered(entries: Sequence[Entry], head: int) -> tuple[Entry, ...]:
    return tuple(replace(entry, seq=seq) for seq, entry in enumerate(entries, start=head + 1))
