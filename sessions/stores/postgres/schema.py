"""The tables in PostgreSQL: how they are made, recognised and migrated, and how a connection to them is set up.

It knows tables and versions, not sessions: what is written and what is read is the work of the modules beside it. All
names begin with ``companions_``; what else a database or schema holds is never looked at.
"""

from typing import Any

from companions.errors import StoreVersionError

STEPS: tuple[tuple[str, ...], ...] = (
    (
        # owner: NULL once forgotten, which also takes the row out of every listing.
        # companions: JSON; projected: the projection's seq, NULL before the first.
        # folded: id, title and preview in folded case, for searches. Texts are bytes, since PostgreSQL's hold no NUL.
        # Ids compare as Python's strings do, whatever the database's language.
        """CREATE TABLE companions_sessions (
            no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE, owner text,
            created_at float8 NOT NULL, parent bigint, base integer NOT NULL, last_used float8 NOT NULL,
            projected integer, title bytea NOT NULL DEFAULT '', preview bytea NOT NULL DEFAULT '',
            companions text NOT NULL DEFAULT '{}', folded bytea NOT NULL)
            WITH (autovacuum_vacuum_scale_factor = 0.01)""",
        "CREATE INDEX companions_sessions_by_use ON companions_sessions (owner, last_used, no)",
        "CREATE INDEX companions_sessions_by_parent ON companions_sessions (parent) WHERE parent IS NOT NULL",
        # No foreign key to the session: checking it would lock and write a row of another table with every entry.
        # mark: see trails; it stands for every other index. The text of a usual step is compressed and stays in its
        # row: kept apart it would cost another index to write and to read. Rows die by forgetting only, and where one
        # did the server is to take it out of its files soon, by itself.
        """CREATE TABLE companions_entries (
            session bigint NOT NULL, at float8 NOT NULL, seq integer NOT NULL, slot integer NOT NULL,
            idx integer NOT NULL, id text NOT NULL, companion_type text NOT NULL, kind text NOT NULL,
            author text NOT NULL, mark text NOT NULL, meta text NOT NULL, text bytea NOT NULL,
            PRIMARY KEY (session, seq)) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0)""",
        "ALTER TABLE companions_entries ALTER COLUMN text SET STORAGE MAIN",
        """CREATE TABLE companions_leases (
            name text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)""",
        "CREATE TABLE companions_schema (version integer NOT NULL)",
        "INSERT INTO companions_schema VALUES (0)",
    ),
    (
        # name, companion_type, body: see share_texts; digest: SHA-256 of the name, since an index holds no long ones.
        """CREATE TABLE companions_shares (
            digest bytea PRIMARY KEY, companion_type text NOT NULL, name text NOT NULL, version bigint NOT NULL,
            body text NOT NULL)""",
    ),
    (
        # Keys that something may be sealed with; proof: tells a key from another of its id.
        "CREATE TABLE companions_seals (key_id text PRIMARY KEY, proof text NOT NULL)",
    ),
    (
        # Whom sessions are shared with, and who is invited; session: the row of one that lives.
        """CREATE TABLE companions_participants (
            session bigint NOT NULL, principal text NOT NULL, role text NOT NULL, since float8 NOT NULL,
            PRIMARY KEY (session, principal))""",
        "CREATE INDEX companions_participants_by_principal ON companions_participants (principal)",
        """CREATE TABLE companions_invitations (
            session bigint NOT NULL, name text NOT NULL, role text NOT NULL, secret text NOT NULL, person text,
            invited_at float8 NOT NULL, expires_at float8 NOT NULL, PRIMARY KEY (session, name))""",
    ),
    (
        # What is attached to queries; session: the row of who keeps it; seq: of the entry that names it. Pictures are
        # compressed already, and sealed bytes cannot be.
        """CREATE TABLE companions_attachments (
            session bigint NOT NULL, address text NOT NULL, seq integer NOT NULL, data bytea NOT NULL,
            PRIMARY KEY (session, address))
            WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0)""",
        "ALTER TABLE companions_attachments ALTER COLUMN data SET STORAGE EXTERNAL",
    ),
)
"""Step n brings a store of version n to version n + 1; a released step is never edited."""

VERSION = len(STEPS)

_LOCK = 7_091_318_274_406_553_217
"""Held while tables are made or migrated; any number that nobody else is likely to lock."""
SETTINGS = """SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
    SET enable_mergejoin = off; SET enable_bitmapscan = off; SET enable_sort = off; SET jit = off;
    SET default_transaction_isolation = 'read committed'"""
"""Every statement here is a handful of index look-ups. A plan is made once per connection, perhaps while the tables
are empty, and must still be right when they are large."""

# Looked up in the catalog itself: to_regclass may not have heard yet of what was made while the lock was waited for.
_MADE = "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'companions_schema' AND pg_table_is_visible(oid))"

STORED = "SELECT version FROM companions_schema"


async def prepare(connection: Any, server: str) -> None:
    """Set up a new connection, and make or migrate the tables if need be.

    Args:
        connection: One of asyncpg's.
        server: Its name, for a person.

    Raises:
        StoreVersionError: The tables were written by a newer version; they are left as they are.
    """
    await connection.execute(SETTINGS)
    if await _version(connection, server) < VERSION:
        async with connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            # Another process may have been first; only what is read behind the lock counts.
            for step in STEPS[await _version(connection, server) :]:
                for statement in step:
                    await connection.execute(statement)
            await connection.execute("UPDATE companions_schema SET version = $1", VERSION)


async def _version(connection: Any, server: str) -> int:
    """Read the schema's version; 0 where there are no tables of ours."""
    if not await connection.fetchval(_MADE):
        return 0
    version: int = await connection.fetchval(STORED)
    if version > VERSION:
        raise StoreVersionError(
            f"{server} keeps a store of schema version {version}, and this program knows versions up to {VERSION}.",
            "Update this program, or name another database with COMPANIONS_STORE.",
        )
    return version
