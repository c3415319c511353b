"""What is attached to sessions in this process's memory.

Like the sessions beside it: no method awaits anything, so each is one undivided step of the event loop.
"""

from collections.abc import Callable, Iterator, Sequence

from sessions.attachment_store import Content
from sessions.erasure_store import Reader
from sessions.seal_store import Stretch

LAST = float("inf")


class MemoryAttachments:
    """The ``AttachmentStore`` protocol over dictionaries."""

    def __init__(self, lineage: Callable[[str], Sequence[Stretch]]) -> None:
        """Take what tells who wrote what a living session reads, newest first; nothing for one that is not there."""
        self._lineage = lineage
        self._kept: dict[str, dict[str, tuple[int, bytes]]] = {}

    async def put(self, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
        """Keep bytes; see ``AttachmentStore.put``."""
        if not self._lineage(session_id):
            return False
        kept = self._kept.setdefault(session_id, {})
        for content in contents:
            kept.setdefault(content.address, (seq, content.data))
        return True

    async def get(self, session_id: str, addresses: Sequence[str]) -> Content | None:
        """Read bytes; see ``AttachmentStore.get``."""
        for kept, address, _ in self._readable(session_id):
            if address in addresses:
                seq, data = kept[address]
                return Content(address=address, data=data, seq=seq)
        return None

    async def kept(self, session_id: str) -> dict[str, int]:
        """Read addresses; see ``AttachmentStore.kept``."""
        return {address: seq for _, address, seq in self._readable(session_id)}

    async def rewrite(self, session_id: str, address: str, content: Content) -> bool:
        """Put other bytes in their place; see ``AttachmentStore.rewrite``."""
        for kept, known, seq in self._readable(session_id):
            if known == address:
                del kept[address]
                kept.setdefault(content.address, (seq, content.data))
                return True
        return False

    def drop(self, lineage: Sequence[Stretch], readers: Callable[[str], Sequence[Reader]]) -> None:
        """Forget what nobody reads any more, of a session that was forgotten and of forgotten ones before it."""
        for name in (stretch.session_id for stretch in lineage if not self._lineage(stretch.session_id)):
            read = max((reader.at for reader in readers(name)), default=0)
            kept = self._kept.pop(name, {})
            if left := {address: each for address, each in kept.items() if each[0] <= read}:
                self._kept[name] = left

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def _readable(self, session_id: str) -> Iterator[tuple[dict[str, tuple[int, bytes]], str, int]]:
        last = LAST
        for stretch in self._lineage(session_id):
            kept = self._kept.get(stretch.session_id, {})
            yield from [(kept, address, seq) for address, (seq, _) in kept.items() if seq <= last]
            last = min(last, stretch.base)
