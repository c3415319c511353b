"""What a store must do so that files can be attached to queries: it keeps their bytes, by address, with a session.

It decides nothing and looks into nothing: which bytes are kept, under which address, and who may read them is said by
those who call. An entry names what was attached to it; the bytes stand here, and go when the last session goes that
reads that entry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Bytes that a session keeps, and the address under which they are found.

    Attributes:
        seq: Of what was read, the entry that it was put with.
    """

    address: str
    data: bytes = field(repr=False)
    seq: int = field(default=0, compare=False)


class AttachmentStore(Protocol):
    """A place where the bytes of attachments are kept. Of an unknown or forgotten session there are none.

    Reads of a fork give the parent's up to the base, then its own, as reads of entries do.
    """

    async def put(self, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
        """Keep bytes with a living session; ``False``, and nothing kept, if there is none.

        Args:
            session_id: The session.
            seq: The entry that names them: forks that read it read them, too.
            contents: What it keeps already under the same address stays as it is.
        """
        ...

    async def get(self, session_id: str, addresses: Sequence[str]) -> Content | None:
        """Read what a session keeps, itself or behind its fork, under any of some addresses."""
        ...

    async def kept(self, session_id: str) -> Mapping[str, int]:
        """Read the addresses of all that a session can read, each with the ``seq`` that it was put with."""
        ...

    async def rewrite(self, session_id: str, address: str, content: Content) -> bool:
        """Put other bytes, under another address, in the place of what a living session can read.

        It stays with the session that keeps it, forgotten or not. ``False`` if there is no such thing. What was
        replaced is out of the store's tables and logs as far as after ``SealableStore.rewrite``.
        """
        ...


class AttachingStore(Protocol):
    """A store that keeps attachments, too."""

    @property
    def attachments(self) -> AttachmentStore:
        """What is attached to queries."""
        ...
