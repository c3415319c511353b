"""Reads and prompts that are refused, and arguments as models really write them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from mcp import MCPError

from tests.wire.processes import ERAS, Era, Served, serving_http
from tests.wire.reading import part
from tests.wire.test_errors_on_the_wire import faults_of

INVALID_PARAMS = -32602
# What stands behind resource://, with {begun} and {waiting} for sessions, and what the error says.
READS = {
    "sessions/nobodys": "no session 'nobodys'.*Your newest sessions",
    "sessions/nobodys/generic/answer": "no session 'nobodys'.*Your newest sessions",
    "sessions/nobodys/generic/history": "no session 'nobodys'.*Your newest sessions",
    "sessions/{begun}/nobody/answer": "no companion 'nobody'.*generic",
    "sessions/{begun}/guide/history": "no companion 'guide'.*generic",
    "sessions/{begun}/generic/latest_critique": "no critique yet.*Call critique",
    "sessions/{begun}/generic/penultimate_revision": "no penultimate revision",
    "sessions/{waiting}/generic/answer": "no answer yet.*Call draft",
    "sessions/{begun}/generic/run_log/7": "no slot 7",
    "sessions/{begun}/generic/run_log/abc": "slot must be a whole number",
    "sessions/{begun}/generic/run_log/-1": "slot must be a whole number",
    "sessions/{begun}/generic/thoughts": "no resource",
    "sessions/..%2F..%2Fetc%2Fpasswd/generic/answer": "no resource|no session",
    "companions/nobody": "no companion type 'nobody'.*generic",
    "patterns/nobody": "no companion type 'nobody'.*generic",
    "thoughts": "no resource",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("http")) as served:
        yield served


@pytest.mark.parametrize("era", ERAS)
async def test_a_read_that_is_refused_is_an_error_of_parameters_that_says_what_to_do(served: Served, era: Era) -> None:
    async with served.client(era) as client:
        begun = await client.call_tool("draft", {"query": "Begun?", "text": "A draft."})
        waiting = await client.call_tool("draft", {"query": "Waiting?"})
        wrong: dict[str, list[str]] = {}
        for read, expected in READS.items():
            uri = "resource://" + read.replace("{begun}", begun.structured_content["session_id"])
            uri = uri.replace("{waiting}", waiting.structured_content["session_id"])
            with pytest.raises(MCPError) as refused:
                await client.read_resource(uri)
            error = refused.value.error
            faults = faults_of(error.message.replace(uri, "URI"), expected)
            faults += [] if (error.code, error.data) == (INVALID_PARAMS, {"uri": uri}) else [f"is {error}"]
            wrong |= {read: faults} if faults else {}
        assert wrong == {}
        assert (await part(client, begun.structured_content["session_id"], "phase"))["phase"] == "critique"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [("thoughts", {}, "no prompt 'thoughts'"), ("refine_this", {}, "text"), ("continue_session", {}, "session_id")],
)
async def test_a_prompt_that_is_refused_names_what_it_lacks(
    served: Served, era: Era, name: str, given: dict[str, str], expected: str
) -> None:
    async with served.client(era) as client:
        with pytest.raises(MCPError) as refused:
            await client.get_prompt(name, given)
    assert refused.value.error.code == INVALID_PARAMS
    assert faults_of(refused.value.error.message, expected) == []
    assert "unexpectedly" not in refused.value.error.message


@pytest.mark.parametrize("era", ERAS)
async def test_arguments_are_taken_as_models_write_them(served: Served, era: Era) -> None:
    blank = {"session_id": "", "companion_type": "", "sampling": ""}
    async with served.client(era) as client:
        begun: Any = await client.call_tool(
            "draft", {**blank, "query": f"Lax in {era}?", "redo": "false", "text": "A."}
        )
        ids = {"session_id": begun.structured_content["session_id"], "companion_type": ""}
        sampling = json.dumps({"temperature": "0.3", "execution_mode": "client", "max_tokens": "50"})
        given = {**ids, "satisfied": "false", "evidence": "", "sampling": sampling, "redo": "False"}
        asked = await client.call_tool("critique", given)
        assert asked.structured_content["status"] == "write"
        await client.call_tool("critique", {**ids, "text": "Say more."})
        done = await client.call_tool("revise", {**ids, "text": "A, and more.", "score": "3"})
        assert done.structured_content["iteration"] == 1
        page = await client.call_tool("show_thinking", {**ids, "slot": "0", "offset": "0", "part": "run_log"})
        assert page.structured_content["run_log"][0]["revision"] == ["A, and more."]
        listed = await client.call_tool("list_sessions", {"limit": "1", "search": ""})
        assert len(listed.structured_content["sessions"]) == 1


async def test_a_resource_is_read_on_by_the_offset_that_its_page_names(served: Served) -> None:
    async with served.client("auto") as client:
        text = "Ein Satz, der lange bleibt.\n\n" * 6_000
        begun = await client.call_tool("draft", {"query": "Long?", "text": text})
        session_id = begun.structured_content["session_id"]
        await client.call_tool("critique", {"session_id": session_id, "text": "Too long."})
        uri = f"resource://sessions/{session_id}/generic/run_log"
        critiques: list[list[str]] = []
        offset: int | None = 0
        while offset is not None:
            page = json.loads((await client.read_resource(f"{uri}?offset={offset}"))[0].text)
            critiques += [slot["critique"] for slot in page["run_log"]]
            assert len(critiques) < 9
            offset = page["next_offset"]
        assert critiques[0] == []
        assert critiques[-1] == ["Too long."]


@pytest.mark.parametrize("offset", ["-1", "many"])
async def test_an_offset_that_no_page_named_is_refused_and_not_taken_for_the_first(served: Served, offset: str) -> None:
    async with served.client("auto") as client:
        begun = await client.call_tool("draft", {"query": "Begun?", "text": "A draft."})
        uri = f"resource://sessions/{begun.structured_content['session_id']}/generic/run_log?offset={offset}"
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
    assert refused.value.error.code == INVALID_PARAMS
    assert "offset" in refused.value.error.message


@pytest.mark.parametrize("era", ERAS)
async def test_every_resource_of_a_session_with_the_longest_texts_can_be_read_over_http(
    served: Served, era: Era
) -> None:
    async with served.client(era) as client:
        ids, long = dict[str, str](), " {lang}\n" * 24_000
        for number in range(3):
            query = {"query": f"{number}{long}", "text": long}
            begun = await client.call_tool("draft", ids | query)
            ids = {"session_id": begun.structured_content["session_id"]}
        await client.call_tool("critique", {**ids, "text": long, "evidence": long})
        listed = [found.uri_template for found in await client.list_resource_templates()]
        uris = [uri for uri in listed if "{sha256}" not in uri]  # a file has bytes, and a limit of its own
        assert len(uris) > 10
        for template in uris:
            uri = template.split("{?")[0].replace("{session_id}", ids["session_id"])
            uri = uri.replace("{companion_type}", "generic").replace("{slot}", "0")
            if not uri.endswith("penultimate_revision"):
                (content,) = await client.read_resource(uri)
                assert content.text, uri
                assert len(content.text.encode()) <= 100_000, uri
