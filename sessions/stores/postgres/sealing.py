"""What sealing asks of PostgreSQL: who wrote what, texts replaced where they stand, and the keys that were used.

Each of it is one statement. What was replaced is dead to every reader, and taken out of the server's files as what was
forgotten is.
"""

import json
from collections.abc import Sequence

from companions.entries import Entry
from sessions.seal_store import Stretch
from sessions.stores.postgres.connections import Lane
from sessions.stores.postgres.rows import as_bytes, columns

LINEAGE = """WITH RECURSIVE chain (id, parent, base, depth) AS (
    SELECT id, parent, base, 0 FROM companions_sessions WHERE id = $1 AND owner IS NOT NULL
    UNION ALL SELECT p.id, p.parent, p.base, c.depth + 1
        FROM chain AS c JOIN companions_sessions AS p ON p.no = c.parent)
    SELECT id, base, depth FROM chain"""
REWRITE = """UPDATE companions_entries AS e SET text = r.text, meta = r.meta
    FROM unnest($2::int[], $3::text[], $4::text[], $5::bytea[]) AS r (seq, id, meta, text)
    WHERE e.session = (SELECT no FROM companions_sessions WHERE id = $1) AND e.seq = r.seq AND e.id = r.id
    RETURNING e.seq"""
SEALS = "SELECT key_id, proof FROM companions_seals"
PUT = "INSERT INTO companions_seals (key_id, proof) VALUES ($1, $2) ON CONFLICT DO NOTHING"
PROOF = "SELECT proof FROM companions_seals WHERE key_id = $1"
DROP = "DELETE FROM companions_seals WHERE key_id = $1"


async def lineage(lane: Lane, session_id: str) -> list[Stretch]:
    """Tell who wrote what a session reads; see ``SealableStore.lineage``."""
    rows = await lane.fetch(LINEAGE, session_id)
    return [Stretch(name, base) for name, base, _ in sorted(rows, key=lambda row: row[2])]


async def rewrite(lane: Lane, session_id: str, entries: Sequence[Entry]) -> int:
    """Replace texts and metas; see ``SealableStore.rewrite``."""
    rows = [(entry.seq, entry.id, json.dumps(dict(entry.meta)), as_bytes(entry.text)) for entry in entries]
    return len(await lane.fetch(REWRITE, session_id, *columns(rows))) if rows else 0


async def seals(lane: Lane) -> dict[str, str]:
    """Read the proofs of keys; see ``SealableStore.seals``."""
    return {str(key_id): str(proof) for key_id, proof in await lane.fetch(SEALS)}


async def put_seal(lane: Lane, key_id: str, proof: str) -> str:
    """Note that a key is used; see ``SealableStore.put_seal``."""
    await lane.fetch(PUT, key_id, proof)
    ((there,),) = await lane.fetch(PROOF, key_id)
    return str(there)


async def drop_seal(lane: Lane, key_id: str) -> None:
    """Forget that a key was used; see ``SealableStore.drop_seal``."""
    await lane.fetch(DROP, key_id)
