"""Sessions whose queries have files attached, for tests."""

from typing import Any

from companions.attachments import Attachment
from sessions import attached
from sessions.attaching import Attaching
from sessions.reading import Reading
from tests.files import notes, picture, report
from tests.sessions.faults import OWNER, Process

ALL = (notes(), picture(), report())


def attaching(process: Process, limit: int = 5_000_000) -> Attaching:
    return Attaching(reading=Reading(calls=process.calls), limit=limit)


async def drafted(process: Process, *files: Attachment, **given: Any) -> str:
    """Draft a query with attachments; gives the session."""
    answer = await process.step("draft", query="What does it say?", attachments=files or ALL, **given)
    return answer.session_id


async def found(process: Process, session_id: str, file: Attachment, owner: str = OWNER) -> Attachment:
    return await attached.find(process.calls.desk.sessions, owner, session_id, file.sha256)
