"""What is attached to queries, in archives: written once each, checked before anything is stored, and brought along.

How archives are written and read otherwise is the work of the modules beside this one.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from companions.attachments import Attachment, check_name, kind_of
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
    """The files of an archive that were gone through: each is what entries say of it, however many name it.

    A file is read once, and once more for each further kind that it is said to be, of which there are few; so neither
    many queries about one file nor many names for it cost more than the file.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._seen: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._agreed: set[tuple[str, str]] = set()

    def check(self, place: str, entry: Entry) -> None:
        """Check the files that an entry names; one that is lacking was lacking where the archive was made.

        Raises:
            InputError: One of them is another than is said.
        """
        for told in told_in(entry):
            self._seen.add(told["sha256"])
            if told["sha256"] in self._archive.digests:
                check_name(told["name"])
                self._check(place, told)

    def _check(self, place: str, told: Mapping[str, Any]) -> None:
        digest, size = told["sha256"], told["bytes"]
        if self._sizes.get(digest, size) != size:
            raise _another(place)
        kind = "text" if kind_of(told["mime_type"]) == "text" else told["mime_type"]
        if (digest, kind) in self._agreed:
            return
        data = self._archive.file(digest, size, spends=digest not in self._sizes)
        if len(data) != size:
            raise _another(place)
        if Attachment(name=told["name"], mime_type=told["mime_type"], data=data).sha256 != digest:
            raise _another(place)
        self._sizes[digest] = size
        self._agreed.add((digest, kind))

    def end(self) -> None:
        """Refuse files that no entry names.

        Raises:
            InputError: There are some.
        """
        if left := self._archive.digests - self._seen:
            name = layout.attachment_name(min(left))
            raise InputError(f"{self._archive.path.name} holds a file that no entry names: {name}.", AGAIN)


async def bring_files(store: Store, archive: Archive, session_id: str, several: AsyncIterator[Iterable[Entry]]) -> None:
    """Store the files that entries of a session name, which was brought before: each with the first that does.

    Args:
        store: Where the session is.
        archive: Where the files are; they were checked.
        session_id: Its id in the store.
        several: Its own entries in order, some at a time.

    Raises:
        StoreError: The store failed; the same import goes on.
    """
    brought = set[str]()
    async for entries in several:
        for seq, told in ((entry.seq, told) for entry in entries for told in told_in(entry)):
            if (digest := told["sha256"]) in archive.digests and digest not in brought:
                brought.add(digest)
                data = await asyncio.to_thread(archive.file, digest, told["bytes"], spends=False)
                await store.attachments.put(session_id, seq, (Content(address=digest, data=data),))


def _another(place: str) -> InputError:
    return InputError(f"What is attached in {place} is not what the entry says.", AGAIN)
