"""Sessions in PostgreSQL: for any number of processes, on any number of machines.

It decides nothing and keeps nothing but what it knows of marks. How the tables are laid out is ``schema``'s
work, how they are read and written that of ``reads``, ``writes`` and ``erasing``, and how
the server is reached that of ``connections``.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from companions.entries import Entry
from sessions.erasure_store import Reader, Wiped
from sessions.pattern_store import Share
from sessions.store import Append, Committed, Head, Outcome, Projection, Size, Window
from sessions.stores.known_marks import KnownMarks
from sessions.stores.postgres import erasing as postgres_erasing
from sessions.stores.postgres import reads as postgres_reads
from sessions.stores.postgres import schema as postgres_schema
from sessions.stores.postgres import sealing as postgres_sealing
from sessions.stores.postgres import shares as postgres_shares
from sessions.stores.postgres import wiping as postgres_wiping
from sessions.stores.postgres import writes as postgres_writes
from sessions.stores.postgres.attachments import PostgresAttachments
from sessions.stores.postgres.connections import Lane, Server
from sessions.stores.postgres.grants import PostgresGrants
from sessions.stores.postgres.turns import mints, reads, refusal, turns
from sessions.stores.postgres.writes import Run
from sessions.stores.trails import Marks

if TYPE_CHECKING:
    import builtins

    from sessions.seal_store import Stretch

OTHERS = 4
"""Connections beside the one that appends."""


class PostgresStore:
    """The ``Store`` protocol over a PostgreSQL database.

    One connection appends and a few others do all else, so that no append waits behind a listing.
    """

    shared = True

    def __init__(self, url: str) -> None:
        """Name the database; nothing is opened before the first call.

        Args:
            url: ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE?parameter=value``, read by asyncpg as libpq would:
                several hosts, ``sslmode`` and its certificates, ``options``, password file and service file. What
                libpq leaves out is taken from the same environment variables.
        """
        self._server = server = Server(url, postgres_schema.prepare)
        self._writer = Lane(server, size=1, repeats=False)
        self._others = Lane(server, size=OTHERS, repeats=True)
        self._marks = KnownMarks()
        self.grants = PostgresGrants(self._writer, self._others)
        self.attachments = PostgresAttachments(self._others)

    async def load(self) -> None:
        """Import the drivers; see ``Store.load``."""
        await self._server.load()

    async def append(self, appends: Sequence[Append]) -> list[Outcome]:
        """Store what fits; see ``Store.append``.

        Appends of different sessions go together, in one statement that is a transaction; those of one session go one
        after the other. A fork is ``Gone`` with its parent, and a conflict past the parent's head.
        """
        outcomes: dict[int, Outcome] = {}
        for turn in turns(appends):
            stored = await self._store([*turn.values()])
            outcomes |= dict.fromkeys((place for place in turn if turn[place].session_id in stored), Committed())
            refused = {place: each for place, each in turn.items() if each.session_id not in stored}
            outcomes |= await self._refused(refused) if refused else {}
        return [outcomes[place] for place in range(len(appends))]

    async def tail(self, session_id: str, companion_type: str, window: Window) -> list[Entry]:
        """Read what an open companion needs; see ``Store.tail``. Empty for an unknown session."""
        found = await postgres_reads.latest(self._others, session_id)
        tail = await postgres_reads.tail(self._others, session_id, found, companion_type, window)
        if found:
            self._marks.learn_tail(session_id, found)
        return tail

    async def page(
        self,
        session_id: str,
        *,
        after: int = 0,
        limit: int = 100,
        companion_type: str | None = None,
        slot: int | None = None,
        kinds: Sequence[str] = (),
    ) -> list[Entry]:
        """Read entries in order; see ``Store.page``. Empty for an unknown session."""
        return await postgres_reads.page(
            self._others, session_id, after=after, limit=limit, companion_type=companion_type, slot=slot, kinds=kinds
        )

    async def head(self, session_id: str) -> Head | None:
        """Read a session's head; see ``Store.head``."""
        return await postgres_reads.head(self._others, session_id)

    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """Read an owner's sessions; see ``Store.list``. Sessions without a projection count as used when minted."""
        return await postgres_reads.listing(self._others, owner, search or "", limit, offset)

    async def scan(self, *, after: str = "", limit: int = 100) -> "builtins.list[Head]":
        """Read all owners' sessions in order of id; see ``Store.scan``."""
        return await postgres_reads.scan(self._others, after, limit)

    async def size(self) -> Size:
        """Tell how large the store is, its indexes included; of more than a million entries the number is estimated."""
        return await postgres_reads.size(self._others)

    async def schema(self) -> int:
        """Read the version of the tables; see ``VersionedStore.schema``."""
        ((version,),) = await self._others.fetch(postgres_schema.STORED)
        return version

    async def project(self, projections: Sequence[Projection]) -> None:
        """Refresh projections; see ``Store.project``."""
        await postgres_writes.project(self._others, projections)

    async def lease(self, name: str, holder: str, seconds: float) -> str:
        """Take, renew or give back a lease by the server's clock; see ``Store.lease``. "" when nobody holds it."""
        return await postgres_writes.lease(self._others, name, holder, seconds)

    async def tombstone(self, session_id: str) -> bool:
        """Erase a session; see ``Store.tombstone``. Called again it finishes an erasure that was interrupted."""
        return await postgres_erasing.forget(self._writer, self._others, session_id)

    async def readers(self, session_id: str) -> Sequence[Reader]:
        """Read who reads entries of a session; see ``ErasureStore.readers``."""
        return await postgres_reads.readers(self._others, session_id)

    async def wipe(self, owner: str | None = None) -> Wiped:
        """Write the tables anew; see ``ErasureStore.wipe``. After a single session the server does it by itself."""
        return Wiped() if owner is None else await postgres_wiping.wipe(self._server, self._others)

    async def shares(self, companion_type: str | None = None) -> "builtins.list[Share]":
        """Read what was learned; see ``PatternStore.shares``."""
        return await postgres_shares.read(self._others, companion_type)

    async def put_share(self, share: Share) -> bool:
        """Store a share that follows on what is there; see ``PatternStore.put_share``."""
        return await postgres_shares.put(self._others, share)

    async def fold_shares(self, before: Sequence[Share], after: Share) -> bool:
        """Put a share in the place of others; see ``PatternStore.fold_shares``."""
        return await postgres_shares.fold(self._others, before, after)

    async def drop_shares(self, companion_type: str | None = None) -> int:
        """Forget what was learned; see ``PatternStore.drop_shares``."""
        # Made again, it would count none.
        return await postgres_shares.drop(self._writer, companion_type)

    async def lineage(self, session_id: str) -> "builtins.list[Stretch]":
        """Tell who wrote what a session reads; see ``SealableStore.lineage``."""
        return await postgres_sealing.lineage(self._others, session_id)

    async def rewrite(self, session_id: str, entries: Sequence[Entry]) -> int:
        """Put other texts in the place of a session's own; see ``SealableStore.rewrite``."""
        return await postgres_sealing.rewrite(self._others, session_id, entries)

    async def seals(self) -> dict[str, str]:
        """Read the proofs of keys; see ``SealableStore.seals``."""
        return await postgres_sealing.seals(self._others)

    async def put_seal(self, key_id: str, proof: str) -> str:
        """Note that a key is used; see ``SealableStore.put_seal``."""
        return await postgres_sealing.put_seal(self._others, key_id, proof)

    async def drop_seal(self, key_id: str) -> None:
        """Forget that a key was used; see ``SealableStore.drop_seal``."""
        await postgres_sealing.drop_seal(self._others, key_id)

    async def close(self) -> None:
        """Drop the connections; nothing is waited for."""
        self._writer.close()
        self._others.close()

    async def _store(self, appends: Sequence[Append]) -> set[str]:
        """Store what fits of appends of different sessions; gives the sessions whose append was stored."""
        stored = set[str]()
        known = [run for each in appends if each.opening is None and (run := await self._run(each))]
        minted = [run for each in appends if mints(each) and (run := await self._run(each))]
        stored |= await postgres_writes.append(self._writer, known) if known else set()
        stored |= await postgres_writes.open_sessions(self._writer, minted) if minted else set()
        runs = [*known, *minted]
        for each in appends:
            # One after the other: each may have been forked from one before it.
            if each.opening is not None and each.opening.parent is not None and (run := await self._run(each)):
                stored |= await postgres_writes.open_fork(self._writer, run, each.opening)
                runs.append(run)
        for run in runs:
            if run.append.session_id in stored:
                self._marks.learn(run.append.session_id, run.then)
        return stored

    async def _run(self, append: Append) -> Run | None:
        """Mark the entries of an append; nothing if what they would follow is not there."""
        head = append.entries[0].seq - 1
        marks = await self._marks_at(append, head)
        if marks is None:
            return None
        if missing := marks.missing(append.entries):
            read = await postgres_reads.at(self._others, reads(append), missing)
            marks = marks.reading(read.values())
        return Run(append, marks)

    async def _marks_at(self, append: Append, head: int) -> Marks | None:
        if append.opening is not None and head != append.opening.base:
            return None
        if head == 0:
            return Marks() if append.opening is not None else None
        if (known := self._marks.at(append.session_id, head)) is not None:
            return known
        found = await postgres_reads.at(self._others, reads(append), [head])
        return Marks.at(found[head]) if found else None

    async def _refused(self, appends: Mapping[int, Append]) -> dict[int, Outcome]:
        """Find out why appends were not stored."""
        names = {name for each in appends.values() for name in (each.session_id, reads(each))}
        states = await postgres_reads.states(self._others, names)
        return {place: refusal(each, states) for place, each in appends.items()}
