"""What is attached to sessions, within a store's bounds. Files are large, so each call has the time of a search.

Nothing is repeated: whoever attaches or reads is there to ask again.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sessions.attachment_store import AttachmentStore, Content

if TYPE_CHECKING:
    from sessions.stores.guarded import GuardedStore


class GuardedAttachments:
    """The ``AttachmentStore`` protocol over the store that a guarded one stands for."""

    def __init__(self, guarded: "GuardedStore") -> None:
        """Take the store."""
        self._guarded = guarded

    @property
    def _attachments(self) -> AttachmentStore:
        return self._guarded.store.attachments

    async def put(self, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
        """Keep bytes; see ``AttachmentStore.put``."""
        return await self._guarded.alone(lambda: self._attachments.put(session_id, seq, contents))

    async def get(self, session_id: str, addresses: Sequence[str]) -> Content | None:
        """Read bytes; see ``AttachmentStore.get``."""
        return await self._guarded.alone(lambda: self._attachments.get(session_id, addresses))

    async def kept(self, session_id: str) -> Mapping[str, int]:
        """Read addresses; see ``AttachmentStore.kept``."""
        return await self._guarded.alone(lambda: self._attachments.kept(session_id))

    async def rewrite(self, session_id: str, address: str, content: Content) -> bool:
        """Put other bytes in their place; see ``AttachmentStore.rewrite``."""
        return await self._guarded.alone(lambda: self._attachments.rewrite(session_id, address, content))
