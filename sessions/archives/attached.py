"""What is attached to queries, in archives: written once each, checked before anything is stored, and brought along.

How archives are written and read otherwise is the work of the modules beside this one.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from companions.attachments import Attachment
from companions.entries import Entry
from companions.errors import InputError
from sessions.archives import layout
from sessions.archives.reading import Archive
from sessions.archives.values import AGAIN
from sessions.archives.zipping import Part, Zipping
from sessions.attachment_store import Content
from sessions.store import Store


def told_in(entry: Entry) -> Iterator[Mapping[str, Any]]:
    """Give what a query tells of its attachments."""
    yield from entry.meta.get("attachments", ()) if entry.kind == "query" else ()


class Files:
    """The files of one archive, as far as they are written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._named: dict[str, None] = {}
        self._written: set[str] = set()

    def note(self, entries: Iterable[Entry]) -> None:
        """Take note of what entries name."""
        self._named |= dict.fromkeys(told["sha256"] for entry in entries for told in told_in(entry))

    async def add(self, zipping: Zipping, session_id: str) -> None:
        """Add what a session has named since the last, unless another one did before; what was never stored is not."""
        named, self._named = self._named, {}
        for digest in named.keys() - self._written:
            content = await self._store.attachments.get(session_id, (digest,))
            if content is not None:
                await asyncio.to_thread(_add, zipping, content)
                self._written.add(digest)


def _add(zipping: Zipping, content: Content) -> None:
    with closing(Part()) as part:
        part.write(content.data)
        zipping.add(layout.attachment_name(content.address), part)


class CheckedFiles:
    """The files of an archive that were gone through: each is what entries say of it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._seen: set[str] = set()

    def check(self, place: str, entry: Entry) -> None:
        """Check the files that an entry names; one that is lacking was lacking where the archive was made.

        Raises:
            InputError: One of them is another than is said.
        """
        for told in told_in(entry):
            self._seen.add(told["sha256"])
            data = self._archive.file(told["sha256"], told["bytes"])
            if data is None:
                continue
            if hashlib.sha256(data).hexdigest() != told["sha256"] or len(data) != told["bytes"]:
                raise InputError(f"What is attached in {place} is not what the entry says.", AGAIN)
            Attachment(name=told["name"], mime_type=told["mime_type"], data=data)

    def end(self) -> None:
        """Refuse files that no entry names.

        Raises:
            InputError: There are some.
        """
        if left := self._archive.digests - self._seen:
            name = layout.attachment_name(min(left))
            raise InputError(f"{self._archive.path.name} holds a file that no entry names: {name}.", AGAIN)


async def bring_files(store: Store, archive: Archive, session_id: str, entries: Iterable[Entry]) -> None:
    """Store the files that entries of a session name, which was brought before.

    Raises:
        StoreError: The store failed; the same import goes on.
    """
    for entry in entries:
        for told in told_in(entry):
            data = await asyncio.to_thread(archive.file, told["sha256"], told["bytes"])
            if data is not None:
                await store.attachments.put(session_id, entry.seq, (Content(address=told["sha256"], data=data),))
