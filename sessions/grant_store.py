"""What a store must do so that sessions can be shared: it keeps who was invited to a session and who takes part in it.

It decides nothing: who may invite, what a role allows and how that is told are ``sharing``'s. What is kept here holds
no text of a session, and goes when the session does.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from sessions.store import Head

Role = Literal["reader", "author"]
MOST = 32
"""Participants and open invitations of a session together; so an invitation that is accepted always has room."""
MOST_SESSIONS = 256
"""Sessions that one principal takes part in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An offer to take part in a session, for one person.

    Attributes:
        session_id: The session.
        name: Short, one of its kind in the session.
        role: What whoever accepts it will be.
        secret: SHA-256 of what must be known to accept it, in hexadecimal.
        person: The principal who alone may accept it; ``None`` is whoever knows the secret.
        invited_at, expires_at: Seconds since the epoch.
    """

    session_id: str
    name: str
    role: Role
    secret: str
    person: str | None
    invited_at: float
    expires_at: float

    def __post_init__(self) -> None:
        """Refuse an invitation that nobody can accept."""
        if not self.expires_at > self.invited_at:
            raise ValueError(f"an invitation ends after it begins, not at {self.expires_at}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A wish to take an invitation.

    Attributes:
        session_id, name, secret: Of the invitation, as its code tells.
        principal: Who wants to take part.
        at: When, in seconds since the epoch.
    """

    session_id: str
    name: str
    secret: str
    principal: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody who takes part in another one's session, since a moment in seconds since the epoch."""

    session_id: str
    principal: str
    role: Role
    since: float


@dataclass(frozen=True, slots=True)
class Grants:
    """All that is granted of a session: invitations in the order in which they were made, participants of joining."""

    invitations: tuple[Invitation, ...] = ()
    participants: tuple[Participant, ...] = ()


def wider(role: Role, other: Role) -> Role:
    """Give the role of two that allows more: a second invitation takes nothing from whoever accepts it."""
    return "author" if "author" in (role, other) else "reader"


class GrantStore(Protocol):
    """A place where invitations and participants are kept. Of an unknown or forgotten session there are none.

    Each writing call removes the session's expired invitations, and is all or nothing.
    """

    async def invite(self, invitation: Invitation) -> bool:
        """Keep an invitation; ``False`` if the session is not there, or ``MOST`` are reached.

        Of several processes that invite at one moment, each may go by what the others have not stored yet.
        """
        ...

    async def accept(self, acceptance: Acceptance) -> Role | None:
        """Make a participant of whoever takes an invitation, and use it up, in one statement; gives the role held now.

        ``None``, and nothing changed, if there is no such invitation any more, its secret or person is another, or the
        principal is the session's owner. Whoever takes part already keeps the wider role.
        """
        ...

    async def role(self, session_id: str, principal: str) -> Role | None:
        """Read as what somebody takes part in a session. Cheap: called before each call of a participant's."""
        ...

    async def of(self, session_id: str) -> Grants:
        """Read what is granted of a session; what has expired may be among it."""
        ...

    async def withdraw(self, session_id: str, name: str, now: float) -> bool:
        """Take back an invitation; ``False`` if there was none."""
        ...

    async def remove(self, session_id: str, principal: str, now: float) -> bool:
        """Take back somebody's part in a session; ``False`` if they had none."""
        ...

    async def joined(self, principal: str) -> "list[tuple[Participant, Head]]":
        """Read which sessions somebody takes part in, at most ``MOST_SESSIONS``, in no order, with their heads."""
        ...

    async def put(self, grants: Grants) -> None:
        """Keep what another store holds, of sessions that are there; what is there of the same names is replaced."""
        ...

    async def forget(self, principal: str) -> int:
        """Take somebody out of all sessions, invitations for them included; gives of how many sessions they were."""
        ...
