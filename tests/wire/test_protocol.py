"""What goes over the wire: JSON-RPC and nothing else, little of it, and whole texts in pages."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import pytest_asyncio

from sessions.reading import Part
from tests.wire.processes import ERAS, Era
from tests.wire.raw_stdio import JSON, RawHost, raw_host

BROKEN_FILE = "---\nname: broken\ndescription: [\n---\n## Draft\n"
LONG = 'Ein Absatz über {Gedächtnis}: "gesagt", 漢字, 🧠.\n\nDann \\ noch\teiner.\n\n' * 2_200
"""Just under 200 kB, in paragraphs."""
HOSTILE = {
    "quotes": '"\\' * 100_000,
    "controls": "\x01\x02\x1f\x7f" * 50_000,
    "one line": "x" * 200_000,
}

PARTS = get_args(Part)


def characters(value: Any) -> int:
    """Count the characters of a value as it stands on the wire."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def channels(answer: dict[str, Any]) -> tuple[int, int]:
    """Measure an answer's two channels, in bytes: the structured content as JSON, and the text."""
    result = answer["result"]
    structured = json.dumps(result["structuredContent"], ensure_ascii=False, separators=(",", ":"))
    return len(structured.encode()), sum(len(block["text"].encode()) for block in result["content"])


async def a_session_of_every_kind_of_call(host: RawHost) -> None:
    """Speak of everything that a server has, errors included."""
    await host.ask("tools/list")
    await host.ask("prompts/list")
    await host.ask("resources/list")
    await host.ask("resources/templates/list")
    session_id = (await host.done("draft", query="What is {this}?", text="A draft."))["session_id"]
    assert (await host.call("critique", session_id="nobody's"))["result"]["isError"]
    assert (await host.call("nothing"))["result"]["isError"]
    assert "error" in await host.send("resources/read", uri="resource://sessions/nobody")
    await host.ask("resources/read", uri="resource://companions")
    offline = {"execution_mode": "offline"}
    critique = await host.done("critique", session_id=session_id, sampling=offline)
    assert critique["status"] == "done"


# Trap 2: anything printed at the start breaks stdio. Trap 3: no key, no start.
@pytest.mark.parametrize(
    ("condition", "era"),
    [*(("usual", era) for era in ERAS), ("broken companion file and no HOME", "auto"), ("DEBUG", "legacy")],
)
async def test_nothing_but_json_rpc_is_written_to_stdout_from_a_cold_start_on(
    tmp_path: Path, era: Era, condition: str
) -> None:
    settings = {"DEBUG": {"COMPANIONS_LOG_LEVEL": "DEBUG"}}.get(condition, {})
    without: tuple[str, ...] = ()
    if "broken" in condition:
        settings, without = {"COMPANIONS_LIBRARY": str(tmp_path)}, ("HOME",)
        (tmp_path / "broken.md").write_text(BROKEN_FILE)
    async with raw_host(tmp_path, era, settings, without=without) as host:
        await host.begin()
        await a_session_of_every_kind_of_call(host)
    assert len(host.lines) >= 11
    assert host.process.returncode == 0
    log = host.log.read_text()
    assert "Traceback" not in log
    assert ("DEBUG" in log) == (condition == "DEBUG")


@dataclass(frozen=True, slots=True)
class Begun:
    """A host that has shaken hands, and what the server said of itself."""

    host: RawHost
    about: JSON


@pytest_asyncio.fixture(params=ERAS, scope="module", loop_scope="module")
async def begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Begun]:
    """One process for all tests that mind nobody else's sessions."""
    async with raw_host(tmp_path_factory.mktemp("stdio"), request.param) as host:
        yield Begun(host, await host.begin())


