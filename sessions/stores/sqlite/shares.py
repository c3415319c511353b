"""Keeping what was learned in SQLite: shares are put, folded together, dropped and read back.

Every function runs on the thread of the connection that it is given; each that writes is one transaction, all or
nothing.
"""

import sqlite3
from collections.abc import Sequence

from sessions.pattern_store import Share
from sessions.stores.share_texts import body_of, name_of, shares_of, type_of
from sessions.stores.sqlite.schema import transaction, unflushed

READ = "SELECT name, version, body FROM shares WHERE ?1 IS NULL OR companion_type = ?1"
RAISE = "UPDATE shares SET version = ?, body = ? WHERE name = ? AND version = ?"
ADD = "INSERT INTO shares (name, companion_type, version, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
THERE = "SELECT 1 FROM shares WHERE name = ? AND version = ? AND body = ?"
NAMED = "SELECT 1 FROM shares WHERE name = ?"
REMOVE = "DELETE FROM shares WHERE name = ?"
DROP = "DELETE FROM shares WHERE ?1 IS NULL OR companion_type = ?1"


def read(connection: sqlite3.Connection, companion_type: str | None) -> list[Share]:
    """Read shares; see ``PatternStore.shares``."""
    return shares_of(connection.execute(READ, _chosen(companion_type)))


def put(connection: sqlite3.Connection, *, share: Share) -> bool:
    """Store a share that follows on what is there; see ``PatternStore.put_share``."""
    with unflushed(connection), transaction(connection, "IMMEDIATE"):
        raised = connection.execute(RAISE, (share.version, body_of(share), name_of(share), share.version - 1))
        if raised.rowcount or (share.version == 1 and _added(connection, share)):
            return True
        return _there(connection, share)


def fold(connection: sqlite3.Connection, *, before: Sequence[Share], after: Share) -> bool:
    """Put a share in the place of others; see ``PatternStore.fold_shares``."""
    with unflushed(connection), transaction(connection, "IMMEDIATE"):
        if not all(_there(connection, share) for share in before):
            return _there(connection, after)
        names = {name_of(share) for share in before}
        if name_of(after) not in names and connection.execute(NAMED, (name_of(after),)).fetchone():
            return False
        connection.executemany(REMOVE, [(name,) for name in names])
        return _added(connection, after)


def drop(connection: sqlite3.Connection, *, companion_type: str | None) -> int:
    """Forget shares; see ``PatternStore.drop_shares``."""
    with transaction(connection, "IMMEDIATE"):
        return connection.execute(DROP, _chosen(companion_type)).rowcount


def _added(connection: sqlite3.Connection, share: Share) -> bool:
    row = (name_of(share), type_of(share.companion_type), share.version, body_of(share))
    return connection.execute(ADD, row).rowcount == 1


def _there(connection: sqlite3.Connection, share: Share) -> bool:
    return connection.execute(THERE, (name_of(share), share.version, body_of(share))).fetchone() is not None


def _chosen(companion_type: str | None) -> tuple[str | None]:
    return (None if companion_type is None else type_of(companion_type),)
