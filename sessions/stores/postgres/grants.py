"""Whom sessions in PostgreSQL are shared with: invited, accepted, taken back and read, each in one statement.

A statement that adds holds the session's row meanwhile, so that nothing is added to one that is being forgotten.
"""

# ruff: noqa: S608 (statements are made of constants only)

from sessions.grant_store import MOST, MOST_SESSIONS, Acceptance, Grants, Invitation, Participant, Role
from sessions.store import Head
from sessions.stores.grant_rows import invitation_of, row_of
from sessions.stores.postgres import rows as postgres_rows
from sessions.stores.postgres.connections import Lane, Row
from sessions.stores.postgres.reads import HEAD_COLUMNS

_NO = "(SELECT no FROM companions_sessions WHERE id = $1 AND owner IS NOT NULL)"
_HELD = """held AS MATERIALIZED (SELECT no, owner FROM companions_sessions
    WHERE id = $1 AND owner IS NOT NULL FOR NO KEY UPDATE)"""
_OF_HELD = "session = ANY (ARRAY (SELECT no FROM held))"
_COLUMNS = "session, name, role, secret, person, invited_at, expires_at"
INVITE = f"""WITH {_HELD},
    expired AS (DELETE FROM companions_invitations WHERE {_OF_HELD} AND expires_at <= $6)
    INSERT INTO companions_invitations ({_COLUMNS}) SELECT no, $2, $3, $4, $5, $6, $7 FROM held
        WHERE (SELECT count(*) FROM companions_invitations WHERE {_OF_HELD} AND expires_at > $6)
            + (SELECT count(*) FROM companions_participants WHERE {_OF_HELD}) < {MOST}
    ON CONFLICT DO NOTHING RETURNING name"""
# Of the two roles author is the wider one, and the first in the alphabet.
ACCEPT = f"""WITH {_HELD},
    expired AS (DELETE FROM companions_invitations WHERE {_OF_HELD} AND expires_at <= $5 AND name <> $2),
    used AS (DELETE FROM companions_invitations
        WHERE session = ANY (ARRAY (SELECT no FROM held WHERE owner <> $4))
            AND name = $2 AND secret = $3 AND coalesce(person, $4) = $4 AND expires_at > $5 RETURNING session, role)
    INSERT INTO companions_participants AS p (session, principal, role, since) SELECT session, $4, role, $5 FROM used
    ON CONFLICT (session, principal) DO UPDATE SET role = least(p.role, excluded.role) RETURNING role"""
ROLE = f"SELECT role FROM companions_participants WHERE session = {_NO} AND principal = $2"
# In one statement, so that nobody is seen to be both invited and there.
OF = f"""SELECT name, role, secret, person, invited_at, expires_at FROM companions_invitations WHERE session = {_NO}
    UNION ALL SELECT NULL, role, NULL, principal, since, NULL FROM companions_participants WHERE session = {_NO}"""
_EXPIRE = f"expired AS (DELETE FROM companions_invitations WHERE session = {_NO} AND expires_at <= $3 AND name <> $2)"
WITHDRAW = f"WITH {_EXPIRE} DELETE FROM companions_invitations WHERE session = {_NO} AND name = $2 RETURNING name"
REMOVE = f"""WITH {_EXPIRE.replace(" AND name <> $2", "")}
    DELETE FROM companions_participants WHERE session = {_NO} AND principal = $2 RETURNING role"""
JOINED = f"""SELECT {HEAD_COLUMNS}, p.role, p.since FROM companions_participants AS p
    JOIN companions_sessions AS s ON s.no = p.session AND s.owner IS NOT NULL
    WHERE p.principal = $1 LIMIT {MOST_SESSIONS}"""
PUT_INVITATION = f"""WITH {_HELD} INSERT INTO companions_invitations ({_COLUMNS})
    SELECT no, $2, $3, $4, $5, $6, $7 FROM held ON CONFLICT (session, name) DO UPDATE SET role = excluded.role,
    secret = excluded.secret, person = excluded.person, invited_at = excluded.invited_at,
    expires_at = excluded.expires_at"""
PUT_PARTICIPANT = f"""WITH {_HELD} INSERT INTO companions_participants (session, principal, role, since)
    SELECT no, $2, $3, $4 FROM held
    ON CONFLICT (session, principal) DO UPDATE SET role = excluded.role, since = excluded.since"""
FORGET = """WITH uninvited AS (DELETE FROM companions_invitations WHERE person = $1),
    gone AS (DELETE FROM companions_participants WHERE principal = $1 RETURNING session) SELECT count(*) FROM gone"""


class PostgresGrants:
    """The ``GrantStore`` protocol over the connections of a store."""

    def __init__(self, once: Lane, others: Lane) -> None:
        """Take the lanes: one for what would come to something else if it were made again, one for the rest."""
        self._once, self._others = once, others

    async def invite(self, invitation: Invitation) -> bool:
        """Keep an invitation; see ``GrantStore.invite``."""
        return bool(await self._once.fetch(INVITE, invitation.session_id, *row_of(invitation)))

    async def accept(self, acceptance: Acceptance) -> Role | None:
        """Use an invitation up; see ``GrantStore.accept``."""
        wish = (acceptance.session_id, acceptance.name, acceptance.secret, acceptance.principal, acceptance.at)
        rows = await self._once.fetch(ACCEPT, *wish)
        return rows[0][0] if rows else None

    async def role(self, session_id: str, principal: str) -> Role | None:
        """Read as what somebody takes part; see ``GrantStore.role``."""
        rows = await self._others.fetch(ROLE, session_id, principal)
        return rows[0][0] if rows else None

    async def of(self, session_id: str) -> Grants:
        """Read what is granted of a session; see ``GrantStore.of``."""
        rows = await self._others.fetch(OF, session_id)
        invitations = [invitation_of(session_id, row) for row in rows if row[0] is not None]
        participants = [
            Participant(session_id=session_id, principal=principal, role=role, since=since)
            for name, role, _, principal, since, _ in rows
            if name is None
        ]
        return Grants(
            tuple(sorted(invitations, key=lambda each: (each.invited_at, each.name))),
            tuple(sorted(participants, key=lambda each: (each.since, each.principal))),
        )

    async def withdraw(self, session_id: str, name: str, now: float) -> bool:
        """Take back an invitation; see ``GrantStore.withdraw``."""
        return bool(await self._once.fetch(WITHDRAW, session_id, name, now))

    async def remove(self, session_id: str, principal: str, now: float) -> bool:
        """Take back somebody's part; see ``GrantStore.remove``."""
        return bool(await self._once.fetch(REMOVE, session_id, principal, now))

    async def joined(self, principal: str) -> list[tuple[Participant, Head]]:
        """Read which sessions somebody takes part in; see ``GrantStore.joined``."""
        return [_joined(row, principal) for row in await self._others.fetch(JOINED, principal)]

    async def put(self, grants: Grants) -> None:
        """Keep what another store holds; see ``GrantStore.put``."""
        for each in grants.invitations:
            await self._others.fetch(PUT_INVITATION, each.session_id, *row_of(each))
        for part in grants.participants:
            await self._others.fetch(PUT_PARTICIPANT, part.session_id, part.principal, part.role, part.since)

    async def forget(self, principal: str) -> int:
        """Take somebody out of all sessions; see ``GrantStore.forget``."""
        ((count,),) = await self._once.fetch(FORGET, principal)
        return int(count)


def _joined(row: Row, principal: str) -> tuple[Participant, Head]:
    *shown, role, since = row
    head = postgres_rows.head(shown)
    return Participant(session_id=head.opening.session_id, principal=principal, role=role, since=since), head
