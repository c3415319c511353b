"""What sealing asks of SQLite: who wrote what, texts replaced where they stand, and the keys that were used.

Every function runs on the thread of the connection that it is given. What was replaced is wiped from the file by SQLite
itself, and from its log by emptying it.
"""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from companions.entries import Entry
from sessions.seal_store import Stretch
from sessions.stores.sqlite.reads import LIVING, PARENT
from sessions.stores.sqlite.schema import transaction
from sessions.stores.sqlite.writes import empty_log

NAMED = "SELECT id FROM sessions WHERE no = ?"
REWRITE = """UPDATE entries SET text = ?, meta = ?
    WHERE session = (SELECT no FROM sessions WHERE id = ?) AND seq = ? AND id = ?"""
SEALS = "SELECT key_id, proof FROM seals"
PUT = "INSERT INTO seals (key_id, proof) VALUES (?, ?) ON CONFLICT DO NOTHING"
PROOF = "SELECT proof FROM seals WHERE key_id = ?"
DROP = "DELETE FROM seals WHERE key_id = ?"


def lineage(connection: sqlite3.Connection, session_id: str) -> list[Stretch]:
    """Tell who wrote what a session reads; see ``SealableStore.lineage``."""
    found: list[Stretch] = []
    row = connection.execute(LIVING, (session_id,)).fetchone()
    while row is not None:
        no, parent, base = row
        found.append(Stretch(connection.execute(NAMED, (no,)).fetchone()[0], base))
        row = connection.execute(PARENT, (parent,)).fetchone()
    return found


def rewrite(connection: sqlite3.Connection, *, path: Path, session_id: str, entries: Sequence[Entry]) -> int:
    """Replace texts and metas; see ``SealableStore.rewrite``."""
    with transaction(connection, "IMMEDIATE"):
        rows = [(entry.text, json.dumps(dict(entry.meta)), session_id, entry.seq, entry.id) for entry in entries]
        count = sum(connection.execute(REWRITE, row).rowcount for row in rows)
    empty_log(connection, path, "The texts are replaced")
    return count


def seals(connection: sqlite3.Connection) -> dict[str, str]:
    """Read the proofs of keys; see ``SealableStore.seals``."""
    return dict(connection.execute(SEALS).fetchall())


def put_seal(connection: sqlite3.Connection, *, key_id: str, proof: str) -> str:
    """Note that a key is used; see ``SealableStore.put_seal``."""
    with transaction(connection, "IMMEDIATE"):
        connection.execute(PUT, (key_id, proof))
        return str(connection.execute(PROOF, (key_id,)).fetchone()[0])


def drop_seal(connection: sqlite3.Connection, *, key_id: str) -> None:
    """Forget that a key was used; see ``SealableStore.drop_seal``."""
    with transaction(connection, "IMMEDIATE"):
        connection.execute(DROP, (key_id,))
