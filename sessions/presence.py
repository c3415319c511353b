"""Whether anything of an owner is in a store: a session, a part in somebody else's, or an invitation to one.

It looks and changes nothing: so that a slip in a name is not told like somebody who has nothing left.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from companions.errors import UnknownNameError
from sessions import erasing
from sessions.sessions import Sessions
from sessions.store import Head

PAGE = 100
"""Sessions that are looked at in one go."""


def nobody(owner: str) -> UnknownNameError:
    """Say that there is nothing."""
    return UnknownNameError(
        f"Nobody of that name is in this store: {owner} has no session here, and no part in one.",
        "Check the name: issuer and subject, as the access token has them.",
    )


async def is_there(sessions: Sessions, owner: str) -> bool:
    """Tell whether there is anything of an owner, what waits on this machine's disk included.

    Raises:
        StoreError: The store failed.
    """
    async with aclosing(erasing.owned(sessions, owner)) as owned:
        if await anext(owned, None) is not None:
            return True
    if await sessions.store.grants.joined(owner):
        return True
    async with aclosing(_heads(sessions)) as heads:
        async for head in heads:
            grants = await sessions.store.grants.of(head.opening.session_id)
            if any(invitation.person == owner for invitation in grants.invitations):
                return True
    return False


async def _heads(sessions: Sessions) -> AsyncGenerator[Head]:
    after = ""
    while heads := await sessions.store.scan(after=after, limit=PAGE):
        for head in heads:
            yield head
        after = heads[-1].opening.session_id
