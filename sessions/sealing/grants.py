"""What is granted of sealed sessions: names and moments, which are not sealed; what is shown of the sessions is opened.

Invitations and participants hold no text of a session.
"""

from collections.abc import Callable

from sessions.grant_store import Acceptance, Grants, GrantStore, Invitation, Participant, Role
from sessions.sealing.admission import Admission
from sessions.store import Head


class SealedGrants:
    """The ``GrantStore`` protocol over that of another store."""

    def __init__(self, grants: GrantStore, admission: Admission, shown: Callable[[Head], Head]) -> None:
        """Take it.

        Args:
            grants: The other store's.
            admission: Refuses a store that is sealed with other keys.
            shown: Opens what is shown of a session.
        """
        self._grants, self._admission, self._shown = grants, admission, shown

    async def invite(self, invitation: Invitation) -> bool:
        """Keep an invitation; see ``GrantStore.invite``."""
        await self._admission.to_read()
        return await self._grants.invite(invitation)

    async def accept(self, acceptance: Acceptance) -> Role | None:
        """Use an invitation up; see ``GrantStore.accept``."""
        await self._admission.to_read()
        return await self._grants.accept(acceptance)

    async def role(self, session_id: str, principal: str) -> Role | None:
        """Read as what somebody takes part; see ``GrantStore.role``."""
        await self._admission.to_read()
        return await self._grants.role(session_id, principal)

    async def of(self, session_id: str) -> Grants:
        """Read what is granted of a session; see ``GrantStore.of``."""
        await self._admission.to_read()
        return await self._grants.of(session_id)

    async def withdraw(self, session_id: str, name: str, now: float) -> bool:
        """Take back an invitation; see ``GrantStore.withdraw``."""
        await self._admission.to_read()
        return await self._grants.withdraw(session_id, name, now)

    async def remove(self, session_id: str, principal: str, now: float) -> bool:
        """Take back somebody's part; see ``GrantStore.remove``."""
        await self._admission.to_read()
        return await self._grants.remove(session_id, principal, now)

    async def joined(self, principal: str) -> list[tuple[Participant, Head]]:
        """Read which sessions somebody takes part in; see ``GrantStore.joined``."""
        await self._admission.to_read()
        return [(part, self._shown(head)) for part, head in await self._grants.joined(principal)]

    async def put(self, grants: Grants) -> None:
        """Keep what another store holds; see ``GrantStore.put``."""
        await self._admission.to_read()
        await self._grants.put(grants)

    async def forget(self, principal: str) -> int:
        """Take somebody out of all sessions; see ``GrantStore.forget``."""
        await self._admission.to_read()
        return await self._grants.forget(principal)
