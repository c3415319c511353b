"""Writing sessions to SQLite: batches of appends, projections, leases, and the erasing of what was forgotten.

Every function is one transaction on the thread of the connection that it is given, all or nothing. How entries are read
back is ``reads``' work.
"""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from companions.errors import StoreError
from sessions.store import Append, Committed, Conflict, Gone, Opening, Outcome, Projection
from sessions.stores.sqlite import grants as sqlite_grants
from sessions.stores.sqlite import reads as sqlite_reads
from sessions.stores.sqlite.rows import Row, row_of
from sessions.stores.sqlite.schema import transaction, unflushed
from sessions.stores.trails import Marks

KNOWN = 1024
"""Sessions that a connection remembers the state of, about a kilobyte each."""

OPEN = """INSERT INTO sessions (id, owner, created_at, parent, base, last_used, folded)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
ADD = """INSERT INTO entries (session, seq, id, companion_type, kind, slot, idx, author, at, mark, meta, text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
PROJECT = """UPDATE sessions SET projected = ?, title = ?, last_used = ?, preview = ?, companions = ?, folded = ?
    WHERE id = ? AND owner IS NOT NULL AND coalesce(projected, 0) <= ?"""
MARK = """UPDATE sessions SET owner = NULL, projected = NULL, title = '', preview = '', companions = '{}', folded = ''
    WHERE no = ?"""
ERASE = "DELETE FROM entries WHERE session = ? AND seq > ?"
DETACH = "DELETE FROM attachments WHERE session = ? AND seq > ?"
FORGOTTEN_PARENT = "SELECT p.no FROM sessions c JOIN sessions p ON p.no = c.parent WHERE c.no = ? AND p.owner IS NULL"
EXPIRE = "DELETE FROM leases WHERE until <= ? OR since > ?"
HOLDER = "SELECT holder FROM leases WHERE name = ?"
HOLD = "INSERT OR REPLACE INTO leases (name, holder, since, until) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session stands: its row, its newest seq, whether it lives, and what its next entry is marked from."""

    no: int
    seq: int
    living: bool
    marks: Marks | None


class Places:
    """Where the sessions stand that a connection wrote to last; it forgets them all once anyone else has written."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._version = 0

    def look(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction; SQLite tells whether another connection has committed since the last."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._places.clear()
            self._version = version

    def get(self, session_id: str) -> Place | None:
        """Give a session's place, if it is known."""
        return self._places.get(session_id)

    def keep(self, places: dict[str, Place]) -> None:
        """Take over what a transaction has committed."""
        for session_id, place in places.items():
            self._places.pop(session_id, None)
            self._places[session_id] = place
        while len(self._places) > KNOWN:
            del self._places[next(iter(self._places))]

    def forget(self) -> None:
        """Know nothing any more."""
        self._places.clear()


class _Batch:
    """The appends of one transaction, each compared with the head that the ones before it left."""

    def __init__(self, connection: sqlite3.Connection, known: Places) -> None:
        self.changed: dict[str, Place] = {}
        self._connection = connection
        self._known = known
        self._rows: list[Row] = []

    def take(self, append: Append) -> Outcome:
        place = self._place(append.session_id)
        if place is None and append.opening is not None:
            return self._open(append, append.opening)
        if place is None or not place.living:
            return Gone()
        if append.opening is not None or append.entries[0].seq != place.seq + 1:
            return Conflict(place.seq)
        return self._add(append, place)

    def flush(self) -> None:
        """Write the rows that have gathered; what is read next may be among them."""
        self._connection.executemany(ADD, self._rows)
        self._rows.clear()

    def _open(self, append: Append, opening: Opening) -> Outcome:
        parent = Place(0, 0, living=True, marks=Marks()) if opening.parent is None else self._place(opening.parent)
        if parent is None or not parent.living:
            return Gone()
        if parent.seq < opening.base or append.entries[0].seq != opening.base + 1:
            return Conflict(min(parent.seq, opening.base))
        minted = (append.session_id, opening.owner, opening.created_at, parent.no or None, opening.base)
        cursor = self._connection.execute(OPEN, (*minted, opening.created_at, append.session_id.casefold()))
        marks = parent.marks if parent.seq == opening.base else None
        return self._add(append, Place(cursor.lastrowid or 0, opening.base, living=True, marks=marks))

    def _add(self, append: Append, place: Place) -> Outcome:
        marks = self._marks(append, place)
        for entry in append.entries:
            mark, marks = marks.mark(entry)
            self._rows.append(row_of(place.no, entry, mark))
        self.changed[append.session_id] = Place(place.no, marks.head, living=True, marks=marks)
        return Committed()

    def _marks(self, append: Append, place: Place) -> Marks:
        marks = place.marks
        if marks is None or marks.missing(append.entries):
            self.flush()
            parts = sqlite_reads.segments(self._connection, append.session_id)
            if marks is None:
                marks = Marks.at(sqlite_reads.marked(self._connection, parts, {place.seq})[place.seq])
            missing = sqlite_reads.marked(self._connection, parts, marks.missing(append.entries))
            marks = marks.reading(missing.values())
        return marks

    def _place(self, session_id: str) -> Place | None:
        place = self.changed.get(session_id) or self._known.get(session_id)
        if place is None:
            state = sqlite_reads.state(self._connection, session_id)
            return None if state is None else Place(state.no, state.seq, living=state.living, marks=None)
        return place


def append(connection: sqlite3.Connection, *, appends: Sequence[Append], known: Places) -> list[Outcome]:
    """Store what fits, and remember where its sessions stand; see ``Store.append``."""
    try:
        with transaction(connection, "IMMEDIATE"):
            known.look(connection)
            batch = _Batch(connection, known)
            outcomes = [batch.take(each) for each in appends]
            batch.flush()
    except BaseException:
        # What became of the transaction is for the file to say.
        known.forget()
        raise
    known.keep(batch.changed)
    return outcomes


def project(connection: sqlite3.Connection, *, projections: Sequence[Projection]) -> None:
    """Refresh projections; see ``Store.project``."""
    with unflushed(connection), transaction(connection, "IMMEDIATE"):
        for shown in projections:
            folded = f"{shown.session_id}\n{shown.title}\n{shown.preview}".casefold()
            texts = (shown.title, shown.last_used, shown.preview, json.dumps(dict(shown.companions)), folded)
            connection.execute(PROJECT, (shown.seq, *texts, shown.session_id, shown.seq))


def lease(connection: sqlite3.Connection, *, name: str, holder: str, seconds: float) -> str:
    """Take, renew or give back a lease; see ``Store.lease``."""
    with unflushed(connection), transaction(connection, "IMMEDIATE"):
        # Every process of a machine reads the same monotonic clock. It begins anew when the machine does, so a lease
        # that was taken "later" than now is from before that and has ended; one that was taken while this one waited
        # for the file is not.
        now = time.monotonic()
        connection.execute(EXPIRE, (now, now))
        held_by = connection.execute(HOLDER, (name,)).fetchone()
        if held_by not in (None, (holder,)):
            return str(held_by[0])
        connection.execute(HOLD, (name, holder, now, now + seconds))
        return holder if seconds > 0 else ""


def tombstone(connection: sqlite3.Connection, *, path: Path, session_id: str, known: Places) -> bool:
    """Erase a session from the file and its log; see ``Store.tombstone``."""
    known.forget()
    with transaction(connection, "IMMEDIATE"):
        state = sqlite_reads.state(connection, session_id)
        if state is None:
            return False
        if state.living:
            connection.execute(MARK, (state.no,))
            sqlite_grants.drop(connection, state.no)
            _erase_unread(connection, state.no)
    empty_log(connection, path, "The session is forgotten")
    return state.living


def _erase_unread(connection: sqlite3.Connection, no: int) -> None:
    """Delete what no living fork reads any more, of a forgotten session and of the forgotten ones before it."""
    while no:
        unread = (no, sqlite_reads.read_by_forks(connection, no))
        connection.execute(ERASE, unread)
        connection.execute(DETACH, unread)
        (no,) = connection.execute(FORGOTTEN_PARENT, (no,)).fetchone() or (0,)


def empty_log(connection: sqlite3.Connection, path: Path, what: str) -> None:
    """Move what was written into the file and empty the log, so that deleted text stands in neither.

    Args:
        connection: Outside of a transaction.
        path: The file.
        what: What was done, for the error if somebody reads the text at this moment.
    """
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(
            f"{what}, but another program or a backup still reads the text in {path.name}.",
            "Let it end; the text goes when a session is next forgotten, keys are next rotated, or this program ends.",
        )
