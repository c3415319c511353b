"""A call that names no session gets a new one, or the one that an unanswered call just like it got.

What is done in the session is the call's work, and which calls are alike is ``unanswered``'s.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from companions.errors import CompanionsError, InputError, SessionNotFoundError, SlotLeftError
from sessions.answers import Given
from sessions.session import Session
from sessions.sessions import Sessions
from sessions.unanswered import Unanswered

T = TypeVar("T", bound=Given)


async def in_new(
    sessions: Sessions, unanswered: Unanswered, owner: str, asked: Hashable, run: Callable[[Session], Awaitable[T]]
) -> T:
    """Run in a new session, or in the one that an unanswered call which asked the same has minted.

    Args:
        sessions: Where sessions are minted.
        unanswered: Knows the calls whose answer nobody has seen.
        owner: Whose session it is.
        asked: What is asked, to know a repeat by.
        run: Does it.

    Raises:
        CompanionsError: As ``run`` raised it; where the query was stored, it names the session.
    """
    session = await _minted(sessions, unanswered, owner, asked)
    try:
        given = await run(session)
    except CompanionsError as error:
        kept = session.stored and not isinstance(error, SessionNotFoundError)
        if isinstance(error, SlotLeftError) or (isinstance(error, InputError) and not kept):
            unanswered.answered(owner, asked)
        else:
            unanswered.left(owner, asked)
        if kept:
            raise error.with_remedy(f"{error.remedy} The query is kept in session {session.session_id}.") from error
        raise
    except BaseException:
        # The caller went away, or something broke that nobody foresaw: a repeat is still a repeat.
        unanswered.left(owner, asked)
        raise
    if given.status == "running":
        unanswered.left(owner, asked)
    else:
        unanswered.answered(owner, asked)
    return given


async def _minted(sessions: Sessions, unanswered: Unanswered, owner: str, asked: Hashable) -> Session:
    session_id = unanswered.claim(owner, asked, lambda: sessions.mint(owner).session_id)
    try:
        return await sessions.find(owner, session_id)
    except SessionNotFoundError:
        # It was forgotten before its first answer was seen: the question is a new one.
        unanswered.answered(owner, asked)
        return await sessions.find(owner, unanswered.claim(owner, asked, lambda: sessions.mint(owner).session_id))
