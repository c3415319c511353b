"""Invitations as rows of SQL: the columns that SQLite and PostgreSQL keep of one, in their order.

Which statements write and read them is each store's own.
"""

from collections.abc import Sequence
from typing import Any

from sessions.grant_store import Invitation

Row = tuple[Any, ...]


def row_of(invitation: Invitation) -> Row:
    """Give ``name, role, secret, person, invited_at, expires_at``."""
    times = (invitation.invited_at, invitation.expires_at)
    return (invitation.name, invitation.role, invitation.secret, invitation.person, *times)


def invitation_of(session_id: str, row: Sequence[Any]) -> Invitation:
    """Read a row back."""
    name, role, secret, person, invited_at, expires_at = row
    return Invitation(
        session_id=session_id,
        name=name,
        role=role,
        secret=secret,
        person=person,
        invited_at=invited_at,
        expires_at=expires_at,
    )
