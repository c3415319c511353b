"""Erasing for good: one session, or all that an owner has, with a report of what went and of what is not in reach.

Where a session's texts lie is the business of stores, spool and cache, which erase them; when a session is too old is
``retention``'s. An erasure that was interrupted is finished by asking for it again.
"""

import contextlib
from collections.abc import AsyncGenerator, Sequence

from companions.errors import StoreAwayError, StoreError
from sessions.erasure_store import Reader
from sessions.erasures import Erased, Forgotten, Kept, Owned
from sessions.provider_copies import SECONDS, Gathered
from sessions.sessions import Sessions
from sessions.spooled_sessions import opening_of, waiting
from sessions.store import Opening

NOT_WIPED = "The store's files may hold pieces of it until another session is forgotten, or `companions erase` is run."
PAGE = 100
"""Sessions that are looked at in one go."""


async def forget(sessions: Sessions, owner: str, session_id: str) -> Forgotten:
    """Erase one of the owner's sessions.

    Raises:
        SessionNotFoundError: There is no such session of the owner's.
        StoreError: It could not be erased, or is erased and its text still in a log.
    """
    stuck = sessions.open.get(session_id) is None and sessions.writer.keeper.waits(session_id)
    opening = await opening_of(sessions, session_id) if stuck else None
    async with sessions.copies.gathered() as copies:
        try:
            if opening is not None and opening.owner == owner:
                # What waits may never come home, where it does not open.
                await _forget(sessions, opening, copies)
            else:
                await sessions.forget(owner, session_id, copies)
        except StoreAwayError:
            copies.stays(session_id)
            raise
        kept: Kept | None = None
        with contextlib.suppress(StoreError):  # it is gone; what cannot be asked now is not told
            kept = _kept(owner, session_id, await sessions.store.readers(session_id))
        try:
            left = (await sessions.store.wipe()).left
        except StoreError:
            left = (NOT_WIPED,)
        return Forgotten(kept=kept, left=(*left, *await copies.delete(SECONDS)))


async def owned(sessions: Sessions, owner: str) -> AsyncGenerator[Owned]:
    """Find all sessions of an owner, those that are only in this program's spool included; none is erased or opened.

    Raises:
        StoreError: The store failed.
    """
    await sessions.writer.read_in()
    spool, after = sessions.spool, ""
    spooled = {} if spool is None else dict(spool.waiting)
    while heads := await sessions.store.scan(after=after, limit=PAGE):
        after = heads[-1].opening.session_id
        for head in heads:
            newest = spooled.pop(head.opening.session_id, head.seq)
            if head.opening.owner == owner:
                yield _owned(head.opening, head.seq, newest)
    for session_id, newest in spooled.items():
        opening = None if spool is None else await spool.opening(session_id)
        if opening is not None and opening.owner == owner:
            yield _owned(opening, opening.base, newest)


async def would_erase(sessions: Sessions, owner: str) -> Erased:
    """Tell what ``erase`` would come to now."""
    found = Erased()
    ids = set[str]()
    async for each in owned(sessions, owner):
        found.count(each)
        ids.add(each.opening.session_id)
    for session_id in sorted(ids):
        readers = [reader for reader in await sessions.store.readers(session_id) if reader.session_id not in ids]
        if (kept := _kept(owner, session_id, readers)) is not None:
            found.kept.append(kept)
    found.nobodys = await _nobodys(sessions)
    found.left = len(await sessions.store.grants.joined(owner))
    return found


async def erase(sessions: Sessions, owner: str) -> Erased:
    """Erase all sessions of an owner, those that are opened meanwhile too, and their part in others'; wipe the files.

    Raises:
        StoreError: The store failed; what was erased until then stays erased, and the same call erases the rest.
    """
    erased, ids, found = Erased(), list[str](), True
    async with sessions.copies.gathered() as copies:
        while found:
            found = False
            async for each in owned(sessions, owner):
                await _erase(sessions, each.opening, copies)
                erased.count(each)
                ids.append(each.opening.session_id)
                found = True
        erased.elsewhere = await copies.delete()
    for session_id in ids:
        if (kept := _kept(owner, session_id, await sessions.store.readers(session_id))) is not None:
            erased.kept.append(kept)
    erased.nobodys = await _nobodys(sessions)
    erased.left = await sessions.store.grants.forget(owner)
    # Also when none was found: an earlier call may have been interrupted behind the last.
    erased.wiped = await sessions.store.wipe(owner)
    return erased


async def _nobodys(sessions: Sessions) -> tuple[str, ...]:
    return tuple([session_id async for session_id, opening in waiting(sessions) if opening is None])


async def _erase(sessions: Sessions, opening: Opening, copies: Gathered) -> None:
    session_id = opening.session_id
    try:
        if sessions.open.get(session_id) is None:
            # Opening it would read it, and wait for what is in the spool.
            await _forget(sessions, opening, copies)
        else:
            await sessions.forget(opening.owner, session_id, copies)
    except StoreAwayError:
        copies.stays(session_id)
        raise
    except StoreError:
        # It can be gone all the same, when only its traces in a log could not be wiped yet.
        if await sessions.store.head(session_id) is not None:
            copies.stays(session_id)
            raise


async def _forget(sessions: Sessions, opening: Opening, copies: Gathered) -> None:
    company = await sessions.observing.company(opening)
    try:
        await copies.add(opening.session_id)
        await sessions.writer.keeper.forget(opening.session_id)
    except StoreAwayError:
        raise
    except StoreError:
        await sessions.observing.deleted_perhaps(opening, company)
        raise
    else:
        sessions.observing.deleted(opening, company)
    finally:
        sessions.open.leave(opening.session_id)  # whoever looked for it meanwhile has put it there


def _owned(opening: Opening, seq: int, newest: int) -> Owned:
    return Owned(opening=opening, entries=seq - opening.base, spooled=max(newest - seq, 0))


def _kept(owner: str, session_id: str, readers: Sequence[Reader]) -> Kept | None:
    """Say how much of a session stays, and name the oldest of those who read it all."""
    if not readers:
        return None
    most = max(reader.at for reader in readers)
    fork = next(reader for reader in readers if reader.at == most)
    return Kept(session_id=session_id, entries=most, fork=fork.session_id, own=fork.owner == owner)
