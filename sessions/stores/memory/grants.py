"""Whom sessions in this process's memory are shared with.

Like the sessions beside it: no method awaits anything, so each is one undivided step of the event loop.
"""

from collections.abc import Callable
from dataclasses import replace

from sessions.grant_store import MOST, MOST_SESSIONS, Acceptance, Grants, Invitation, Participant, Role, wider
from sessions.store import Head


class MemoryGrants:
    """The ``GrantStore`` protocol over dictionaries."""

    def __init__(self, head: Callable[[str], Head | None]) -> None:
        """Take what tells whether a session is there."""
        self._head = head
        self._invitations: dict[str, dict[str, Invitation]] = {}
        self._participants: dict[str, dict[str, Participant]] = {}

    async def invite(self, invitation: Invitation) -> bool:
        """Keep an invitation; see ``GrantStore.invite``."""
        session_id = invitation.session_id
        if self._head(session_id) is None:
            return False
        self._expire(session_id, invitation.invited_at)
        open_ones = self._invitations.setdefault(session_id, {})
        if len(open_ones) + len(self._participants.get(session_id, ())) >= MOST or invitation.name in open_ones:
            return False
        open_ones[invitation.name] = invitation
        return True

    async def accept(self, acceptance: Acceptance) -> Role | None:
        """Use an invitation up; see ``GrantStore.accept``."""
        session_id, principal = acceptance.session_id, acceptance.principal
        head = self._head(session_id)
        self._expire(session_id, acceptance.at)
        found = self._invitations.get(session_id, {}).get(acceptance.name)
        if head is None or found is None or head.opening.owner == principal:
            return None
        if found.secret != acceptance.secret or found.person not in (None, principal):
            return None
        del self._invitations[session_id][acceptance.name]
        new = Participant(session_id=session_id, principal=principal, role=found.role, since=acceptance.at)
        known = self._participants.setdefault(session_id, {}).setdefault(principal, new)
        self._participants[session_id][principal] = replace(known, role=wider(known.role, found.role))
        return wider(known.role, found.role)

    async def role(self, session_id: str, principal: str) -> Role | None:
        """Read as what somebody takes part; see ``GrantStore.role``."""
        self._head(session_id)  # a closed store is refused here
        found = self._participants.get(session_id, {}).get(principal)
        return None if found is None else found.role

    async def of(self, session_id: str) -> Grants:
        """Read what is granted of a session; see ``GrantStore.of``."""
        self._head(session_id)
        invitations, participants = self._invitations.get(session_id, {}), self._participants.get(session_id, {})
        return Grants(
            tuple(sorted(invitations.values(), key=lambda each: (each.invited_at, each.name))),
            tuple(sorted(participants.values(), key=lambda each: (each.since, each.principal))),
        )

    async def withdraw(self, session_id: str, name: str, now: float) -> bool:
        """Take back an invitation; see ``GrantStore.withdraw``."""
        self._head(session_id)
        found = self._invitations.get(session_id, {}).pop(name, None)
        self._expire(session_id, now)
        return found is not None

    async def remove(self, session_id: str, principal: str, now: float) -> bool:
        """Take back somebody's part; see ``GrantStore.remove``."""
        self._head(session_id)
        self._expire(session_id, now)
        return self._participants.get(session_id, {}).pop(principal, None) is not None

    async def joined(self, principal: str) -> list[tuple[Participant, Head]]:
        """Read which sessions somebody takes part in; see ``GrantStore.joined``."""
        self._head("")
        parts = [found[principal] for found in self._participants.values() if principal in found][:MOST_SESSIONS]
        return [(part, head) for part in parts if (head := self._head(part.session_id)) is not None]

    async def put(self, grants: Grants) -> None:
        """Keep what another store holds; see ``GrantStore.put``."""
        for invitation in grants.invitations:
            if self._head(invitation.session_id) is not None:
                self._invitations.setdefault(invitation.session_id, {})[invitation.name] = invitation
        for part in grants.participants:
            if self._head(part.session_id) is not None:
                self._participants.setdefault(part.session_id, {})[part.principal] = part

    async def forget(self, principal: str) -> int:
        """Take somebody out of all sessions; see ``GrantStore.forget``."""
        self._head("")
        for session_id, found in self._invitations.items():
            self._invitations[session_id] = {name: each for name, each in found.items() if each.person != principal}
        return sum(found.pop(principal, None) is not None for found in self._participants.values())

    def drop(self, session_id: str) -> None:
        """Forget all that is granted of a session."""
        self._invitations.pop(session_id, None)
        self._participants.pop(session_id, None)

    def _expire(self, session_id: str, now: float) -> None:
        if found := self._invitations.get(session_id):
            self._invitations[session_id] = {name: each for name, each in found.items() if each.expires_at > now}
