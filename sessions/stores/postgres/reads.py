"""Reading sessions back from PostgreSQL: heads, listings, pages and tails, each one or a few statements.

It reads through forks and writes nothing. A session that is unknown or forgotten reads as empty.
"""

# ruff: noqa: S608 (statements are made of constants only)

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter

from companions.entries import Entry
from sessions.erasure_store import Reader
from sessions.store import Head, Size, Window
from sessions.stores import trails
from sessions.stores.postgres import rows as postgres_rows
from sessions.stores.postgres.connections import Lane
from sessions.stores.postgres.rows import ENTRY_COLUMNS
from sessions.stores.trails import Marked

NEWEST = 28
"""Entries that a tail begins with: most are all it needs in a long slot, and one round trip costs more than these."""
LAST = 2**31 - 1
"""The largest number of a column; no seq or slot comes near it."""
COUNTED = 1_000_000
"""Above so many entries their number is the server's own estimate."""

_LAST = "(SELECT e.seq FROM companions_entries AS e WHERE e.session = s.no ORDER BY e.seq DESC LIMIT 1)"
HEAD_COLUMNS = f"""s.id, s.owner, s.created_at, (SELECT p.id FROM companions_sessions AS p WHERE p.no = s.parent),
    s.base, coalesce({_LAST}, s.base), s.projected, s.title, s.last_used, s.preview, s.companions"""
_HEAD = f"SELECT {HEAD_COLUMNS} FROM companions_sessions AS s"
HEAD = f"{_HEAD} WHERE s.id = $1 AND s.owner IS NOT NULL"
LISTING = f"{_HEAD} WHERE s.owner = $1 ORDER BY s.last_used DESC, s.no DESC LIMIT $2 OFFSET $3"
SEARCH = f"""{_HEAD} WHERE s.owner = $1 AND position($4::bytea IN s.folded) > 0
    ORDER BY s.last_used DESC, s.no DESC LIMIT $2 OFFSET $3"""
SCAN = f"{_HEAD} WHERE s.id > $1 AND s.owner IS NOT NULL ORDER BY s.id LIMIT $2"
STATES = f"""SELECT s.id, s.owner IS NOT NULL, coalesce({_LAST}, s.base)
    FROM companions_sessions AS s WHERE s.id = ANY($1::text[])"""

# What a living session reads: its own entries, then its parent's up to the base, and so on.
_CHAIN = f"""WITH RECURSIVE chain (no, parent, base, last) AS (
    SELECT no, parent, base, {LAST} FROM companions_sessions WHERE id = $1 AND owner IS NOT NULL
    UNION ALL SELECT p.no, p.parent, p.base, least(c.last, c.base)
        FROM chain AS c JOIN companions_sessions AS p ON p.no = c.parent)"""
_OWN = f"""SELECT {ENTRY_COLUMNS} FROM companions_entries AS e WHERE e.session = c.no AND e.seq <= c.last"""
# And what the newest one's mark names, a query of 5,000 steps ago for example: that saves a round trip.
LATEST = f"""{_CHAIN}, newest AS MATERIALIZED (
        SELECT o.* FROM chain AS c CROSS JOIN LATERAL ({_OWN} ORDER BY e.seq DESC LIMIT $2::int) AS o
        ORDER BY o.seq DESC LIMIT $2::int),
    named AS (SELECT n.seq + 1 - back::int AS seq
        FROM (SELECT * FROM newest LIMIT 1) AS n, unnest(string_to_array(split_part(n.mark, '|', 1), ',')) AS back
        WHERE back <> '0')
    SELECT * FROM newest UNION ALL
    SELECT o.* FROM chain AS c CROSS JOIN LATERAL ({_OWN} AND e.seq = ANY(
        ARRAY(SELECT seq FROM named WHERE seq NOT IN (SELECT seq FROM newest))::int[])) AS o"""
AT = f"{_CHAIN} SELECT o.* FROM chain AS c CROSS JOIN LATERAL ({_OWN} AND e.seq = ANY($2::int[])) AS o"
# Not sorted as a whole: that would copy every text once more, and nothing but a fork's few parts can be out of order.
PAGE = f"""{_CHAIN} SELECT o.* FROM chain AS c CROSS JOIN LATERAL ({_OWN} AND e.seq > $2::int AND e.seq <= $3::int
    AND ($5::text IS NULL OR e.companion_type = $5) AND ($6::int IS NULL OR e.slot = $6)
    AND ($7::text[] IS NULL OR e.kind = ANY($7)) ORDER BY e.seq LIMIT $4::int) AS o"""
