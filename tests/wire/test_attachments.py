"""Attachments over the wire: sent with a draft, handed to a caller that writes, sent to a model, read back."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastmcp.exceptions import ToolError
from mcp import MCPError

from tests.files import NOTES, PDF, PNG, picture, report
from tests.provider.server import Provider
from tests.wire.processes import ERAS, Connection, Era, Served, serving_http, with_model
from tests.wire.reading import part
from tools.attached import CARRIED

pytest_plugins = ("tests.provider.fixtures",)

DATA = b64encode(PNG).decode()
GIVEN: list[Any] = [
    {"name": "chart.png", "mime_type": "image/png", "data": DATA},
    {"name": "report.pdf", "mime_type": "application/pdf", "data": b64encode(PDF).decode()},
    {"name": "notes.md", "mime_type": "text/markdown", "text": NOTES},
]
LIMIT = 2_000_000
BROKEN: dict[str, tuple[Any, str]] = {
    "a URL": ("https://example.com/x.png", "Nothing is fetched from elsewhere"),
    "a file": ([{"uri": "file:///etc/passwd"}], "Nothing is fetched from elsewhere"),
    "another type": ([GIVEN[0] | {"mime_type": "image/gif"}], "are not image/gif"),
    "too large": ([{"text": "x" * (LIMIT + 1)}], f"more than {LIMIT:,} bytes together"),
    "no object": ([5], "arguments that do not fit"),
    "not base64": ([GIVEN[0] | {"data": "@secret@"}], "is not base64"),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("http"), {"COMPANIONS_ATTACHMENT_LIMIT": str(LIMIT)}) as served:
        yield served


async def drafted(client: Connection, given: Any, **more: Any) -> Any:
    return await client.call_tool("draft", {"query": f"What is {id(given)}?", "attachments": given} | more)


@pytest.mark.parametrize("era", ERAS)
async def test_a_caller_that_writes_is_handed_pictures_and_files_with_every_step(served: Served, era: Era) -> None:
    async with served.client(era) as client:
        reply = await drafted(client, json.dumps(GIVEN))
        session_id = reply.structured_content["session_id"]
        for tool, words in (("draft", "It is red."), ("critique", "Say how red."), ("revise", "It is very red.")):
            assert reply.structured_content["status"] == "write"
            assert NOTES in reply.structured_content["instructions"]["user"]
            assert "chart.png (image/png)" in reply.structured_content["instructions"]["user"]
            prose, told, image, file = reply.content
            assert NOTES in prose.text
            assert b64decode(image.data) == PNG
            assert (image.type, image.mime_type) == ("image", "image/png")
            assert b64decode(file.resource.blob) == PDF
            assert reply.structured_content["attachments"] == told.text.splitlines()[1:]
            done = await client.call_tool(tool, {"session_id": session_id, "text": words})
            assert len(done.content) == 1
            coming = done.structured_content["next"]
            reply = await client.call_tool(coming["tool"], coming["arguments"])
        uri = told.text.splitlines()[1].removeprefix("chart.png: ")
        (read,) = await client.read_resource(uri)
        assert (b64decode(read.blob), read.mime_type) == (PNG, "image/png")
        (slot,) = (await part(client, session_id, "run_log"))["run_log"]
        assert slot["attachments"][0] == picture().told()
        assert "chart.png (image/png, 69 bytes)" in (await part(client, session_id, "transcript"))["text"]
        query = (await part(client, session_id, "timeline"))["timeline"][0]
        assert "report.pdf" in query["attachments"]


async def test_what_is_too_large_for_a_reply_is_linked_to(served: Served) -> None:
    large = PDF + b"%" * CARRIED
    given = [{"name": "large.pdf", "mime_type": "application/pdf", "data": b64encode(large).decode()}, *GIVEN]
    async with served.client("auto") as client:
        reply = await drafted(client, given)
        link, *others = reply.content[2:]
        assert (link.type, link.name, link.size) == ("resource_link", "large.pdf", len(large))
        assert [block.type for block in others] == ["image", "resource"]
        (read,) = await client.read_resource(str(link.uri))
        assert b64decode(read.blob) == large


async def test_what_cannot_be_attached_is_an_error_and_opens_no_session(served: Served) -> None:
    async with served.client("auto") as client:
        before = (await client.call_tool("list_sessions", {"limit": 50})).structured_content
        for given, what in BROKEN.values():
            with pytest.raises(ToolError, match=what) as refused:
                await drafted(client, given)
            assert "secret" not in str(refused.value)
        assert (await client.call_tool("list_sessions", {"limit": 50})).structured_content == before
        opened = await drafted(client, GIVEN[2:], text="Words.")
        session_id = opened.structured_content["session_id"]
        for digest in (picture().sha256, "no digest"):
            with pytest.raises(MCPError, match="no such attachment"):
                await client.read_resource(f"resource://sessions/{session_id}/attachments/{digest}")


@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_and_a_file_of_another_session_are_attached_by_their_addresses(
    served: Served, era: Era
) -> None:
    async with served.client(era) as client:
        first = (await drafted(client, GIVEN, text="The first answer.")).structured_content
        base = f"resource://sessions/{first['session_id']}"
        reply = await drafted(client, [first["links"]["answer"], f"{base}/attachments/{report().sha256}"])
        assert "The first answer." in reply.structured_content["instructions"]["user"]
        assert b64decode(reply.content[2].resource.blob) == PDF


@pytest.mark.parametrize("era", ERAS)
async def test_a_model_is_sent_what_is_attached_in_every_step_of_the_loop(
    provider: Provider, tmp_path: Path, era: Era
) -> None:
    with serving_http(tmp_path, with_model(provider)) as served:
        async with served.client(era) as client:
            opened = await drafted(client, GIVEN)
            session_id = opened.structured_content["session_id"]
            assert opened.structured_content["status"] == "done"
            await client.call_tool("refine", {"session_id": session_id, "max_iterations": 1})
    written = [body["messages"][-1]["content"] for body in provider.bodies]
    assert len(written) >= 3
    for content in written[:3]:
        image, file, words = content
        assert image["image_url"]["url"].endswith(DATA)
        assert file["file"]["filename"] == "report.pdf"
        assert NOTES in words["text"]
    log = served.log.read_text()
    assert DATA not in log
    assert "Braces" not in log
