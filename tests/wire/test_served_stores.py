"""Over stdio with a store that a server keeps: a loop that a restart breaks into, and a store that is away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.fixtures import server_folder
from tests.servers.redis_server import RedisServer
from tests.sessions.writing import log_of
from tests.terminal.commands import Terminal
from tests.wire.processes import Connection, Era, Stdio
from tests.wire.raw_stdio import RawHost, raw_host
from tests.wire.reading import part, resource, run_log

QUERY = "Wohin mit {allem}? 漢字 🧠"
TEXTS = ("Ein Entwurf: %s", 'Zu "kurz".', "Ein längerer Entwurf: {0}", "Immer noch {kurz}.", "Der längste Entwurf.")
STEPS = ("draft", "critique", "revise", "critique", "revise")
KEPT = "this is kept on the server's own disk"
NOWHERE = {"postgres": "postgresql://me@127.0.0.1:9/db", "redis": "redis://127.0.0.1:9/0"}
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of a kind."""
    return request.getfixturevalue(f"{request.param}_server").url("loop")


async def tells_all(client: Connection, session_id: str, done: int) -> None:
    """Look at a session from every side."""
    found = await run_log(client, session_id)
    shown = [text.text for text in (*found["draft"], *found["critique"], *found["revision"])]
    assert shown == [TEXTS[place] for place in (0, 1, 3, 2, 4) if place < done]
    newest = TEXTS[done - 1 if done % 2 else done - 2]
    assert (await part(client, session_id, "answer"))["text"] == newest
    (listed,) = (await client.call_tool("list_sessions", {})).structured_content["sessions"]
    assert (listed["session_id"], listed["title"]) == (session_id, QUERY)
    assert (await client.call_tool("list_sessions", {"search": "wohin"})).structured_content["sessions"] == [listed]
    base = f"resource://sessions/{session_id}/generic"
    assert newest in (await client.read_resource(f"{base}/answer"))[0].text
    assert (await resource(client, f"{base}/phase"))["critiques_count"] == done // 2
    assert session_id in (await client.read_resource("resource://sessions"))[0].text


@pytest.mark.parametrize(("url", "era"), [("postgres", "auto"), ("redis", "legacy")], indirect=["url"])
async def test_a_loop_goes_on_in_the_next_process_and_in_the_other_era(tmp_path: Path, url: str, era: Era) -> None:
    program = Stdio(folder=tmp_path, settings={"COMPANIONS_STORE": url})
    other: Era = "legacy" if era == "auto" else "auto"
    ids: dict[str, Any] = {"query": QUERY}
    lives: tuple[tuple[Era, tuple[int, ...], bool], ...] = (
        (era, (0, 1), False),
        (other, (2,), True),
        (era, (3, 4), False),
    )
    for era_now, places, killed in lives:
        async with program.client(era_now) as client:
            if places[0]:
                await tells_all(client, ids["session_id"], places[0])
            for place in places:
                done = (await client.call_tool(STEPS[place], {**ids, "text": TEXTS[place]})).structured_content
                assert (done["status"], done["iteration"]) == ("done", (place + 1) // 2)
                ids = {"session_id": done["session_id"]}
            if killed:
                program.kill()
            else:
                await tells_all(client, ids["session_id"], places[-1] + 1)
    assert "Traceback" not in (tmp_path / "stdio.log").read_text()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A server that its test stops."""
    with server_folder() as folder:
        made = RedisServer(folder)
        made.start()
        yield made
        made.stop()


@pytest.fixture
def doctor(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Stdio], Awaitable[str]]:
    """Let doctor look at what a program has, from another process than the program's; gives what it found."""

    async def doctor(program: Stdio) -> str:
        for name, value in (program.settings or {}).items():
            monkeypatch.setenv(name, value)
        with log_of("companions"):
            said = await asyncio.to_thread(Terminal(capsysbinary), "doctor")
        assert said.err == ""
        assert said.status == int(b"wrong " in said.out)
        return said.out.decode()

    return doctor


async def test_what_a_killed_process_kept_is_named_by_doctor_and_taken_home_by_the_next(
    server: RedisServer, tmp_path: Path, doctor: Callable[[Stdio], Awaitable[str]]
) -> None:
    spool = tmp_path / "spool"
    settings = {"COMPANIONS_STORE": await asyncio.to_thread(server.url, "orphans"), "COMPANIONS_SPOOL": str(spool)}
    program = Stdio(folder=tmp_path, settings=settings)
    async with program.client("auto") as client:
        begun = (await client.call_tool("draft", {"query": QUERY, "text": TEXTS[0]})).structured_content
        await asyncio.to_thread(server.stop)
        ids = {"session_id": begun["session_id"]}
        kept = (await client.call_tool("critique", {**ids, "text": TEXTS[1]})).structured_content
        assert any(KEPT in said for said in kept["advice"])
        told = await doctor(program)
        assert "wrong  Store" in told
        assert "Spool " not in told  # its process lives
        program.kill()
    (file,) = spool.glob("*.db")
    told = await doctor(program)
    assert f"note   Spool {spool}: " in told
    assert f"wait for the store, in {file.name}." in told
    await asyncio.to_thread(server.start)
    told = await doctor(program)
    assert "wrong" not in told
    assert file.name in told
    async with program.client("legacy") as client:
        await tells_all(client, begun["session_id"], 2)
    assert list(spool.iterdir()) == []
    told = await doctor(program)
    assert "note" not in told
    assert ": 1 session, 4 entries, " in told  # its settings and query, the draft and the critique


async def everything_that_can_be_asked(host: RawHost) -> None:
    """Speak of what goes on, and of what is refused, while the store is away."""
    for what in ("tools/list", "prompts/list", "resources/templates/list"):
        await host.ask(what)
    begun = await host.done("draft", query=QUERY, text=TEXTS[0])
    for step, text in zip(STEPS[1:], TEXTS[1:], strict=True):
        done = await host.done(step, session_id=begun["session_id"], text=text)
        assert any(KEPT in said for said in done["advice"])
    assert (await host.call("list_sessions"))["result"]["isError"]
    assert (await host.call("critique", session_id="nobodys", text="Nothing."))["result"]["isError"]
    assert "error" not in await host.send("resources/list"), "what does not depend on the store is listed"
    assert "error" in await host.send("resources/read", uri="resource://sessions")
    assert "error" in await host.send("resources/read", uri="resource://sessions/nobodys/generic/answer")


@pytest.mark.parametrize(("kind", "era"), [("postgres", "auto"), ("redis", "legacy")])
async def test_with_its_store_away_a_process_writes_nothing_but_json_rpc_to_stdout_and_ends_in_order(
    tmp_path: Path, kind: str, era: Era
) -> None:
    settings = {"COMPANIONS_STORE": NOWHERE[kind], "COMPANIONS_SPOOL": str(tmp_path / "spool")}
    async with raw_host(tmp_path, era, {**settings, "COMPANIONS_LOG_LEVEL": "DEBUG"}) as host:
        await host.begin()
        await everything_that_can_be_asked(host)
    assert len(host.lines) >= 12
    assert host.process.returncode == 0
    log = host.log.read_text()
    assert "the store is away" in log
    assert "Traceback" not in log
    (file,) = (tmp_path / "spool").glob("*.db")
    assert file.stat().st_size
