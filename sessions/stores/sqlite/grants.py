"""Whom sessions in SQLite are shared with: invited, accepted, taken back and read.

Every writing function is one transaction on the thread of the connection that it is given, all or nothing.
"""

import sqlite3
from functools import partial
from typing import Any

from sessions.grant_store import MOST, MOST_SESSIONS, Acceptance, Grants, Invitation, Participant, Role
from sessions.store import Head
from sessions.stores.grant_rows import invitation_of, row_of
from sessions.stores.sqlite.lane import Lane
from sessions.stores.sqlite.reads import HEADS
from sessions.stores.sqlite.rows import head_of
from sessions.stores.sqlite.schema import transaction

# Statements that are put together here are made of constants only.
_NO = "(SELECT no FROM sessions WHERE id = ? AND owner IS NOT NULL)"
EXPIRE = f"DELETE FROM invitations WHERE session = {_NO} AND expires_at <= ?"  # noqa: S608
COUNT = f"""SELECT (SELECT count(*) FROM invitations WHERE session = s.no)
    + (SELECT count(*) FROM participants WHERE session = s.no) FROM (SELECT {_NO} AS no) AS s WHERE no IS NOT NULL"""  # noqa: S608
INVITE = f"""INSERT INTO invitations (session, name, role, secret, person, invited_at, expires_at)
    VALUES ({_NO}, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""  # noqa: S608
USE = """DELETE FROM invitations WHERE session = (SELECT no FROM sessions WHERE id = ? AND owner <> ?)
    AND name = ? AND secret = ? AND coalesce(person, ?) = ? RETURNING session, role"""
JOIN = """INSERT INTO participants (session, principal, role, since) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET role = min(role, excluded.role) RETURNING role"""
"""Of the two roles ``author`` is the wider one, and the first in the alphabet."""
ROLE = f"SELECT role FROM participants WHERE session = {_NO} AND principal = ?"  # noqa: S608
INVITATIONS = f"""SELECT name, role, secret, person, invited_at, expires_at FROM invitations
    WHERE session = {_NO} ORDER BY invited_at, name"""  # noqa: S608
PARTICIPANTS = f"SELECT principal, role, since FROM participants WHERE session = {_NO} ORDER BY since, principal"  # noqa: S608
WITHDRAW = f"DELETE FROM invitations WHERE session = {_NO} AND name = ?"  # noqa: S608
REMOVE = f"DELETE FROM participants WHERE session = {_NO} AND principal = ?"  # noqa: S608
JOINED = f"""SELECT h.*, p.role, p.since FROM participants AS p JOIN ({HEADS}) AS h ON h.no = p.session
    WHERE p.principal = ? LIMIT {MOST_SESSIONS}"""  # noqa: S608
FORGET = "DELETE FROM participants WHERE principal = ?"
UNINVITE = "DELETE FROM invitations WHERE person = ?"
DROP = ("DELETE FROM participants WHERE session = ?", "DELETE FROM invitations WHERE session = ?")
PUT_INVITATION = f"""INSERT OR REPLACE INTO invitations (session, name, role, secret, person, invited_at, expires_at)
    SELECT s.no, ?, ?, ?, ?, ?, ? FROM (SELECT {_NO} AS no) AS s WHERE no IS NOT NULL"""  # noqa: S608
PUT_PARTICIPANT = f"""INSERT OR REPLACE INTO participants (session, principal, role, since)
    SELECT s.no, ?, ?, ? FROM (SELECT {_NO} AS no) AS s WHERE no IS NOT NULL"""  # noqa: S608


class SQLiteGrants:
    """The ``GrantStore`` protocol over the connections of a store."""

    def __init__(self, writer: Lane, reader: Lane) -> None:
        """Take the lanes."""
        self._writer, self._reader = writer, reader

    async def invite(self, invitation: Invitation) -> bool:
        """Keep an invitation; see ``GrantStore.invite``."""
        return await self._writer.run(partial(_invite, invitation=invitation))

    async def accept(self, acceptance: Acceptance) -> Role | None:
        """Use an invitation up; see ``GrantStore.accept``."""
        return await self._writer.run(partial(_accept, wish=acceptance))

    async def role(self, session_id: str, principal: str) -> Role | None:
        """Read as what somebody takes part; see ``GrantStore.role``."""
        row = await self._reader.run(lambda c: c.execute(ROLE, (session_id, principal)).fetchone())
        return None if row is None else row[0]

    async def of(self, session_id: str) -> Grants:
        """Read what is granted of a session; see ``GrantStore.of``."""
        return await self._reader.run(lambda c: _of(c, session_id))

    async def withdraw(self, session_id: str, name: str, now: float) -> bool:
        """Take back an invitation; see ``GrantStore.withdraw``."""
        return await self._writer.run(partial(_delete, place=(session_id, name), now=now, statement=WITHDRAW))

    async def remove(self, session_id: str, principal: str, now: float) -> bool:
        """Take back somebody's part; see ``GrantStore.remove``."""
        return await self._writer.run(partial(_delete, place=(session_id, principal), now=now, statement=REMOVE))

    async def joined(self, principal: str) -> list[tuple[Participant, Head]]:
        """Read which sessions somebody takes part in; see ``GrantStore.joined``."""
        rows = await self._reader.run(lambda c: c.execute(JOINED, (principal,)).fetchall())
        return [_joined(row, principal) for row in rows]

    async def put(self, grants: Grants) -> None:
        """Keep what another store holds; see ``GrantStore.put``."""
        await self._writer.run(partial(_put, grants=grants))

    async def forget(self, principal: str) -> int:
        """Take somebody out of all sessions; see ``GrantStore.forget``."""
        return await self._writer.run(partial(_forget, principal=principal))


