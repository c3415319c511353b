"""Forgetting a session in PostgreSQL: it is marked first, then what no living fork reads is deleted.

Marking and deleting are transactions of their own; an erasure that was interrupted is finished by doing it again.
Nobody else waits for one: appends go on, and those that began before the mark are waited for.
"""

# ruff: noqa: S608 (statements are made of constants only)

import asyncio

from sessions.stores.postgres.connections import Lane

LOOK_SECONDS = 0.005

MARK = """UPDATE companions_sessions SET owner = NULL, projected = NULL, title = '', preview = '',
    companions = '{}', folded = '' WHERE id = $1 AND owner IS NOT NULL RETURNING no"""
# Behind the mark: whoever shares a session holds its row until that is done.
UNSHARE = """WITH invited AS (DELETE FROM companions_invitations WHERE session = $1)
    DELETE FROM companions_participants WHERE session = $1"""
FORGOTTEN = "SELECT no FROM companions_sessions WHERE id = $1 AND owner IS NULL"
UNFINISHED = """SELECT no FROM companions_sessions AS s WHERE owner IS NULL
    AND EXISTS (SELECT FROM companions_entries AS e WHERE e.session = s.no)"""
# A statement locks the tables that it writes to before it looks at any row. Who does not hold that lock once the mark
# is committed will therefore see the mark, and who holds it is gone once its transaction is.
_WRITERS = """SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'
    AND relation = 'companions_entries'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
WRITERS = f"SELECT array_agg(virtualtransaction) FROM ({_WRITERS}) AS w"
STILL_WRITING = f"{_WRITERS} AND virtualtransaction = ANY($1::text[])"
ERASE = """WITH RECURSIVE forks (no, living, bound) AS (
        SELECT no, owner IS NOT NULL, base FROM companions_sessions WHERE parent = $1
        UNION ALL SELECT s.no, s.owner IS NOT NULL, least(s.base, f.bound)
            FROM forks AS f JOIN companions_sessions AS s ON s.parent = f.no WHERE NOT f.living),
    unread (seq) AS (SELECT coalesce((SELECT max(bound) FROM forks WHERE living), 0)),
    erased AS (DELETE FROM companions_entries WHERE session = $1 AND seq > (SELECT seq FROM unread)),
    detached AS (DELETE FROM companions_attachments WHERE session = $1 AND seq > (SELECT seq FROM unread))
    SELECT p.no FROM companions_sessions AS c JOIN companions_sessions AS p ON p.no = c.parent
    WHERE c.no = $1 AND p.owner IS NULL"""


async def forget(once: Lane, lane: Lane, session_id: str) -> bool:
    """Erase a session, leaving a textless mark; see ``Store.tombstone``.

    Args:
        once: For the mark: made again, it would tell that there was no session.
        lane: For all else.
        session_id: The session.
    """
    marked = await once.fetch(MARK, session_id)
    rows = marked or await lane.fetch(FORGOTTEN, session_id)
    if rows:
        await lane.fetch(UNSHARE, rows[0][0])
        await _appends_in_flight(lane)
    while rows:
        # Then what only this one still read, of the forgotten session that it was forked from, and so on.
        rows = await lane.fetch(ERASE, rows[0][0])
    return bool(marked)


async def finish(lane: Lane) -> None:
    """Finish erasures that were interrupted: delete what of forgotten sessions no living fork reads."""
    for (number,) in await lane.fetch(UNFINISHED):
        await lane.fetch(ERASE, number)


async def _appends_in_flight(lane: Lane) -> None:
    """Wait until every statement has ended that may not have seen the mark."""
    ((writers,),) = await lane.fetch(WRITERS)
    while writers and await lane.fetch(STILL_WRITING, writers):  # noqa: ASYNC110 (the server tells nobody)
        await asyncio.sleep(LOOK_SECONDS)
