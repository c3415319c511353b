"""Copying: every session of one store into another, the proof that both then say the same, and what was learned.

It speaks the ``Store`` protocol alone, so any store is copied to any other. It adds and never changes: what the target
holds otherwise is left as it is, and a session that was forgotten on one side is not brought back or taken away on the
other. Where an earlier run stopped is kept nowhere but in the target's own heads.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from companions.entries import Entry
from sessions import whole_sessions
from sessions.copying_attachments import copy_attachments
from sessions.copying_shares import copy_shares
from sessions.grant_store import Grants
from sessions.reporting import Report
from sessions.session_lines import opening_line
from sessions.store import Append, Committed, Gone, Head, Opening, Store
from sessions.whole_sessions import pages

NOTHING = Grants()
SESSIONS = 100
"""Sessions that are listed, copied and verified at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy came to.

    Attributes:
        sessions: How many sessions say the same on both sides, up to the entry that was the source's newest when it
            was their turn.
        entries: How many entries this run stored.
        digest: Of all those sessions; see ``copy``.
        differing: Sessions of which the target holds something else; nothing of theirs was changed.
        forgotten: Sessions that were forgotten in the target, or in the source meanwhile.
    """

    sessions: int
    entries: int
    digest: str
    differing: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()


async def copy(source: Store, target: Store, report: Report) -> Copied:
    """Copy what the target does not hold yet, and compare every session of the source with the target's.

    What is attached to a session comes along where both sides say the same; whom it is shared with, where this run
    opens it in the target, so that whoever was taken out of one that is there already stays out.

    A fork is copied behind its parent; one whose parent is forgotten, or is another in the target, becomes a session of
    its own with all that it reads. A run that was cut short is taken up by the next, which stores only what is missing.

    Both sides are read back and compared by SHA-256. A session's digest is made over lines of JSON, each ended by a
    line feed, without white space, with sorted keys and all but ASCII escaped: first ``[session_id, owner,
    created_at]``, then for each entry ``[seq, id, companion_type, kind, slot, index, author, at, meta, text]``. The
    digest of the whole is made over a line ``session_id digest`` for each session that is the same on both sides, in
    the order of their ids. Digests are lower-case hexadecimal.

    In the end what was learned is copied too, as far as ``copy_shares`` says; no digest tells of it.

    Args:
        source: Where sessions are read; it may be written to meanwhile.
        target: Where they are stored.
        report: Hears how many sessions are done, and how many entries were stored.

    Raises:
        StoreError: One of the stores failed; what was stored until then stays.
    """
    copying, after = _Copying(source, target, report), ""
    while heads := await source.scan(after=after, limit=SESSIONS):
        for head in heads:
            await copying.bring(head)
        await copying.flush()
        for head in heads:
            await copying.settle(head)
        await copying.verify(heads)
        after = heads[-1].opening.session_id
    await copy_shares(source, target)
    return copying.copied()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An entry on its way, with the opening of its session if it is the first one."""

    session_id: str
    entry: Entry
    opening: Opening | None


