"""Writing to PostgreSQL: each statement stores whole runs of entries or refuses them, and names what it stored.

Numbers are compared with heads in the statement that writes, so that nothing can come in between. What is to be told
of a run that was refused is found out by the caller.
"""

# ruff: noqa: S608 (statements are made of constants only)

from collections.abc import Sequence

from sessions.store import Append, Opening, Projection
from sessions.stores.postgres.connections import Lane
from sessions.stores.postgres.rows import ENTRY_COLUMNS, ENTRY_TYPES, columns, entry_row, folded, projection_row
from sessions.stores.trails import Marks

_ARRAYS = ["text[]", "int[]", *(kind.strip() for kind in ENTRY_TYPES.split(","))]


def _runs(first: int) -> str:
    """Give the rows of runs, from arrays that begin at a parameter: session, the head to follow, then the entry."""
    arrays = ", ".join(f"${first + place}::{kind}" for place, kind in enumerate(_ARRAYS))
    return f"unnest({arrays}) AS r (session_id, head, {ENTRY_COLUMNS})"


_STORE = f"INSERT INTO companions_entries (session, {ENTRY_COLUMNS}) SELECT no, {ENTRY_COLUMNS}"
# Where the first entry of a run was stored, none of those behind it can exist: numbers have no gaps.
APPEND = f"""WITH given AS MATERIALIZED (SELECT s.no, r.* FROM {_runs(1)}
        JOIN companions_sessions AS s ON s.id = r.session_id AND s.owner IS NOT NULL),
    first AS ({_STORE} FROM given WHERE seq = head + 1
            AND EXISTS (SELECT FROM companions_entries AS e WHERE e.session = given.no AND e.seq = given.head)
        ON CONFLICT DO NOTHING RETURNING session),
    others AS ({_STORE} FROM given WHERE seq > head + 1 AND no = ANY (ARRAY (SELECT session FROM first)))
    SELECT s.id FROM first JOIN companions_sessions AS s ON s.no = first.session"""

_MINT = "INSERT INTO companions_sessions (id, owner, created_at, last_used, folded, parent, base) SELECT o.id, o.owner"
_NEW = """unnest($1::text[], $2::text[], $3::float8[], $4::bytea[], $5::int[])
    WITH ORDINALITY AS o (id, owner, created_at, folded, base, place)"""
_OPENED = f"""ON CONFLICT DO NOTHING RETURNING no, id AS minted_id),
    first AS ({_STORE} FROM minted JOIN {_runs(6)} ON session_id = minted_id)
    SELECT minted_id FROM minted"""
OPEN = f"""WITH minted AS ({_MINT}, o.created_at, o.created_at, o.folded, NULL, 0 FROM {_NEW} ORDER BY o.place
    {_OPENED}"""
# The lock waits for whoever is forgetting the parent, and lets nobody forget it before the fork is stored.
FORK = f"""WITH origin AS MATERIALIZED (SELECT no, base FROM companions_sessions
        WHERE id = $19 AND owner IS NOT NULL FOR SHARE),
    minted AS ({_MINT}, o.created_at, o.created_at, o.folded, origin.no, o.base FROM {_NEW} CROSS JOIN origin
        WHERE o.base <= origin.base
            OR EXISTS (SELECT FROM companions_entries AS e WHERE e.session = origin.no AND e.seq = o.base)
    {_OPENED}"""

PROJECT = """UPDATE companions_sessions AS s SET projected = r.seq, title = r.title, last_used = r.last_used,
        preview = r.preview, companions = r.companions, folded = r.folded
    FROM unnest($1::text[], $2::int[], $3::bytea[], $4::float8[], $5::bytea[], $6::text[], $7::bytea[])
        AS r (id, seq, title, last_used, preview, companions, folded)
    WHERE s.id = r.id AND s.owner IS NOT NULL AND coalesce(s.projected, 0) <= r.seq"""

# Who finds the lease held by somebody that the statement could not see yet is told nothing, and asks again.
HOLD = """WITH held AS (INSERT INTO companions_leases AS l (name, holder, until)
        VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
            WHERE l.holder = excluded.holder OR l.until <= clock_timestamp() RETURNING holder)
    SELECT holder FROM held UNION ALL
    SELECT holder FROM companions_leases WHERE name = $1 AND NOT EXISTS (SELECT FROM held)"""
# What expired long ago belonged to somebody who will not come back; another process may be removing it as well.
RELEASE = """WITH ended AS (DELETE FROM companions_leases WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM companions_leases WHERE name = $1 AND holder = $2 OR until < clock_timestamp()
        FOR UPDATE SKIP LOCKED)) RETURNING name)
    SELECT holder FROM companions_leases
    WHERE name = $1 AND holder <> $2 AND until >= clock_timestamp()"""


class Run:
    """An append and the marks of its entries.

    Attributes:
        then: What the entries behind it are marked from.
    """

    __slots__ = ("append", "marks", "then")

    def __init__(self, append: Append, then: Marks) -> None:
        """Mark the entries of an append, from what is known of those before them."""
        self.append = append
        self.marks: list[str] = []
        for entry in append.entries:
            mark, then = then.mark(entry)
            self.marks.append(mark)
        self.then = then


async def append(lane: Lane, runs: Sequence[Run]) -> set[str]:
    """Store runs of living sessions, no two of one session, behind their heads.

    Returns:
        The sessions whose runs were stored; of every other nothing was.
    """
    return {name for (name,) in await lane.fetch(APPEND, *_columns(runs))}


async def open_sessions(lane: Lane, runs: Sequence[Run]) -> set[str]:
    """Store new sessions without a parent, with their first entries; gives those that were not there yet."""
    openings = [run.append.opening for run in runs if run.append.opening is not None]
    return {name for (name,) in await lane.fetch(OPEN, *_opening_columns(openings), *_columns(runs))}


async def open_fork(lane: Lane, run: Run, opening: Opening) -> set[str]:
    """Store a fork with its first entries, if its parent lives and has what it reads; gives it, or nothing."""
    values = (*_opening_columns([opening]), *_columns([run]), opening.parent)
    return {name for (name,) in await lane.fetch(FORK, *values)}


async def project(lane: Lane, projections: Sequence[Projection]) -> None:
    """Refresh projections; see ``Store.project``."""
    newest: dict[str, Projection] = {}
    for shown in projections:
        kept = newest.get(shown.session_id)
        if kept is None or kept.seq <= shown.seq:
            newest[shown.session_id] = shown
    # In one order, so that two processes that show the same sessions wait for each other and not in a circle.
    rows = [projection_row(newest[name]) for name in sorted(newest)]
    if rows:
        await lane.fetch(PROJECT, *columns(rows))


async def lease(lane: Lane, name: str, holder: str, seconds: float) -> str:
    """Take, renew or give back a lease by the server's clock; see ``Store.lease``."""
    if seconds <= 0:
        rows = await lane.fetch(RELEASE, name, holder)
        return str(rows[0][0]) if rows else ""
    while not (rows := await lane.fetch(HOLD, name, holder, seconds)):
        pass
    return str(rows[0][0])


def _columns(runs: Sequence[Run]) -> list[list[object]]:
    return columns(
        [
            (run.append.session_id, run.append.entries[0].seq - 1, *entry_row(entry, mark))
            for run in runs
            for entry, mark in zip(run.append.entries, run.marks, strict=True)
        ]
    )


def _opening_columns(openings: Sequence[Opening]) -> list[list[object]]:
    return columns([(o.session_id, o.owner, o.created_at, folded(o.session_id), o.base) for o in openings])
