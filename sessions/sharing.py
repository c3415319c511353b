"""Sharing a session: its owner invites, whoever is invited accepts, and both may take it back.

What a role allows is ``finding``'s to check before each call, and who wrote an entry stands in it. How invitations and
participants are kept is the stores' work; how all of it is told, the surface's.
"""

import hashlib
import re
import secrets
import string
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from companions.errors import InputError, UnknownNameError
from sessions.finding import check
from sessions.grant_store import MOST, MOST_SESSIONS, Acceptance, Grants, Invitation, Participant, Role
from sessions.principals import LOCAL, beside, shown
from sessions.session import Session
from sessions.sessions import Sessions

ALPHABET = string.ascii_lowercase + string.digits
NAME, SECRET = 4, 26
"""Characters of an invitation's name and of its secret: 36 ** 26 are 134 bits."""
CODE = re.compile(rf"([A-Za-z0-9_-]{{1,64}})-([{ALPHABET}]{{{NAME}}})-([{ALPHABET}]{{{SECRET}}})", re.ASCII)
LONGEST_PERSON = 255
HOUR = 3_600.0
REMEMBERED = 256
"""Acceptances that a process remembers."""
SHOWN = 64

Told = Callable[[str, str, bool], None]
"""Hears who may see which session from now on (``True``), or no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invitation that was made, and the code by which it is accepted, which is kept nowhere."""

    invitation: Invitation
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A session that somebody takes part in, and whether they did so before."""

    session: Session
    role: Role
    already: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who is in a session: its owner, and what is granted; invitations are the owner's to see."""

    owner: str
    grants: Grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Shares the sessions of a store.

    Attributes:
        told: Told of everybody who is let in or out.
        taken: Marks of what was accepted last in this process, and by whom: a store keeps no invitation that was used.
    """

    sessions: Sessions
    told: Told = lambda _principal, _session_id, _there: None
    taken: deque[str] = field(default_factory=lambda: deque[str](maxlen=REMEMBERED))

    async def invite(
        self, principal: str, session_id: str, role: Role, *, person: str | None = None, hours: int = 72
    ) -> Invited:
        """Invite somebody to one of the principal's sessions.

        Args:
            principal: The owner.
            session_id: The session.
            role: What whoever accepts will be.
            person: The subject, of the owner's own issuer, who alone may accept; ``None`` is whoever has the code.
            hours: How long it can be accepted.

        Raises:
            InputError: Nobody can be invited so, or nobody more.
            SessionNotFoundError: There is no such session of theirs.
            RoleError: It is shared with them only.
        """
        if principal == LOCAL:
            raise InputError("A session of this machine's user is shared with nobody.", "Serve it with authentication.")
        session = await self.sessions.find(principal, session_id, "own")
        guest = None if person is None else _guest(principal, person)
        # What is only on its way cannot be shared yet.
        await self.sessions.head(session)
        now, secret = time.time(), _random(SECRET)
        invitation = Invitation(
            session_id=session_id,
            name=_random(NAME),
            role=role,
            secret=_digest(secret),
            person=guest,
            invited_at=now,
            expires_at=now + hours * HOUR,
        )
        if not await self.sessions.store.grants.invite(invitation):
            raise InputError(
                f"The session has {MOST} participants and open invitations, which is the most.",
                "Take one back first: remove, with a name that share_session with session_id alone tells.",
            )
        return Invited(invitation=invitation, code=f"{session_id}-{invitation.name}-{secret}")

    async def accept(self, principal: str, code: str) -> Joined:
        """Take an invitation; for whoever took it just now it is done, so that a call can be made again.

        Raises:
            InputError: There is no such invitation (any more), for this principal; or they take part in too many.
        """
        read = CODE.fullmatch(code)
        grants = self.sessions.store.grants
        if read is None or principal == LOCAL:
            raise _no_invitation()
        session_id, name, secret = read.groups()
        there = await grants.role(session_id, principal) is not None
        if not there and len(await grants.joined(principal)) >= MOST_SESSIONS:
            raise InputError(
                f"You take part in {MOST_SESSIONS} sessions already.", "Leave one first: share_session with remove."
            )
        wish = Acceptance(session_id=session_id, name=name, secret=_digest(secret), principal=principal, at=time.time())
        new = await grants.accept(wish)
        role = new or await grants.role(session_id, principal)
        if role is None:
            raise _no_invitation()
        mark = _digest(f"{principal} {code}")
        if new is not None:
            self.taken.append(mark)
        elif mark not in self.taken:
            raise _no_invitation().with_remedy(f"You take part in session {session_id} already, as {role}.")
        session = await self.sessions.find(principal, session_id, "read")
        if new is not None:
            self.told(principal, session_id, True)
        return Joined(session=session, role=role, already=new is None)

    async def company(self, principal: str, session_id: str) -> Company:
        """Say who is in a session, to whoever may read it; what has expired is left out.

        Raises:
            SessionNotFoundError: There is no such session of theirs.
        """
        session = await self.sessions.find(principal, session_id, "read")
        return await self._company(principal, session)

    async def take_back(self, principal: str, session_id: str, name: str) -> Invitation | Participant:
        """Take back an invitation or somebody's part in a session, from the next call on; a participant may leave.

        Args:
            principal: The owner, or who leaves.
            session_id: The session.
            name: As the company is shown to them.

        Returns:
            What was taken back.

        Raises:
            UnknownNameError: There is nothing of that name.
            RoleError: The principal may do that to themself alone.
            SessionNotFoundError: There is no such session of theirs.
        """
        session = await self.sessions.find(principal, session_id, "read")
        company = await self._company(principal, session)
        parts = [
            part for part in company.grants.participants if name in (part.principal, shown(part.principal, principal))
        ]
        if principal != session.place.owner and [part.principal for part in parts] != [principal]:
            check("reader", "own")
        now, grants = time.time(), self.sessions.store.grants
        for invitation in company.grants.invitations:
            if invitation.name == name and await grants.withdraw(session_id, name, now):
                return invitation
        for part in parts:
            if await grants.remove(session_id, part.principal, now):
                self.told(part.principal, session_id, False)
                return part
        raise UnknownNameError(
            f"Nobody takes part in this session as {name[:SHOWN]!r}, and no open invitation is called so.",
            "Call share_session with session_id alone to see the names.",
        )

    async def _company(self, principal: str, session: Session) -> Company:
        grants = await self.sessions.store.grants.of(session.session_id)
        now = time.time()
        mine = principal == session.place.owner
        open_ones = tuple(each for each in grants.invitations if mine and each.expires_at > now)
        return Company(owner=session.place.owner, grants=replace(grants, invitations=open_ones))


def _guest(owner: str, person: str) -> str:
    if not (person.isprintable() and person.strip() and len(person) <= LONGEST_PERSON):
        raise InputError(
            f"A person is named by the subject of their tokens, 1 to {LONGEST_PERSON} printable characters.",
            "Leave person out to invite whoever you give the code to.",
        )
    guest = beside(owner, person)
    if guest == owner:
        raise InputError("That person is you, and the session is yours.", "Name whom you want to share it with.")
    return guest


def _no_invitation() -> InputError:
    return InputError("There is no such invitation, or no more.", "Ask for a new one.")


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
