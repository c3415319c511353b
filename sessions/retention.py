"""Retention: how long sessions are kept, and the deletion of those that are older.

Archived is nothing that is stored: a session is archived by not having been used, and is back once it is. Where
archived sessions are left out is the listing's choice.
"""

import asyncio
import contextlib
import logging
import re
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from companions.errors import InputError, StoreError, UnopenedError
from sessions.late_uses import used_since
from sessions.leases import Held, Leases
from sessions.store import Head, Store

log = logging.getLogger("companions.retention")

KEEP = "keep"
FORM = "keep, or like archive=30d,delete=365d (either part alone will do; units are h, d and w, numbers begin at 1)"
PAGE = 100
"""Sessions that are looked at in one go."""
LEASE = "prune"
DAY = 86_400.0

_SECONDS = {"h": 3_600.0, "d": DAY, "w": 7 * DAY}
_PART = re.compile(r"\s*(archive|delete)\s*=\s*([1-9][0-9]{0,5})([hdw])\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long sessions are kept after their last use.

    Attributes:
        archive: Seconds until a session is archived; ``None`` for never.
        delete: Seconds until it is deleted; ``None`` for never. Not less than ``archive``.
    """

    archive: float | None = None
    delete: float | None = None

    def __post_init__(self) -> None:
        """Refuse to delete what is not archived yet."""
        if self.archive is not None and self.delete is not None and self.delete < self.archive:
            raise ValueError(f"sessions cannot be deleted after {self.delete} s and archived after {self.archive} s")

    @classmethod
    def parse(cls, text: str) -> "Retention":
        """Read a setting: ``keep``, or like ``archive=30d,delete=365d``.

        Raises:
            InputError: It is none.
        """
        if text.strip() == KEEP:
            return cls()
        ages: dict[str, float] = {}
        for part in text.split(","):
            found = _PART.fullmatch(part)
            if found is None or found[1] in ages:
                raise InputError(
                    f"{text[:60]!r} does not say how long sessions are kept.", f"Set COMPANIONS_RETENTION to {FORM}."
                )
            ages[found[1]] = int(found[2]) * _SECONDS[found[3]]
        try:
            return cls(**ages)
        except ValueError:
            raise InputError(
                f"{text[:60]!r} deletes sessions sooner than it archives them.",
                "Make delete at least as long in COMPANIONS_RETENTION.",
            ) from None

    def archived(self, head: Head, now: float) -> bool:
        """Tell whether a session has been unused for long enough to be left out of plain listings."""
        return self.archive is not None and not head.pinned and now - last_used(head) > self.archive

    def expired(self, head: Head, now: float) -> bool:
        """Tell whether a session has been unused for long enough to be deleted."""
        return self.delete is not None and not head.pinned and now - last_used(head) > self.delete


def last_used(head: Head) -> float:
    """Say when a session was last used, in seconds since the epoch, as far as its head knows."""
    return head.opening.created_at if head.projection is None else head.projection.used_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What pruning did, or in a dry run would do.

    Attributes:
        sessions: How many sessions were looked at.
        archived: How many of those that stay are archived.
        deleted: How many were deleted.
        elsewhere: Whether another process prunes, so that this one did nothing or stopped.
    """

    sessions: int = 0
    archived: int = 0
    deleted: int = 0
    elsewhere: bool = False


Fate = Literal["kept", "archived", "deleted"]
OnFate = Callable[[Head, Fate], Awaitable[None]]
"""Told of each session what became of it, where something may."""
Spared = Callable[[str], bool]
"""Tells of a session that it is not to be deleted, however old it looks in the store."""
Leaving = Callable[[Head], Awaitable[None]]
"""Sees to what is kept elsewhere of a session that is archived, or before it is deleted."""


def nothing_spared(_session_id: str) -> bool:
    """Spare nothing, as a program does that takes no steps itself."""
    return False


async def nobody_told(_head: Head, _fate: Fate) -> None:
    """Tell nobody."""


async def nothing_elsewhere(_head: Head) -> None:
    """See to nothing."""


async def prune(
    store: Store,
    retention: Retention,
    now: float,
    *,
    dry_run: bool,
    holder: str,
    spared: Spared = nothing_spared,
    told: OnFate = nobody_told,
    leaving: Leaving = nothing_elsewhere,
) -> Pruned:
    """Delete sessions that have been unused for longer than they are kept; only one process does so at a time.

    Args:
        store: The store, of which the sessions of all owners are looked at.
        retention: How long they are kept.
        now: Seconds since the epoch.
        dry_run: Whether nothing is to be deleted.
        holder: This process's name among those that take leases.
        spared: Tells which sessions this process has used later than the store can know.
        told: Hears what became of each session.
        leaving: Sees to what is kept elsewhere of each that is deleted, before it is.

    Raises:
        StoreError: The store failed; what was deleted until then stays deleted.
    """
    if dry_run:
        return await _walk(store, retention, now, None, spared, leaving=leaving)
    leases = Leases(store, holder=holder)
    if not await leases.take(LEASE):
        return Pruned(elsewhere=True)
    try:
        async with leases.held(LEASE) as held:
            pruned = await _walk(store, retention, now, held, spared, told=told, leaving=leaving)
        if pruned.deleted:
            with contextlib.suppress(StoreError):  # what was deleted is; its pieces go with the next
                await store.wipe()
        return pruned
    finally:
        await leases.rest()


async def _walk(
    store: Store,
    retention: Retention,
    now: float,
    held: Held | None,
    spared: Spared,
    *,
    told: OnFate = nobody_told,
    leaving: Leaving = nothing_elsewhere,
) -> Pruned:
    """Decide about every session, and delete as long as a lease is held."""
    fates = Counter[str]()
    async for head in _heads(store):
        if held is not None and held.lost:
            break
        if spared(head.opening.session_id):
            fates["kept"] += 1
        else:
            fate = await _fate(store, head, retention, now, leaving=None if held is None else leaving)
            await told(head, fate)
            fates[fate] += 1
    return Pruned(
        sessions=fates.total(),
        archived=fates["archived"],
        deleted=fates["deleted"],
        elsewhere=held is not None and held.lost,
    )


async def _fate(store: Store, head: Head, retention: Retention, now: float, *, leaving: Leaving | None) -> Fate:
    if not retention.expired(head, now):
        return "archived" if retention.archived(head, now) else "kept"
    try:
        used = await used_since(store, head, retention, now)
    except UnopenedError as error:
        # When it was used last cannot be told.
        log.warning("a session is kept: %s", error.what)
        return "kept"
    if used or leaving is None:
        return "kept" if used else "deleted"
    await leaving(head)
    return "deleted" if await _delete(store, head.opening.session_id) else "kept"


async def _heads(store: Store) -> AsyncGenerator[Head]:
    after = ""
    while heads := await store.scan(after=after, limit=PAGE):
        for head in heads:
            yield head
        after = heads[-1].opening.session_id
        await asyncio.sleep(0)  # a store in memory never waits by itself


async def _delete(store: Store, session_id: str) -> bool:
    """Delete a session; tells whether it was there."""
    try:
        return await store.tombstone(session_id)
    except StoreError:
        # It can be gone all the same, when only its traces in a log could not be wiped yet.
        if await store.head(session_id) is not None:
            raise
        return True
