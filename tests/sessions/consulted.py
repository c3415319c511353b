"""What tests of consultations share: the call as a tool makes it, and what is told of it."""

from typing import Any

from sessions.calls import Waiting
from sessions.consultations import Consulted
from sessions.consulting import Consultations
from sessions.questions import Question
from sessions.reading import Reading
from tests.sessions.faults import OWNER, Process, unreported

THREE = ("generic", "marketing", "bug_triage")


async def consult(process: Process, session_id: str | None = None, *, seconds: float = 30.0, **asked: Any) -> Consulted:
    waiting = Waiting(seconds=seconds, every=max(seconds, 1.0), report=unreported)
    held = Consultations(calls=process.calls)
    return await held.consult(OWNER, session_id, Question(**asked), waiting=waiting, signature="host:tests")


async def workflows(process: Process, session_id: str, **chosen: Any) -> list[dict[str, Any]]:
    body = await Reading(calls=process.calls).part(OWNER, session_id, None, "workflows", **chosen)
    return body["workflows"]


def statuses(given: Consulted) -> dict[str, str]:
    return {name: state["status"] for name, state in given.companions.items()}
