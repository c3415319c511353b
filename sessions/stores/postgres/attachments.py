"""What is attached to sessions in PostgreSQL: kept with a session, read through forks, replaced where it stands.

How it is erased with its session is ``erasing``'s work. Each call is one statement; one that adds holds the session's
row meanwhile, so that nothing is added to one that is being forgotten.
"""

# ruff: noqa: S608 (statements are made of constants only)

from collections.abc import Sequence

from sessions.attachment_store import Content
from sessions.stores.postgres.connections import Lane
from sessions.stores.postgres.reads import LAST

PUT = """WITH held AS MATERIALIZED (SELECT no FROM companions_sessions
        WHERE id = $1 AND owner IS NOT NULL FOR NO KEY UPDATE),
    added AS (INSERT INTO companions_attachments (session, address, seq, data)
        SELECT no, address, $2, data FROM held, unnest($3::text[], $4::bytea[]) AS given (address, data)
        ON CONFLICT DO NOTHING)
    SELECT no FROM held"""
_CHAIN = f"""WITH RECURSIVE chain (no, parent, base, last) AS (
    SELECT no, parent, base, {LAST} FROM companions_sessions WHERE id = $1 AND owner IS NOT NULL
    UNION ALL SELECT p.no, p.parent, p.base, least(c.last, c.base)
        FROM chain AS c JOIN companions_sessions AS p ON p.no = c.parent)"""
GET = f"""{_CHAIN} SELECT a.address, a.data, a.seq FROM chain AS c JOIN companions_attachments AS a
    ON a.session = c.no AND a.address = ANY($2::text[]) AND a.seq <= c.last LIMIT 1"""
KEPT = f"""{_CHAIN} SELECT a.address, a.seq FROM chain AS c JOIN companions_attachments AS a
    ON a.session = c.no AND a.seq <= c.last"""
REWRITE = f"""{_CHAIN}, gone AS (DELETE FROM companions_attachments AS a USING chain AS c
        WHERE a.session = c.no AND a.seq <= c.last AND a.address = $2 RETURNING a.session, a.seq),
    added AS (INSERT INTO companions_attachments (session, address, seq, data)
        SELECT session, $3, seq, $4 FROM gone ON CONFLICT DO NOTHING)
    SELECT count(*) FROM gone"""


class PostgresAttachments:
    """The ``AttachmentStore`` protocol over the connections of a store."""

    def __init__(self, lane: Lane) -> None:
        """Take the lane; every call comes to the same when it is made again."""
        self._lane = lane

    async def put(self, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
        """Keep bytes; see ``AttachmentStore.put``."""
        addresses, data = [content.address for content in contents], [content.data for content in contents]
        return bool(await self._lane.fetch(PUT, session_id, seq, addresses, data))

    async def get(self, session_id: str, addresses: Sequence[str]) -> Content | None:
        """Read bytes; see ``AttachmentStore.get``."""
        rows = await self._lane.fetch(GET, session_id, [*addresses])
        return Content(address=rows[0][0], data=bytes(rows[0][1]), seq=rows[0][2]) if rows else None

    async def kept(self, session_id: str) -> dict[str, int]:
        """Read addresses; see ``AttachmentStore.kept``."""
        rows = await self._lane.fetch(KEPT, session_id)
        return {row[0]: row[1] for row in rows}

    async def rewrite(self, session_id: str, address: str, content: Content) -> bool:
        """Put other bytes in their place; see ``AttachmentStore.rewrite``."""
        ((gone,),) = await self._lane.fetch(REWRITE, session_id, address, content.address, content.data)
        return bool(gone)
