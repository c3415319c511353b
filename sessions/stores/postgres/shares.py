"""Keeping what was learned in PostgreSQL: shares are put, folded together, dropped and read back.

Each of it is one statement, which compares what is there and changes it. Where a statement changed nothing, whether it
had been made before is looked up by another: what a statement sees of others is older than what it waited for.
"""

import hashlib
from collections.abc import Sequence

from sessions.pattern_store import Share
from sessions.stores.postgres.connections import Lane
from sessions.stores.share_texts import body_of, name_of, shares_of, type_of

READ = "SELECT name, version, body FROM companions_shares WHERE $1::text IS NULL OR companion_type = $1"
PUT = """WITH raised AS (UPDATE companions_shares SET version = $4, body = $5
        WHERE digest = $1 AND version = $4::bigint - 1 RETURNING digest),
    added AS (INSERT INTO companions_shares (digest, companion_type, name, version, body)
        SELECT $1, $2, $3, $4, $5 WHERE $4 = 1 ON CONFLICT DO NOTHING RETURNING digest)
    SELECT digest FROM raised UNION ALL SELECT digest FROM added"""
THERE = "SELECT digest FROM companions_shares WHERE digest = $1 AND version = $2 AND body = $3"
# The rows are locked in one order, so that two who fold the same wait for each other and not in a circle; a row that
# was changed while it was waited for is not held. Nothing is deleted unless the new share has been put.
FOLD = """WITH held AS MATERIALIZED (SELECT s.digest FROM companions_shares AS s
            JOIN unnest($1::bytea[], $2::bigint[], $3::text[]) AS r (digest, version, body)
            ON s.digest = r.digest AND s.version = r.version AND s.body = r.body
        ORDER BY s.digest FOR UPDATE OF s),
    counted AS MATERIALIZED (SELECT count(*) = cardinality($1) AS whole FROM held),
    put AS (INSERT INTO companions_shares AS s (digest, companion_type, name, version, body)
        SELECT $4::bytea, $5::text, $6::text, $7::bigint, $8::text FROM counted WHERE whole
        ON CONFLICT (digest) DO UPDATE SET version = excluded.version, body = excluded.body
            WHERE s.digest = ANY($1) RETURNING digest),
    gone AS (DELETE FROM companions_shares
        WHERE digest = ANY($1) AND digest <> $4 AND EXISTS (SELECT FROM put))
    SELECT whole, EXISTS (SELECT FROM put) FROM counted"""
DROP = """WITH gone AS (DELETE FROM companions_shares WHERE $1::text IS NULL OR companion_type = $1 RETURNING digest)
    SELECT count(*) FROM gone"""


async def read(lane: Lane, companion_type: str | None) -> list[Share]:
    """Read shares; see ``PatternStore.shares``."""
    return shares_of((name, version, body) for name, version, body in await lane.fetch(READ, _chosen(companion_type)))


async def put(lane: Lane, share: Share) -> bool:
    """Store a share that follows on what is there; see ``PatternStore.put_share``."""
    return bool(await lane.fetch(PUT, *_row(share))) or await _there(lane, share)


async def fold(lane: Lane, before: Sequence[Share], after: Share) -> bool:
    """Put a share in the place of others; see ``PatternStore.fold_shares``."""
    columns = (
        [_digest(each) for each in before],
        [each.version for each in before],
        [body_of(each) for each in before],
    )
    ((whole, put_in),) = await lane.fetch(FOLD, *columns, *_row(after))
    return bool(put_in) or (not whole and await _there(lane, after))


async def drop(lane: Lane, companion_type: str | None) -> int:
    """Forget shares; see ``PatternStore.drop_shares``."""
    ((count,),) = await lane.fetch(DROP, _chosen(companion_type))
    return int(count)


async def _there(lane: Lane, share: Share) -> bool:
    return bool(await lane.fetch(THERE, _digest(share), share.version, body_of(share)))


def _row(share: Share) -> tuple[bytes, str, str, int, str]:
    return _digest(share), type_of(share.companion_type), name_of(share), share.version, body_of(share)


def _digest(share: Share) -> bytes:
    """Give what an index can hold of a name: it holds no long ones."""
    return hashlib.sha256(name_of(share).encode()).digest()


def _chosen(companion_type: str | None) -> str | None:
    return None if companion_type is None else type_of(companion_type)