READERS = """WITH RECURSIVE forks (no, living, at) AS (
        SELECT c.no, c.owner IS NOT NULL, c.base
            FROM companions_sessions AS s JOIN companions_sessions AS c ON c.parent = s.no WHERE s.id = $1
        UNION ALL SELECT c.no, c.owner IS NOT NULL, least(c.base, f.at)
            FROM forks AS f JOIN companions_sessions AS c ON c.parent = f.no WHERE NOT f.living)
    SELECT s.id, s.owner, s.created_at, f.at FROM forks AS f JOIN companions_sessions AS s ON s.no = f.no
    WHERE f.living ORDER BY s.created_at, s.id"""
SIZE = f"""SELECT (SELECT count(*) FROM companions_sessions WHERE owner IS NOT NULL),
    CASE WHEN (SELECT reltuples FROM pg_class WHERE oid = 'companions_entries'::regclass) < {COUNTED}
        THEN (SELECT count(*) FROM companions_entries)
        ELSE (SELECT reltuples::bigint FROM pg_class WHERE oid = 'companions_entries'::regclass) END,
    (SELECT sum(pg_total_relation_size(kept)) FROM unnest(ARRAY[
        'companions_sessions', 'companions_entries', 'companions_leases', 'companions_shares',
        'companions_seals', 'companions_participants', 'companions_invitations', 'companions_attachments'
        ]::regclass[]) AS kept)::bigint"""


async def head(lane: Lane, session_id: str) -> Head | None:
    """Read a session's head; see ``Store.head``."""
    rows = await lane.fetch(HEAD, session_id)
    return postgres_rows.head(rows[0]) if rows else None


async def listing(lane: Lane, owner: str, search: str, limit: int, offset: int) -> list[Head]:
    """Read an owner's sessions, last used first; all of them if ``search`` is empty."""
    if search:
        rows = await lane.fetch(SEARCH, owner, limit, offset, postgres_rows.folded(search))
    else:
        rows = await lane.fetch(LISTING, owner, limit, offset)
    return [postgres_rows.head(row) for row in rows]


async def scan(lane: Lane, after: str, limit: int) -> list[Head]:
    """Read sessions in order of id; see ``Store.scan``."""
    return [postgres_rows.head(row) for row in await lane.fetch(SCAN, after, limit)]


async def readers(lane: Lane, session_id: str) -> list[Reader]:
    """Read who reads entries of a session; see ``ErasureStore.readers``."""
    rows = await lane.fetch(READERS, session_id)
    return [Reader(session_id=id_, owner=owner, created_at=created_at, at=at) for id_, owner, created_at, at in rows]


async def size(lane: Lane) -> Size:
    """Tell how large the store is, indexes included; see ``Store.size``."""
    ((sessions, entries, size_in_bytes),) = await lane.fetch(SIZE)
    return Size(sessions=sessions, entries=entries, bytes=size_in_bytes)


async def states(lane: Lane, session_ids: Collection[str]) -> dict[str, tuple[bool, int]]:
    """Read, of each session that there ever was, whether it lives and its newest seq."""
    return {id_: (living, seq) for id_, living, seq in await lane.fetch(STATES, [*session_ids])}


async def page(
    lane: Lane,
    session_id: str,
    *,
    after: int,
    limit: int,
    companion_type: str | None,
    slot: int | None,
    kinds: Sequence[str],
) -> list[Entry]:
    """Read entries in order of seq; see ``Store.page``."""
    filters = (companion_type, None if slot is None else _kept(slot), [*kinds] or None)
    # Numbers have no gaps: where nothing is left out, the last one is known.
    last = _kept(after + limit) if filters == (None, None, None) else LAST
    rows = await lane.fetch(PAGE, session_id, _kept(after), last, _kept(limit), *filters)
    return postgres_rows.entries(sorted(rows, key=itemgetter(0))[:limit])


async def at(lane: Lane, session_id: str, numbers: Collection[int]) -> dict[int, Marked]:
    """Read entries by number, those that there are."""
    return postgres_rows.marked(await lane.fetch(AT, session_id, [*numbers]))


async def latest(lane: Lane, session_id: str) -> dict[int, Marked]:
    """Read the newest entries, the newest first, and those that its mark names."""
    return postgres_rows.marked(await lane.fetch(LATEST, session_id, NEWEST))


async def tail(
    lane: Lane, session_id: str, newest: Mapping[int, Marked], companion_type: str, window: Window
) -> list[Entry]:
    """Read what an open companion needs, from ``latest`` on; see ``Store.tail``."""
    if not newest:
        return []
    known = dict(newest)
    walk = trails.tail(newest[max(newest)], companion_type, window)
    try:
        wanted = next(walk)
        while True:
            if missing := wanted - known.keys():
                known |= await at(lane, session_id, missing)
            if not wanted <= known.keys():
                return []  # It was forgotten meanwhile.
            wanted = walk.send(known)
    except StopIteration as end:
        return end.value


def _kept(number: int) -> int:
    """Give a number that somebody asked for, or one that is as far from what there is."""
    return max(-1, min(number, LAST))