# Trap 1: the shipped entry point listed no tools at all.
@pytest.mark.asyncio(loop_scope="module")
async def test_tools_and_instructions_are_few_words_and_declare_no_output(begun: Begun) -> None:
    host, about = begun.host, begun.about
    listing = await host.ask("tools/list")
    tools = {tool["name"]: tool for tool in listing["tools"]}
    assert {"draft", "critique", "revise", "show_thinking", "list_sessions"} <= set(tools)
    assert characters(listing) < 12_000
    assert sum(characters(tools[name]) for name in ("draft", "critique", "revise")) < 6_000
    assert len(about["instructions"]) < 800
    for name, tool in tools.items():
        assert tool["description"].strip(), name
        assert "outputSchema" not in tool
        assert "session_id" in tool["inputSchema"]["properties"] or name == "list_sessions"
        for argument, schema in tool["inputSchema"]["properties"].items():
            assert schema.get("type") != "object", f"{name}.{argument} is not flat"


async def whole(host: RawHost, session_id: str, first: dict[str, Any], key: str) -> str:
    """Read a text on until its end, each page within its limits."""
    text: str = first[key]
    page = first
    while more := page.get("more"):
        given = {name: value for name, value in more.items() if value is not None}
        answer = await host.call("show_thinking", session_id=session_id, **given)
        assert max(channels(answer)) <= 100_000
        page = answer["result"]["structuredContent"]
        text += page[key if key in page else "text"]
    return text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_long_text_comes_in_pages_that_put_together_are_it_byte_for_byte(begun: Begun) -> None:
    host = begun.host
    asked = await host.call("draft", query=LONG)
    assert max(channels(asked)) <= 100_000
    told = asked["result"]["structuredContent"]
    session_id, prompt = told["session_id"], told["instructions"]
    assert LONG in await whole(host, session_id, {"user": prompt["user"], "more": told["more"]}, "user")
    for step, key, part in (("draft", "text", "answer"), ("critique", "critique", "latest_critique")):
        done = await host.call(step, session_id=session_id, text=LONG)
        assert max(channels(done)) <= 1_600
        again = await host.call(step, session_id=session_id)
        assert max(channels(again)) <= 100_000
        repeated = again["result"]["structuredContent"]
        assert repeated["already_done"] is True
        assert (await whole(host, session_id, repeated, "text")).startswith(LONG)
        first = await host.call("show_thinking", session_id=session_id, part=part)
        assert max(channels(first)) <= 100_000
        assert await whole(host, session_id, first["result"]["structuredContent"], key) == LONG


async def pages(host: RawHost, session_id: str, part: str) -> tuple[int, int]:
    """Measure the largest page of a part, in both channels."""
    sizes: list[tuple[int, int]] = []
    offset: int | None = 0
    while offset is not None:
        answer = await host.call("show_thinking", session_id=session_id, part=part, offset=offset)
        sizes.append(channels(answer))
        assert len(sizes) < 200
        page: dict[str, Any] = answer["result"]["structuredContent"]
        offset = page.get("next_offset") if part == "run_log" else page.get("more", {"offset": None})["offset"]
    return max(sizes)


@pytest.mark.parametrize("begun", ["auto"], indirect=True)
@pytest.mark.asyncio(loop_scope="module")
async def test_no_part_outgrows_its_channel_whatever_the_texts_are_made_of(begun: Begun) -> None:
    host, too_large = begun.host, dict[str, tuple[int, int]]()
    for name, text in HOSTILE.items():
        asked = await host.call("draft", query=text, text=text)
        session_id = asked["result"]["structuredContent"]["session_id"]
        for step in ("critique", "revise", "critique", "revise", "critique"):
            await host.done(
                step, session_id=session_id, text=text, **({"evidence": text} if step == "critique" else {})
            )
        sizes = {part: await pages(host, session_id, part) for part in PARTS}
        sizes |= {"draft": channels(asked), "list_sessions": channels(await host.call("list_sessions"))}
        sizes["critique"] = channels(await host.call("critique", session_id=session_id))
        too_large |= {f"{part} of {name}": size for part, size in sizes.items() if max(size) > 100_000}
    assert too_large == {}
