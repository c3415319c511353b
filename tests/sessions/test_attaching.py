"""What a caller may attach to a query: data sent along, or what they may read here; nothing from elsewhere."""

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest

from companions.attachments import MOST
from companions.errors import InputError, SessionNotFoundError
from sessions.stores.memory.store import MemoryStore
from tests.files import NOTES, PDF, PNG, notes, picture, report
from tests.sessions.faults import OWNER, Process
from tests.sessions.filed import attaching, drafted, found


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore(), execution_mode="server")
    yield made
    await made.calls.close()


async def test_nobody_else_reads_what_is_attached(process: Process) -> None:
    session_id = await drafted(process)
    with pytest.raises(SessionNotFoundError):
        await found(process, session_id, picture(), owner="bob")
    with pytest.raises(SessionNotFoundError):
        await attaching(process).taken("bob", [f"resource://sessions/{session_id}/generic/answer"])


async def test_parts_of_sessions_are_attached_as_they_stand(process: Process) -> None:
    session_id = await drafted(process, picture())
    await process.step("critique", session_id)
    base = f"resource://sessions/{session_id}"
    uris = [f"{base}/generic/{part}" for part in ("answer", "latest_critique", "transcript")]
    answer, critique, transcript, image = await attaching(process).taken(
        OWNER, [*uris, f"{base}/attachments/{picture().sha256}"]
    )
    entries = await process.entries(session_id)
    texts = {entry.kind: entry.text for entry in entries}
    assert (answer.text, critique.text) == (texts["draft"], texts["critique"])
    assert texts["critique"] in transcript.text
    assert (answer.name, answer.mime_type) == ("generic answer.md", "text/markdown")
    assert image == picture()


DATA = b64encode(PNG).decode()


async def test_data_is_taken_as_it_was_sent() -> None:
    process = Process.on(MemoryStore())
    given: list[Any] = [
        {"name": "chart.png", "mime_type": "image/png", "data": DATA},
        {"name": "notes.md", "mime_type": "text/markdown; charset=utf-8", "text": NOTES},
        {"text": "Only words."},
        {"name": "report.pdf", "mime_type": "application/pdf", "data": f"{b64encode(PDF).decode()[:40]}\n"},
    ]
    with pytest.raises(InputError, match="is not base64"):
        await attaching(process).taken(OWNER, [*given[:3], {**given[3], "data": "@@@"}])
    given[3]["data"] = "\n".join([b64encode(PDF).decode()[:40], b64encode(PDF).decode()[40:]])
    first, second, third, fourth = await attaching(process).taken(OWNER, given)
    assert (first, second, fourth) == (picture(), notes(), report())
    assert (third.name, third.mime_type, third.text) == ("attachment 3", "text/plain", "Only words.")
    await process.calls.close()


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (["https://example.com/x.png"], r"^Nothing is fetched from elsewhere, and this is a https address\. Send the"),
        (["file:///etc/passwd"], r"^Nothing is fetched from elsewhere, and this is a file address\."),
        ([{"uri": "http://127.0.0.1/"}], r"^Nothing is fetched from elsewhere"),
        (["data:image/png;base64,AAAA"], r"^Nothing is fetched from elsewhere, and this is a data address\."),
        (["resource://metrics"], r"^That is no resource that can be attached\."),
        (["resource://sessions/../generic/answer"], r"^That is no resource that can be attached\."),
        (["chart.png"], r"^That is no resource that can be attached\."),
        (["resource://sessions/nobody/generic/answer"], r"^There is no session 'nobody'"),
        ([{"name": "x", "mime_type": "image/png"}], r"^Attachment 1 gives neither data nor text, or both\."),
        ([{"data": DATA, "text": "x"}], r"^Attachment 1 gives neither data nor text, or both\."),
        ([{"data": DATA, "path": "x"}], r"^Attachment 1 has fields that are not known"),
        ([{"name": "x", "mime_type": "image/png", "data": b64encode(PDF).decode()}], r"are not image/png\."),
        ([{"name": "x", "data": DATA}], r"a type that is not taken: ''"),
        ([{"text": "half \ud800"}], r"is not valid Unicode\."),
        ([{"text": "x"}] * (MOST + 1), rf"^There are {MOST + 1} attachments; a query takes {MOST}\."),
        ([{"text": "x" * 600}] * 2, r"^The attachments of a query have more than 1,000 bytes together"),
        ([{"text": "x" * 9_000}], r"^The attachments of a query have more than 1,000 bytes together"),
    ],
)
async def test_what_cannot_be_attached_is_refused_before_anything_is_stored(given: list[Any], what: str) -> None:
    process = Process.on(MemoryStore())
    with pytest.raises(InputError, match=what):
        await attaching(process, limit=1_000).taken(OWNER, given)
    assert await process.store.scan() == []
    await process.calls.close()
