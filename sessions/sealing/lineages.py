"""Whose entries a session may read: its own, and those of the sessions that it was forked from, up to where it was.

The store says so. Where a copy has made a session of its own of a fork whose parent is gone, the fork's own sealed
entries do: each is bound to the writer of the entry that the fork begins behind. It opens nothing itself.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from companions.entries import Entry
from sessions.seal_store import SealableStore, Stretch, writer_at
from sessions.sealing.entries import Header
from sessions.store import Append, Opening

REMEMBERED = 4096
"""Sessions, a few hundred bytes each."""

T = TypeVar("T")
Lineage = tuple[Stretch, ...]
Check = Callable[[Entry], Header | None]
"""Gives how an entry was sealed if it opens."""


class Lineages:
    """What is known of the lineages of one store's sessions; they never change."""

    def __init__(self, store: SealableStore, check: Check) -> None:
        self._store, self._check = store, check
        self._known: OrderedDict[str, Lineage] = OrderedDict()
        self._told: OrderedDict[str, Lineage] = OrderedDict()
        self._befores: OrderedDict[str, Stretch | None] = OrderedDict()

    def learn(self, opening: Opening) -> None:
        """Take note of a session that is no fork: it need not be asked for."""
        if opening.parent is None:
            _keep(self._known, opening.session_id, (Stretch(opening.session_id, 0),))

    async def of(self, session_id: str) -> Lineage:
        """Give a session's lineage as the store tells it."""
        found = self._known.get(session_id)
        if found is None:
            found = tuple(await self._store.lineage(session_id))
            if found:
                _keep(self._known, session_id, found)
        return found

    async def before(self, appends: Sequence[Append]) -> list[Stretch | None]:
        """Give, for each append, who wrote the entry that its session's own begin behind, and that one's ``seq``."""
        # A batch may open a session and forks of it; what becomes of them is not known yet.
        minted: dict[str, Lineage] = {}
        found: list[Stretch | None] = []
        for append in appends:
            name, opening = append.session_id, append.opening
            if opening is None:
                found.append(await self._begun(name, minted))
                continue
            parent = opening.parent
            above = () if parent is None else minted.get(parent) or await self.of(parent)
            minted[name] = (Stretch(name, opening.base), *above)
            reader = None if parent is None or parent in minted else parent
            found.append(await self._before(minted[name], reader))
        return found

    async def _begun(self, name: str, minted: Mapping[str, Lineage]) -> Stretch | None:
        """Give the same for a session that is there, or comes to be in this batch."""
        if name in minted:
            return await self._before(minted[name], None)
        if name not in self._befores:
            lineage = await self.of(name)
            if not lineage:
                return None
            _keep(self._befores, name, await self._before(lineage, name))
        return self._befores[name]

    async def _before(self, lineage: Lineage, reader: str | None) -> Stretch | None:
        if not lineage[0].base:
            return None
        base, header = lineage[0].base, None
        if reader is not None:
            # In a copy, who sealed it can be another than who has it there.
            entries = await self._store.page(reader, after=base - 1, limit=1)
            header = self._check(entries[0]) if entries else None
        if header is not None:
            return Stretch(header.session_id, base)
        writer = writer_at(lineage[1:], base)
        return None if writer is None else Stretch(writer.session_id, base)

    async def may_read(self, session_id: str, seq: int, writer: str) -> bool:
        """Tell whether an entry of another session stands rightly at a number of this one."""
        stretch = writer_at(await self.of(session_id), seq)
        if stretch is not None and stretch.session_id == writer:
            return True
        stretch = writer_at(await self._as_told(session_id), seq)
        return stretch is not None and stretch.session_id == writer

    async def _as_told(self, session_id: str) -> Lineage:
        """Give a session's lineage as its own entries tell it, from the newest down; empty if they do not."""
        known = self._told.get(session_id)
        head = await self._store.head(session_id) if known is None else None
        if known is not None or head is None:
            return known or ()
        found: list[Stretch] = []
        name, seq = session_id, head.seq
        while True:
            entries = await self._store.page(session_id, after=seq - 1, limit=1)
            header = self._check(entries[0]) if entries else None
            if header is None or header.session_id != name:
                return ()
            found.append(Stretch(name, 0 if header.before is None else header.before.base))
            if header.before is None:
                break
            name, seq = header.before.session_id, header.before.base
        _keep(self._told, session_id, tuple(found))
        return tuple(found)


def _keep(kept: OrderedDict[str, T], name: str, value: T) -> None:
    kept[name] = value
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
