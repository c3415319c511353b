"""What is attached to sessions in SQLite: kept with a session, read through forks, replaced where it stands.

How it is erased with its session is ``writes``'s work.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sessions.attachment_store import Content
from sessions.stores.sqlite import reads as sqlite_reads
from sessions.stores.sqlite.lane import Lane
from sessions.stores.sqlite.schema import transaction
from sessions.stores.sqlite.writes import empty_log

PUT = """INSERT INTO attachments (session, address, seq, data)
    SELECT no, ?, ?, ? FROM sessions WHERE id = ? AND owner IS NOT NULL ON CONFLICT DO NOTHING"""
FIND = "SELECT no, seq, session FROM attachments WHERE session = ? AND address = ?"
DATA = "SELECT data FROM attachments WHERE no = ?"
ADDRESSES = "SELECT address, seq FROM attachments WHERE session = ? AND seq <= ?"
DROP = "DELETE FROM attachments WHERE no = ?"
ADD = "INSERT INTO attachments (session, address, seq, data) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"


class SQLiteAttachments:
    """The ``AttachmentStore`` protocol over the connections of a store."""

    def __init__(self, path: Path, writer: Lane, reader: Lane) -> None:
        """Take the file and the lanes."""
        self._path, self._writer, self._reader = path, writer, reader

    async def put(self, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
        """Keep bytes; see ``AttachmentStore.put``."""
        return await self._writer.run(partial(_put, session_id=session_id, seq=seq, contents=contents))

    async def get(self, session_id: str, addresses: Sequence[str]) -> Content | None:
        """Read bytes; see ``AttachmentStore.get``."""
        return await self._reader.run(partial(_get, session_id=session_id, addresses=addresses))

    async def kept(self, session_id: str) -> dict[str, int]:
        """Read addresses; see ``AttachmentStore.kept``."""
        return await self._reader.run(partial(_kept, session_id=session_id))

    async def rewrite(self, session_id: str, address: str, content: Content) -> bool:
        """Put other bytes in their place; see ``AttachmentStore.rewrite``."""
        replaced = partial(_rewrite, path=self._path, session_id=session_id, address=address, content=content)
        return await self._writer.run(replaced)


def _put(connection: sqlite3.Connection, *, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
    with transaction(connection, "IMMEDIATE"):
        if connection.execute(sqlite_reads.LIVING, (session_id,)).fetchone() is None:
            return False
        for content in contents:
            connection.execute(PUT, (content.address, seq, content.data, session_id))
    return True


def _get(connection: sqlite3.Connection, *, session_id: str, addresses: Sequence[str]) -> Content | None:
    with transaction(connection, "DEFERRED"):
        for address in addresses:
            if (found := _found(connection, session_id, address)) is not None:
                data = connection.execute(DATA, found[:1]).fetchone()[0]
                return Content(address=address, data=data, seq=found[1])
    return None


def _kept(connection: sqlite3.Connection, *, session_id: str) -> dict[str, int]:
    found: dict[str, int] = {}
    with transaction(connection, "DEFERRED"):
        for part in sqlite_reads.segments(connection, session_id):
            found |= connection.execute(ADDRESSES, (part.no, part.last)).fetchall()
    return found


def _rewrite(connection: sqlite3.Connection, *, path: Path, session_id: str, address: str, content: Content) -> bool:
    with transaction(connection, "IMMEDIATE"):
        found = _found(connection, session_id, address)
        if found is not None:
            number, seq, session = found
            connection.execute(DROP, (number,))
            connection.execute(ADD, (session, content.address, seq, content.data))
    empty_log(connection, path, "The attachments are replaced")
    return found is not None


def _found(connection: sqlite3.Connection, session_id: str, address: str) -> tuple[int, int, int] | None:
    """Find what a session can read: its row, its seq, and the row of the session that keeps it."""
    for part in sqlite_reads.segments(connection, session_id):
        row = connection.execute(FIND, (part.no, address)).fetchone()
        if row is not None and row[1] <= part.last:
            return row
    return None
