"""Two writers, after the answer: entries that another process came before go behind its own, as what they still are.

An entry of a companion that the other left alone keeps its kind; a text of one that it touched becomes an
``alternative``: never counted, never lost. An edit stays one, unless the other wrote the text anew that it corrects.
Only entries that were answered before they were stored come here, and all that waits of a session at once: what follows
a text that lost has lost too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from companions.configuration import Configuration
from companions.edits import EDIT, Edits, corrected, without_edits
from companions.entries import Entry
from companions.errors import StoreAwayError
from sessions.store import Append, Committed, Gone, Store, Window

ATTEMPTS = 20
PAGE = 200
TOUCHES = frozenset({"query", "draft", "critique", "revision"})
"""By what a companion is touched: a ``configure`` alone, such as a title or a pin sets, leaves it where it stood."""
STEPS = TOUCHES | {"configure"}
NEWEST = Window(versions=1, exchanges=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What became of entries that came too late.

    Attributes:
        lost: Companion types that another process had touched, also those of none of the entries: later ones may
            be theirs.
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
        others, newest, known = await _since(store, session_id, entries, head.seq)
        touched = {*lost, *(entry.companion_type for entry in others)}
        late = [entry for entry in entries if entry.id not in known]
        kept = [_edit_beside(entry, others, lost) if EDIT in entry.meta else _beside(entry, touched) for entry in late]
        stored = await _placed(store, session_id, [entry for entry in kept if entry is not None], newest)
        done = Reconciled(lost=frozenset(touched), alternatives=sum(entry.kind == "alternative" for entry in stored))
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
) -> tuple[list[Entry], int, set[str]]:
    """Read what was written in the meantime: by what others touched companions, the head, and the ids of all."""
    ours = {_writer(entry) for entry in entries}
    after, others, known = min(entries[0].seq - 1, head), list[Entry](), set[str]()
    while page := await store.page(session_id, after=after, limit=PAGE):
        after = page[-1].seq
        known |= {entry.id for entry in page}
        others += [entry for entry in page if _writer(entry) not in ours and entry.kind in TOUCHES]
    return others, after, known


def _writer(entry: Entry) -> str:
    """Name the writer that gave an entry its id."""
    return entry.id.partition("-")[0]


def _beside(entry: Entry, touched: Collection[str]) -> Entry | None:
    if entry.companion_type not in touched or entry.kind not in STEPS:
        return entry
    if entry.kind == "configure":
        return None
    return replace(entry, kind="alternative", meta={**entry.meta, "of": entry.kind})


def _edit_beside(edit: Entry, others: Sequence[Entry], lost: Collection[str]) -> Entry | None:
    """Keep an edit, which touches no step, unless the text that it was made of is not the one that stands there now."""
    theirs = [other for other in others if other.companion_type == edit.companion_type]
    rewritten = any(corrected(other, replace(edit, seq=other.seq)) is not other for other in theirs)
    return None if rewritten or edit.companion_type in lost else edit


async def _placed(store: Store, session_id: str, entries: Sequence[Entry], head: int) -> tuple[Entry, ...]:
    """Number entries behind the head; each ``configure`` leads to the edits that are before it then."""
    placed = list[Entry]()
    before = dict[str, Entry | None]()
    for seq, entry in enumerate(entries, start=head + 1):
        placed.append(replace(entry, seq=seq))
        if entry.kind == "configure":
            name = entry.companion_type
            previous = before[name] if name in before else await _configured(store, session_id, name)
            before[name] = placed[-1] = _leading(placed[-1], previous)
    return tuple(placed)


async def _configured(store: Store, session_id: str, companion_type: str) -> Entry | None:
    """Read a companion's newest ``configure``."""
    tail = await store.tail(session_id, companion_type, NEWEST)
    return next((entry for entry in tail if entry.kind == "configure"), None)


def _leading(configured: Entry, previous: Entry | None) -> Entry:
    """Have a ``configure`` lead to the edits up to the one before it; an edit configures nothing besides."""
    if previous is None:
        return configured
    meta = without_edits(configured.meta)
    if EDIT in configured.meta:
        own = {name: configured.meta[name] for name in (EDIT, "title") if name in configured.meta}
        meta = {**Configuration.from_meta(previous.meta).to_meta(), **own}
    return replace(configured, meta=meta | Edits.after(previous).to_meta())
