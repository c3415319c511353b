"""What a faulty store grants: calls go the way of the store's own, each as ``grants.`` and its name."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from sessions.grant_store import Acceptance, Grants, GrantStore, Invitation, Participant, Role
from sessions.store import Head

T = TypeVar("T")


class Through(Protocol):
    """The way of a faulty store's calls."""

    async def __call__(self, method: str, call: Callable[[], Awaitable[T]]) -> T: ...


class FaultyGrants:
    """The ``GrantStore`` protocol over the real one."""

    def __init__(self, grants: GrantStore, through: Through) -> None:
        self._grants, self._way = grants, through

    async def invite(self, invitation: Invitation) -> bool:
        return await self._through("invite", invitation)

    async def accept(self, acceptance: Acceptance) -> Role | None:
        return await self._through("accept", acceptance)

    async def role(self, session_id: str, principal: str) -> Role | None:
        return await self._through("role", session_id, principal)

    async def of(self, session_id: str) -> Grants:
        return await self._through("of", session_id)

    async def withdraw(self, session_id: str, name: str, now: float) -> bool:
        return await self._through("withdraw", session_id, name, now)

    async def remove(self, session_id: str, principal: str, now: float) -> bool:
        return await self._through("remove", session_id, principal, now)

    async def joined(self, principal: str) -> list[tuple[Participant, Head]]:
        return await self._through("joined", principal)

    async def put(self, grants: Grants) -> None:
        await self._through("put", grants)

    async def forget(self, principal: str) -> int:
        return await self._through("forget", principal)

    async def _through(self, method: str, *given: Any) -> Any:
        return await self._way(f"grants.{method}", lambda: getattr(self._grants, method)(*given))