class _Copying:
    """One run: the entries on their way, and what became of the sessions."""

    def __init__(self, source: Store, target: Store, report: Report) -> None:
        self._source, self._target, self._report = source, target, report
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        # After a refusal a later entry could fit by chance, behind something else.
        self._refused: set[str] = set()
        self._gone: set[str] = set()
        self._whole = hashlib.sha256()
        self._same = self._stored = 0
        self._differing: list[str] = []
        self._forgotten: list[str] = []

    def copied(self) -> Copied:
        return Copied(
            sessions=self._same,
            entries=self._stored,
            digest=self._whole.hexdigest(),
            differing=tuple(self._differing),
            forgotten=tuple(self._forgotten),
        )

    async def bring(self, head: Head) -> None:
        """Bring a session up to its head in the target, behind those that it was forked from."""
        if head.opening.parent is not None:
            # What is on its way may be its parent.
            await self.flush()
        there = await self._target.head(head.opening.session_id)
        if there is not None:
            await self._go_on(head, there)
            return
        for missing in await self._missing(head):
            opening = await self._opening(missing.opening)
            await self._add(missing, opening, opening.base)

    async def _go_on(self, head: Head, there: Head) -> None:
        if there.seq < head.seq and await self._alike(head.opening, there.opening, there.seq):
            await self._add(head, None, there.seq)

    async def _missing(self, head: Head) -> list[Head]:
        """Give a session behind those of its living ancestors that the target does not hold, eldest first."""
        line = [head]
        while (parent := line[-1].opening.parent) is not None:
            known, there = await self._source.head(parent), await self._target.head(parent)
            if there is not None and known is not None:
                await self._go_on(known, there)
            if there is not None or known is None:
                break
            line.append(known)
        return line[::-1]

    async def _opening(self, opening: Opening) -> Opening:
        """Say how a session opens in the target: as a fork only where its parent says there what it says here."""
        if opening.parent is None:
            return opening
        await self.flush()
        known = await self._source.head(opening.parent)
        if known is not None:
            await self.settle(known)
        there = await self._target.head(opening.parent)
        if known is None or there is None or there.seq < opening.base:
            return replace(opening, parent=None, base=0)
        alike = await self._alike(known.opening, there.opening, opening.base)
        return opening if alike else replace(opening, parent=None, base=0)

    async def _alike(self, here: Opening, there: Opening, seq: int) -> bool:
        return await _digest(self._source, here, seq) == await _digest(self._target, there, seq)

    async def _add(self, head: Head, opening: Opening | None, after: int) -> None:
        """Hand over a session's entries behind one of them, up to its head."""
        session_id = head.opening.session_id
        async for page in pages(self._source, session_id, after, head.seq):
            for entry, line in page:
                after += 1
                if entry.seq != after or session_id in self._refused:
                    # A source with a gap: what is behind it would be another session's history.
                    return
                if (
                    len(self._waiting) == whole_sessions.MOST_ENTRIES
                    or self._bytes + len(line) > whole_sessions.MOST_BYTES
                ):
                    await self.flush()
                self._waiting.append(_Waiting(session_id, entry, opening))
                self._bytes, opening = self._bytes + len(line), None

    async def settle(self, head: Head) -> None:
        """Go on with a session at which another copy came first, for as long as that leads on."""
        session_id, seq = head.opening.session_id, -1
        while session_id in self._refused and (there := await self._target.head(session_id)) is not None:
            if there.seq == seq:
                return
            seq = there.seq
            self._refused.discard(session_id)
            await self.bring(head)
            await self.flush()

    async def flush(self) -> None:
        """Store what is on its way."""
        appends: list[Append] = []
        for session_id, group in groupby(self._waiting, key=lambda waiting: waiting.session_id):
            run = [*group]
            entries = tuple(waiting.entry for waiting in run)
            appends.append(Append(session_id=session_id, entries=entries, opening=run[0].opening))
        self._waiting, self._bytes = [], 0
        if not appends:
            return
        # Read first, so that nothing but their own writing lies between a session's opening and its grants.
        granted = [await self._granted(append) for append in appends]
        outcomes = await self._target.append(appends)
        for grants, outcome in zip(granted, outcomes, strict=True):
            if isinstance(outcome, Committed) and grants != NOTHING:
                await self._target.grants.put(grants)
        for append, outcome in zip(appends, outcomes, strict=True):
            if isinstance(outcome, Committed):
                self._stored += len(append.entries)
                continue
            self._refused.add(append.session_id)
            if isinstance(outcome, Gone):
                self._gone.add(append.session_id)
        self._report(self._same, self._stored)

    async def _granted(self, append: Append) -> Grants:
        """Give what comes along with a session that this append opens: to others it was granted by the target."""
        return NOTHING if append.opening is None else await self._source.grants.of(append.session_id)

    async def verify(self, heads: Sequence[Head]) -> None:
        """Read sessions back from both sides; what listings show of them comes along where they are the same."""
        same = [head for head in heads if await self._verified(head)]
        for head in same:
            await copy_attachments(self._source, self._target, head.opening.session_id)
        if shown := [head.projection for head in same if head.projection is not None]:
            await self._target.project(shown)
        self._report(self._same, self._stored)

    async def _verified(self, head: Head) -> bool:
        session_id = head.opening.session_id
        there = await self._target.head(session_id)
        digest = await _digest(self._source, head.opening, head.seq)
        if there is not None and digest == await _digest(self._target, there.opening, head.seq):
            self._same += 1
            self._whole.update(f"{session_id} {digest}\n".encode())
            return True
        gone = session_id in self._gone or await self._source.head(session_id) is None
        (self._forgotten if gone else self._differing).append(session_id)
        return False


async def _digest(store: Store, opening: Opening, last: int) -> str:
    """Digest a session up to an entry."""
    found = hashlib.sha256(opening_line(opening))
    async for page in pages(store, opening.session_id, 0, last):
        for _, line in page:
            found.update(line)
    return found.hexdigest()
