"""People who work on each other's sessions, for tests: calls in their own names, and invitations that are accepted."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import pytest

from companions.errors import CompanionsError
from companions.models import Step
from companions.requests import Request
from sessions.answers import Answer
from sessions.calls import Waiting
from sessions.grant_store import Role
from sessions.principals import principal_of
from sessions.reading import Reading
from sessions.sessions import Sessions
from sessions.sharing import Sharing
from tests.sessions.faults import Process, unreported

ISSUER = "https://issuer.test"
ANN, BOB, EVE = (principal_of(ISSUER, name) for name in ("ann", "bob", "eve"))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who calls a process."""

    principal: str
    process: Process

    @property
    def sharing(self) -> Sharing:
        return Sharing(sessions=self.process.calls.desk.sessions)

    async def step(self, step: Step, session_id: str | None = None, **given: Any) -> Answer:
        """Make a step as a tool would."""
        request = Request(step=step, **given)
        answer = await self.process.calls.step(
            self.principal, session_id, None, request, waiting=patient(), signature="host:tests"
        )
        assert isinstance(answer, Answer)
        return answer

    async def invite(self, session_id: str, role: Role = "reader", **given: Any) -> str:
        """Invite somebody, and give the code."""
        return (await self.sharing.invite(self.principal, session_id, role, **given)).code

    async def accept(self, code: str) -> Role:
        return (await self.sharing.accept(self.principal, code)).role


def patient() -> Waiting:
    """Wait for as long as it takes."""
    return Waiting(seconds=30, every=30, report=unreported)


async def shared(owner: Person, guest: Person, role: Role = "author") -> str:
    """Open a session, and share it."""
    session_id = (await owner.step("draft", query="Why?", text="So.")).session_id
    assert await guest.accept(await owner.invite(session_id, role)) == role
    return session_id


def sessions_of(person: Person) -> Sessions:
    return person.process.calls.desk.sessions


def reading(person: Person) -> Reading:
    return Reading(calls=person.process.calls)


async def refused(call: Awaitable[object], kind: type[CompanionsError]) -> str:
    """Make a call that must be refused, and give in which words."""
    with pytest.raises(kind) as told:
        await call
    assert type(told.value) is kind
    return str(told.value)