def drop(connection: sqlite3.Connection, no: int) -> None:
    """Forget all that is granted of a session, inside a transaction."""
    for statement in DROP:
        connection.execute(statement, (no,))


def _invite(connection: sqlite3.Connection, *, invitation: Invitation) -> bool:
    session_id = invitation.session_id
    with transaction(connection, "IMMEDIATE"):
        connection.execute(EXPIRE, (session_id, invitation.invited_at))
        count = connection.execute(COUNT, (session_id,)).fetchone()
        if count is None or count[0] >= MOST:
            return False
        return connection.execute(INVITE, (session_id, *row_of(invitation))).rowcount == 1


def _accept(connection: sqlite3.Connection, *, wish: Acceptance) -> Role | None:
    principal = wish.principal
    with transaction(connection, "IMMEDIATE"):
        connection.execute(EXPIRE, (wish.session_id, wish.at))
        place = (wish.session_id, principal, wish.name, wish.secret, principal, principal)
        used = connection.execute(USE, place).fetchall()
        if not used:
            return None
        session, role = used[0]
        return connection.execute(JOIN, (session, principal, role, wish.at)).fetchall()[0][0]


def _of(connection: sqlite3.Connection, session_id: str) -> Grants:
    with transaction(connection, "DEFERRED"):
        invitations = connection.execute(INVITATIONS, (session_id,)).fetchall()
        participants = connection.execute(PARTICIPANTS, (session_id,)).fetchall()
    return Grants(
        tuple(invitation_of(session_id, row) for row in invitations),
        tuple(
            Participant(session_id=session_id, principal=principal, role=role, since=since)
            for principal, role, since in participants
        ),
    )


def _delete(connection: sqlite3.Connection, *, statement: str, place: tuple[str, str], now: float) -> bool:
    with transaction(connection, "IMMEDIATE"):
        gone = connection.execute(statement, place).rowcount
        connection.execute(EXPIRE, (place[0], now))
        return gone == 1


def _put(connection: sqlite3.Connection, *, grants: Grants) -> None:
    with transaction(connection, "IMMEDIATE"):
        for each in grants.invitations:
            connection.execute(PUT_INVITATION, (*row_of(each), each.session_id))
        for part in grants.participants:
            connection.execute(PUT_PARTICIPANT, (part.principal, part.role, part.since, part.session_id))


def _forget(connection: sqlite3.Connection, *, principal: str) -> int:
    with transaction(connection, "IMMEDIATE"):
        connection.execute(UNINVITE, (principal,))
        return connection.execute(FORGET, (principal,)).rowcount


def _joined(row: tuple[Any, ...], principal: str) -> tuple[Participant, Head]:
    _, *shown, role, since = row
    head = head_of(tuple(shown))
    part = Participant(session_id=head.opening.session_id, principal=principal, role=role, since=since)
    return part, head
