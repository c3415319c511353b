"""A store that holds sealed texts only: what goes into it is sealed, and what is read from it is opened.

It decides nothing about sessions and never looks into what it seals. It stands directly over the store itself, so that
whatever else reads that one, a copy, a backup, a prune, sees sealed texts alone. Without keys it seals nothing, and
refuses a store in which something is sealed.
"""

import asyncio
import builtins
import logging
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field, replace

from companions.entries import Entry
from sessions.erasure_store import Reader, Wiped
from sessions.pattern_store import Share
from sessions.seal_store import SealableStore, Stretch
from sessions.sealing import entries as sealed_entries
from sessions.sealing import heads as sealed_heads
from sessions.sealing.admission import Admission
from sessions.sealing.attachments import SealedAttachments
from sessions.sealing.cipher import Cipher
from sessions.sealing.entries import Header, header_of
from sessions.sealing.grants import SealedGrants
from sessions.sealing.keys import Keyring
from sessions.sealing.lineages import Lineages
from sessions.sealing.refusals import unopened
from sessions.store import Append, Head, Outcome, Projection, Size, Window

log = logging.getLogger("companions.sealing")


@dataclass(slots=True)
class SealedStore:
    """The ``Store`` protocol over another store, whose texts are sealed.

    Attributes:
        store: The store itself.
        cipher: Seals and opens; ``None`` without keys.
    """

    store: SealableStore
    keyring: InitVar[Keyring | None] = None
    cipher: Cipher | None = field(init=False)
    _lineages: Lineages = field(init=False)
    _admission: Admission = field(init=False)

    def __post_init__(self, keyring: Keyring | None) -> None:
        """Take the keys."""
        self.cipher = None if keyring is None else Cipher(keyring)
        self._lineages = Lineages(self.store, self._header)
        self._admission = Admission(self.store, self.cipher)

    @property
    def shared(self) -> bool:
        """Whether another process can write to the same sessions."""
        return self.store.shared

    @property
    def grants(self) -> SealedGrants:
        """Whom sessions are shared with: no text, so it is not sealed."""
        return SealedGrants(self.store.grants, self._admission, self._shown)

    @property
    def attachments(self) -> SealedAttachments:
        """What is attached to queries, sealed."""
        return SealedAttachments(self.store, self._admission, self.cipher)

    async def load(self) -> None:
        """Import what sealing and the store need; see ``Store.load``."""
        if self.cipher is not None:
            await asyncio.to_thread(self.cipher.load)
        await self.store.load()

    async def append(self, appends: Sequence[Append]) -> builtins.list[Outcome]:
        """Store what fits, sealed; see ``Store.append``."""
        await self._admission.to_write()
        if self.cipher is None:
            return await self.store.append(appends)
        before = await self._lineages.before(appends)
        return await self.store.append(
            [_sealed(self.cipher, append, link) for append, link in zip(appends, before, strict=True)]
        )

    async def tail(self, session_id: str, companion_type: str, window: Window) -> builtins.list[Entry]:
        """Read what an open companion needs; see ``Store.tail``."""
        await self._admission.to_read()
        return await self._opened(session_id, await self.store.tail(session_id, companion_type, window))

    async def page(
        self,
        session_id: str,
        *,
        after: int = 0,
        limit: int = 100,
        companion_type: str | None = None,
        slot: int | None = None,
        kinds: Sequence[str] = (),
    ) -> builtins.list[Entry]:
        """Read entries in order; see ``Store.page``."""
        await self._admission.to_read()
        found = await self.store.page(
            session_id, after=after, limit=limit, companion_type=companion_type, slot=slot, kinds=kinds
        )
        return await self._opened(session_id, found)

    async def head(self, session_id: str) -> Head | None:
        """Read a session's head; see ``Store.head``."""
        await self._admission.to_read()
        head = await self.store.head(session_id)
        return None if head is None else self._shown(head)

    async def scan(self, *, after: str = "", limit: int = 100) -> builtins.list[Head]:
        """Read all owners' sessions in order of id; see ``Store.scan``."""
        await self._admission.to_read()
        return [self._shown(head) for head in await self.store.scan(after=after, limit=limit)]

    async def size(self) -> Size:
        """Tell how large the store is; see ``Store.size``."""
        return await self.store.size()

    async def project(self, projections: Sequence[Projection]) -> None:
        """Refresh projections, sealed; see ``Store.project``."""
        await self._admission.to_write()
        if self.cipher is None:
            await self.store.project(projections)
            return
        await self.store.project([sealed_heads.sealed(self.cipher, shown) for shown in projections])

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        """Take, renew or give back a lease; see ``Store.lease``."""
        return await self.store.lease(name, holder, seconds)

    async def tombstone(self, session_id: str) -> bool:
        """Erase a session; see ``Store.tombstone``."""
        return await self.store.tombstone(session_id)

    async def readers(self, session_id: str) -> Sequence[Reader]:
        """Read who reads entries of a session; see ``ErasureStore.readers``."""
        return await self.store.readers(session_id)

    async def wipe(self, owner: str | None = None) -> Wiped:
        """Take out of the store's files what was erased; see ``ErasureStore.wipe``."""
        return await self.store.wipe(owner)

    async def shares(self, companion_type: str | None = None) -> builtins.list[Share]:
        """Read what was learned; see ``PatternStore.shares``. Numbers are not sealed."""
        return await self.store.shares(companion_type)

    async def put_share(self, share: Share) -> bool:
        """Store a share; see ``PatternStore.put_share``."""
        return await self.store.put_share(share)

    async def fold_shares(self, before: Sequence[Share], after: Share) -> bool:
        """Put a share in the place of others; see ``PatternStore.fold_shares``."""
        return await self.store.fold_shares(before, after)

    async def drop_shares(self, companion_type: str | None = None) -> int:
        """Forget what was learned; see ``PatternStore.drop_shares``."""
        return await self.store.drop_shares(companion_type)

    async def close(self) -> None:
        """Let go of the store."""
        await self.store.close()

    async def list(
        self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0
    ) -> builtins.list[Head]:
        """Read an owner's sessions; see ``Store.list``. Of what is sealed, a search sees companion types and dates."""
        await self._admission.to_read()
        heads = await self.store.list(owner, search=search, limit=limit, offset=offset)
        return [self._shown(head) for head in heads]

    async def _opened(self, session_id: str, found: Sequence[Entry]) -> builtins.list[Entry]:
        """Open entries that a session reads.

        Raises:
            UnopenedError: One of them does not open, or is not the session's to read.
        """
        entries: builtins.list[Entry] = []
        for entry in found:
            if not sealed_entries.is_sealed(entry):
                entries.append(entry)
                continue
            header = header_of(entry)
            opened = None if self.cipher is None else sealed_entries.opened(self.cipher, entry)
            if header is None or opened is None or not await self._may_read(session_id, entry.seq, header):
                raise unopened(session_id, entry.seq, header, self.cipher)
            entries.append(opened)
        return entries

    async def _may_read(self, session_id: str, seq: int, header: Header) -> bool:
        return header.session_id == session_id or await self._lineages.may_read(session_id, seq, header.session_id)

    def _header(self, entry: Entry) -> Header | None:
        """Give how an entry was sealed if it opens."""
        opens = self.cipher is not None and sealed_entries.opened(self.cipher, entry) is not None
        return header_of(entry) if opens else None

    def _shown(self, head: Head) -> Head:
        """Open what is shown of a session; where that does not open, nothing is, and it can be made of the entries."""
        self._lineages.learn(head.opening)
        shown = head.projection
        if shown is None or not sealed_heads.is_sealed(shown):
            return head
        opened = None if self.cipher is None else sealed_heads.opened(self.cipher, shown)
        if opened is None:
            log.info("what listings show of session %s does not open", head.opening.session_id)
        return replace(head, projection=opened)


def _sealed(cipher: Cipher, append: Append, before: Stretch | None) -> Append:
    entries = tuple(sealed_entries.sealed(cipher, entry, append.session_id, before) for entry in append.entries)
    return replace(append, entries=entries)
