"""Wiping PostgreSQL: tables are written anew without what was deleted, and statistics forget the texts that they quote.

It erases no session: that is ``erasing``'s work, which is only finished here where it was interrupted. What is not in a
client's reach is told.
"""

from companions.errors import StoreError
from sessions.erasure_store import Wiped
from sessions.stores.postgres import erasing as postgres_erasing
from sessions.stores.postgres.connections import Lane, Server

REWRITTEN = 256_000_000
"""Bytes of tables that are written anew, which locks them; of larger ones the deleted rows are only given free."""
TABLES = "companions_entries, companions_sessions, companions_attachments"
STATE = """SELECT (SELECT sum(pg_total_relation_size(kept))::bigint
        FROM unnest(ARRAY['companions_entries', 'companions_sessions', 'companions_attachments']::regclass[]) AS kept),
    pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()"""
# Who waits for a lock holds up all that come later, steps included.
WAIT = "SET lock_timeout = '1s'"
# A column that is given the type that it has is not written anew, but what ANALYZE noted of it is dropped: samples of
# its values. Its storage is the type's own again.
QUOTES = (
    """ALTER TABLE companions_entries ALTER COLUMN text TYPE bytea, ALTER COLUMN meta TYPE text,
        ALTER COLUMN author TYPE text, ALTER COLUMN text SET STORAGE MAIN""",
    """ALTER TABLE companions_sessions ALTER COLUMN owner TYPE text, ALTER COLUMN title TYPE bytea,
        ALTER COLUMN preview TYPE bytea, ALTER COLUMN companions TYPE text, ALTER COLUMN folded TYPE bytea""",
    """ALTER TABLE companions_attachments ALTER COLUMN address TYPE text, ALTER COLUMN data TYPE bytea,
        ALTER COLUMN data SET STORAGE EXTERNAL""",
)
STATISTICS = "VACUUM (FULL) pg_catalog.pg_statistic"
"""For the database's owner; of others it is passed over with a warning."""
REWRITTEN_TABLES = "The tables were written anew."
FREED = (
    "The deleted rows were given free; their bytes stay in the tables' files until the room is used again, or until "
    f"an operator runs VACUUM FULL {TABLES}."
)
QUOTED = "The server's statistics (pg_statistic) may quote texts of up to a kilobyte until an operator vacuums them."
LOGS = (
    "The server's write-ahead log holds what was written until its segments are written over; replicas, archived "
    "logs, backups and server logs are the operator's to clear."
)


async def wipe(server: Server, lane: Lane) -> Wiped:
    """Finish what was interrupted, then write the tables anew, or as much of that as size, locks and rights allow.

    Raises:
        StoreError: An interrupted erasure could not be finished.
    """
    await postgres_erasing.finish(lane)
    own = Lane(server, size=1, repeats=False)
    try:
        return await _wiped(own)
    finally:
        own.close()


async def _wiped(lane: Lane) -> Wiped:
    ((size, owns),) = await lane.fetch(STATE)
    quoted = not (await _done(lane, *QUOTES) and owns and await _done(lane, STATISTICS))
    # Who may not alter the tables may not vacuum them either, which the server would only warn of.
    whole = size <= REWRITTEN and await _done(lane, *QUOTES[:1], f"VACUUM (FULL) {TABLES}")
    if not whole:
        await _done(lane, f"VACUUM {TABLES}")
    done = (REWRITTEN_TABLES,) if whole else ()
    return Wiped(done=done, left=(*(() if whole else (FREED,)), *((QUOTED,) if quoted else ()), LOGS))


async def _done(lane: Lane, *statements: str) -> bool:
    """Run statements that may lack the right or the lock; tells whether they went through."""
    try:
        await lane.fetch(WAIT)
        for statement in statements:
            await lane.fetch(statement)
    except StoreError:
        return False
    return True
