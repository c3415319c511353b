"""What is granted of sessions, within a store's bounds: reads are repeated like its own, and what writes is asked once.

Whoever invites or accepts is there to ask again; a repetition of ours would find its own invitation used up.
"""

from typing import TYPE_CHECKING

from sessions.grant_store import Acceptance, Grants, GrantStore, Invitation, Participant, Role

if TYPE_CHECKING:
    from sessions.store import Head
    from sessions.stores.guarded import GuardedStore


class GuardedGrants:
    """The ``GrantStore`` protocol over the store that a guarded one stands for."""

    def __init__(self, guarded: "GuardedStore") -> None:
        """Take the store."""
        self._guarded = guarded

    @property
    def _grants(self) -> GrantStore:
        return self._guarded.store.grants

    async def invite(self, invitation: Invitation) -> bool:
        """Keep an invitation; see ``GrantStore.invite``."""
        return await self._guarded.alone(lambda: self._grants.invite(invitation), self._guarded.seconds)

    async def accept(self, acceptance: Acceptance) -> Role | None:
        """Use an invitation up; see ``GrantStore.accept``."""
        return await self._guarded.alone(lambda: self._grants.accept(acceptance), self._guarded.seconds)

    async def role(self, session_id: str, principal: str) -> Role | None:
        """Read as what somebody takes part; see ``GrantStore.role``."""
        return await self._guarded.within(lambda: self._grants.role(session_id, principal))

    async def of(self, session_id: str) -> Grants:
        """Read what is granted of a session; see ``GrantStore.of``."""
        return await self._guarded.within(lambda: self._grants.of(session_id))

    async def withdraw(self, session_id: str, name: str, now: float) -> bool:
        """Take back an invitation; see ``GrantStore.withdraw``."""
        return await self._guarded.alone(lambda: self._grants.withdraw(session_id, name, now), self._guarded.seconds)

    async def remove(self, session_id: str, principal: str, now: float) -> bool:
        """Take back somebody's part; see ``GrantStore.remove``."""
        return await self._guarded.alone(lambda: self._grants.remove(session_id, principal, now), self._guarded.seconds)

    async def joined(self, principal: str) -> "list[tuple[Participant, Head]]":
        """Read which sessions somebody takes part in; see ``GrantStore.joined``."""
        return await self._guarded.within(lambda: self._grants.joined(principal))

    async def put(self, grants: Grants) -> None:
        """Keep what another store holds; see ``GrantStore.put``."""
        await self._guarded.within(lambda: self._grants.put(grants))

    async def forget(self, principal: str) -> int:
        """Take somebody out of all sessions; see ``GrantStore.forget``."""
        return await self._guarded.alone(lambda: self._grants.forget(principal))
