"""Sealing a whole store with the newest key: what is plain or sealed with another key is rewritten, and then verified.

It goes session by session and page by page, opens whatever it passes over, and keeps nowhere how far it is: a run that
was cut short is taken up by the next, which finds the rest. Others may read and append meanwhile, if they have all the
keys. What waits in spools is for their servers to bring home.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from companions.entries import Entry
from sessions.reporting import Report
from sessions.seal_store import SealableStore, Stretch
from sessions.sealing import admission
from sessions.sealing import attachments as sealed_attachments
from sessions.sealing import entries as sealed_entries
from sessions.sealing import heads as sealed_heads
from sessions.sealing.cipher import Cipher
from sessions.sealing.entries import header_of
from sessions.sealing.keys import Keyring
from sessions.sealing.refusals import admit, mark
from sessions.store import Head, Projection
from sessions.stores.deadlines import Patience
from sessions.stores.guarded import GuardedStore
from sessions.whole_sessions import pages

SESSIONS = 100
"""Sessions that are listed at a time."""
PASSES = 5
"""Of which the last finds nothing left, unless others write with an older key meanwhile."""


@dataclass(slots=True, kw_only=True)
class Rotated:
    """What a rotation came to.

    Attributes:
        sessions: How many sessions there are.
        entries: How many entries are sealed with the newest key and open.
        resealed: How many of them this run sealed.
        unopened: Sessions with something that does not open; it was left as it is.
        left: How many entries or heads were still found to be sealed otherwise at the last look.
        used: Ids of older keys that a server said meanwhile that it goes on sealing with.
        dropped: Ids of the keys that nothing in the store is sealed with any more.
    """

    sessions: int = 0
    entries: int = 0
    resealed: int = 0
    unopened: set[str] = field(default_factory=set[str])
    left: int = 0
    used: list[str] = field(default_factory=list[str])
    dropped: list[str] = field(default_factory=list[str])

    @property
    def whole(self) -> bool:
        """Whether everything is sealed with the newest key, and will be."""
        return not (self.left or self.unopened or self.used)


async def rotate(
    store: SealableStore, guarded: GuardedStore, keyring: Keyring, report: Report, *, drop: bool = True
) -> Rotated:
    """Seal everything in a store with the newest key, and look whether all of it opens with that one.

    Args:
        store: The store itself.
        guarded: The same within the bounds that calls are to keep to.
        keyring: The newest key, and those that the store was sealed with.
        report: Hears how many sessions are done, and how many entries were sealed.
        drop: Whether the store is to forget the other keys once nothing is sealed with them. Before it does, or says
            of what was sealed now that it is all, every process has to have looked at the seals again: that is waited
            for, twice ``admission.EXPIRY`` seconds.

    Raises:
        UnopenedError: A key is missing or another than the store was sealed with.
        StoreError: The store failed; what was done until then stays done.
    """
    rotation = _Rotation(store, guarded, Cipher(keyring), report)
    await asyncio.to_thread(rotation.cipher.load)
    admit(keyring, await guarded.alone(store.seals))
    await guarded.alone(lambda: mark(store, keyring))
    found = await rotation.passes()
    return await rotation.settled(found) if drop and found.whole else found


class _Rotation:
    """Runs over one store; the last one finds nothing left to do."""

    def __init__(self, store: SealableStore, guarded: GuardedStore, cipher: Cipher, report: Report) -> None:
        self.cipher = cipher
        self._store, self._guarded, self._report = store, guarded, report
        self._resealed = 0
        self._changed = False

    async def passes(self) -> Rotated:
        """Walk over the store until nothing is left to do."""
        found = await self.once()
        for _ in range(PASSES):
            if not found.left:
                break
            found = await self.once()
        return found

    async def settled(self, found: Rotated) -> Rotated:
        """Drop the older keys unless a process still uses one of them; what such a process wrote is found, too."""
        seals = await self._guarded.alone(self._store.seals)
        older = {key_id: proof for key_id, proof in seals.items() if key_id != self.cipher.keyring.newest}
        if not (older or self._changed):
            return found
        needed = True
        try:
            for key_id in older:
                await self._guarded.alone(partial(self._store.drop_seal, key_id))
            # Whoever looked just before may rely on that for one EXPIRY, and store for another.
            await asyncio.sleep(2 * admission.EXPIRY)
            found = await self.once()
            seals = await self._guarded.alone(self._store.seals)
            found.used = [key_id for key_id in seals if key_id != self.cipher.keyring.newest]
            needed = not found.whole
        finally:
            if needed:
                for key_id, proof in older.items():
                    # Also where the store is thought to be away: it would be let in without a key that it needs.
                    patience = Patience(asyncio.get_running_loop().time() + self._guarded.patience)
                    await patience.wait(partial(self._store.put_seal, key_id, proof))
        found.dropped = [] if needed else list(older)
        return found

    async def once(self) -> Rotated:
        """Walk over all sessions; what was found otherwise than sealed with the newest key counts as left."""
        found, after = Rotated(), ""
        while heads := await self._guarded.scan(after=after, limit=SESSIONS):
            for head in heads:
                await self._session(head, found)
                found.sessions += 1
                self._report(found.sessions, self._resealed)
            after = heads[-1].opening.session_id
        self._changed |= bool(found.left)
        # What was replaced may stand in a log yet, also that of a run that was cut short before.
        await self._guarded.alone(partial(self._store.rewrite, after, ()))
        found.resealed = self._resealed
        return found

    async def _session(self, head: Head, found: Rotated) -> None:
        session_id = head.opening.session_id
        lineage = await self._guarded.alone(lambda: self._store.lineage(session_id))
        last = head.seq
        for number, stretch in enumerate(lineage):
            above = lineage[number + 1 :]
            before = None if not stretch.base or not above else await self._writer(session_id, stretch.base, above)
            # What a living parent wrote is rewritten when it is its turn.
            if stretch.session_id == session_id or await self._guarded.head(stretch.session_id) is None:
                await self._stretch(session_id, stretch, last, before, found)
            last = min(last, stretch.base)
        await self._attached(head, found)
        if head.projection is not None:
            await self._shown(head.projection, found)

    async def _attached(self, head: Head, found: Rotated) -> None:
        """Rewrite what is attached to a session, or was to those that it was forked from."""
        session_id, owner = head.opening.session_id, head.opening.owner
        attachments = self._guarded.attachments
        for address in await attachments.kept(session_id):
            if sealed_attachments.key_of(address) == self.cipher.keyring.newest:
                continue
            kept = await attachments.get(session_id, (address,))
            opened = sealed_attachments.opened
            data = None if kept is None else await asyncio.to_thread(opened, self.cipher, owner, kept)
            if data is None:
                found.unopened.add(session_id)
                continue
            again = await asyncio.to_thread(sealed_attachments.sealed, self.cipher, owner, data)
            found.left += await attachments.rewrite(session_id, address, again)
            self._resealed += 1

    async def _writer(self, session_id: str, seq: int, above: list[Stretch]) -> Stretch:
        """Name who wrote the entry that a fork begins behind: as it is sealed or, where it is plain, as stored."""
        entries = await self._guarded.page(session_id, after=seq - 1, limit=1)
        header = header_of(entries[0]) if entries else None
        stored = next((stretch.session_id for stretch in above if stretch.base < seq), session_id)
        return Stretch(stored if header is None else header.session_id, seq)

    async def _stretch(
        self, session_id: str, stretch: Stretch, last: int, before: Stretch | None, found: Rotated
    ) -> None:
        """Rewrite what one session wrote of what another, or itself, reads."""
        async for page in pages(self._guarded, session_id, stretch.base, last):
            changed: list[Entry] = []
            for entry, _ in page:
                again = self._again(entry, stretch.session_id, before)
                if again is None:
                    found.unopened.add(session_id)
                elif again is entry:
                    found.entries += 1
                else:
                    changed.append(again)
            if changed:
                found.left += len(changed)
                self._resealed += await self._guarded.alone(partial(self._store.rewrite, stretch.session_id, changed))

    def _again(self, entry: Entry, writer: str, before: Stretch | None) -> Entry | None:
        """Give an entry sealed with the newest key, itself if it is already; ``None`` if it does not open."""
        if not sealed_entries.is_sealed(entry):
            return sealed_entries.sealed(self.cipher, entry, writer, before)
        header, opened = header_of(entry), sealed_entries.opened(self.cipher, entry)
        if header is None or opened is None:
            return None
        if header.key_id == self.cipher.keyring.newest:
            return entry
        return sealed_entries.sealed(self.cipher, opened, header.session_id, header.before)

    async def _shown(self, shown: Projection, found: Rotated) -> None:
        if sealed_heads.is_sealed(shown):
            if sealed_heads.key_of(shown) == self.cipher.keyring.newest:
                return
            opened = sealed_heads.opened(self.cipher, shown)
            if opened is None:
                return  # it is made again of the entries by whoever looks at it next
            shown = opened
        found.left += 1
        await self._guarded.project([sealed_heads.sealed(self.cipher, shown)])
