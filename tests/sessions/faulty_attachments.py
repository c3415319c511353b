"""What is attached in a faulty store: calls go the way of the store's own, each as ``attachments.`` and its name."""

from collections.abc import Mapping, Sequence
from typing import Any

from sessions.attachment_store import AttachmentStore, Content
from tests.sessions.faulty_grants import Through


class FaultyAttachments:
    """The ``AttachmentStore`` protocol over the real one."""

    def __init__(self, attachments: AttachmentStore, through: Through) -> None:
        self._attachments, self._way = attachments, through

    async def put(self, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
        return await self._through("put", session_id, seq, contents)

    async def get(self, session_id: str, addresses: Sequence[str]) -> Content | None:
        return await self._through("get", session_id, addresses)

    async def kept(self, session_id: str) -> Mapping[str, int]:
        return await self._through("kept", session_id)

    async def rewrite(self, session_id: str, address: str, content: Content) -> bool:
        return await self._through("rewrite", session_id, address, content)

    async def _through(self, method: str, *given: Any) -> Any:
        return await self._way(f"attachments.{method}", lambda: getattr(self._attachments, method)(*given))
