"""The page's data without a browser: what each address gives, what it refuses, and in which words."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from pages.changes import Changes
from pages.files import DOCUMENT, FILES, FOLDER
from sessions.news import Change, mark_of
from sessions.news_exchange import NewsExchange
from sessions.stores.memory.store import MemoryStore
from tests.pages.asking import SHOWING, inspecting
from tests.sessions.faults import OWNER, Fault, Process

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore())
    yield made
    await made.calls.close()


@pytest.fixture
async def client(process: Process) -> AsyncIterator[httpx.AsyncClient]:
    async with inspecting(process) as client:
        yield client


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def session(process: Process, query: str = "Why?") -> str:
    return (await process.step("draft", query=query, text="So.")).session_id


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/static/start.js", "/data/sessions", "/data/sessions/none"])
async def test_every_answer_says_what_the_page_may_load_and_where_it_may_stand(
    client: httpx.AsyncClient, path: str
) -> None:
    headers = (await client.get(path)).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-store" if path.startswith("/data") else "no-cache")


@pytest.mark.parametrize(
    "path", ["/static/nothing.js", "/static/..%2Fpage.py", "/static/%2e%2e/data.py", "/pages/page.py"]
)
async def test_only_the_listed_files_are_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


def test_every_file_of_the_page_is_listed_and_every_listed_one_is_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*FILES, DOCUMENT}


def test_no_script_parses_markup_or_runs_a_text() -> None:
    banned = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function")
    for path in FOLDER.glob("*.js"):
        assert not [word for word in banned if word in path.read_text()], path.name


async def test_a_file_that_did_not_change_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/static/start.js")
    again = await client.get("/static/start.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_changed(client: httpx.AsyncClient, process: Process, method: str) -> None:
    session_id = await session(process)
    assert (await client.request(method, f"/data/sessions/{session_id}")).status_code == 405


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer x", "Basic YTpi", f"{SHOWING['Authorization']}x"])
async def test_the_inspector_takes_no_token_but_its_own(client: httpx.AsyncClient, shown: str) -> None:
    answer = await client.get("/data/sessions", headers={"Authorization": shown})
    assert answer.status_code == 401
    assert answer.json()["error"]["what"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("sessions/{id}/generic/steps?slot=7", 400),
        ("sessions/{id}/generic/steps?slot=99999999999999999", 400),
        ("sessions/{id}/generic/steps?before=-1", 400),
        ("sessions/{id}/generic/steps?before=9999999999999999999999", 400),
        ("sessions/{id}/generic/entries/1", 400),
        ("sessions/{id}/generic/entries/77", 400),
        ("sessions/{id}/generic/entries/x", 400),
        ("sessions/{id}/generic/versions?before=0&after=5", 400),
        ("sessions/{id}/marketing/steps", 404),
        ("sessions/{id}/%3Cscript%3E/convergence", 404),
        ("sessions/nobody", 404),
        ("changes/nobody?seen=1", 404),
        ("patterns/nothing", 404),
    ],
)
async def test_what_is_not_there_is_refused_in_a_sentence(
    client: httpx.AsyncClient, process: Process, path: str, status: int
) -> None:
    answer = await client.get(f"/data/{path.format(id=await session(process))}")
    assert answer.status_code == status
    assert answer.json()["error"]["what"].endswith(".")


async def test_a_store_that_is_away_is_said_to_be_and_a_fault_of_ours_is_not_told(
    client: httpx.AsyncClient, process: Process
) -> None:
    process.store.breaks("list", Fault(RuntimeError("secret")))
    broken = await client.get("/data/sessions")
    process.store.away = True
    away = await client.get("/data/sessions")
    assert (broken.status_code, broken.json()["error"]["code"]) == (500, "failed")
    assert "secret" not in broken.text
    assert (away.status_code, away.json()["error"]["code"]) == (503, "store_away")


async def test_a_list_is_read_by_pages_that_hold_every_session_once(
    client: httpx.AsyncClient, process: Process
) -> None:
    made = {await session(process, f"Question {number}") for number in range(49)} | {await session(process, "Zebras")}
    first = (await client.get("/data/sessions")).json()
    second = (await client.get(f"/data/sessions?offset={first['next_offset']}")).json()
    listed = [each["session_id"] for each in first["sessions"] + second["sessions"]]
    assert (len(first["sessions"]), second["next_offset"]) == (40, None)
    assert sorted(listed) == sorted(made)
    found = (await client.get("/data/sessions?search=zebras")).json()
    assert [each["title"] for each in found["sessions"]] == ["Zebras"]
    searched = [(await client.get(f"/data/sessions?search=so&offset={offset}")).json() for offset in (0, 40)]
    assert sorted(each["session_id"] for body in searched for each in body["sessions"]) == sorted(made)


async def test_a_wait_ends_when_something_is_written_and_not_before(process: Process) -> None:
    news = NewsExchange()
    process.calls.desk.sessions.observing.add("news", news)
    async with inspecting(process, news) as client:
        session_id = await session(process)
        seen = (await client.get(f"/data/changes/{session_id}")).json()["seen"]
        listed = (await client.get("/data/changes")).json()["seen"]
        waits = [
            asyncio.create_task(client.get(f"/data/changes/{session_id}?seen={seen}")),
            asyncio.create_task(client.get("/data/changes", params={"seen": listed})),
        ]
        done, _ = await asyncio.wait(waits, timeout=0.2)
        assert not done
        news.hear(Change(owner=mark_of(OWNER), session_id=session_id, what="entry"))  # nothing was written
        done, _ = await asyncio.wait(waits, timeout=0.2)
        assert not done
        await process.step("critique", session_id, text="Is it so?")
        async with asyncio.timeout(20):
            assert (await waits[0]).json()["seen"] > seen
            assert (await waits[1]).json()["seen"] != listed


async def test_waits_are_answered_when_the_program_ends(process: Process) -> None:
    changes = Changes(process.calls.desk.sessions, NewsExchange())
    session_id = await session(process)
    seen = await changes.of_session(OWNER, session_id, 0, forever)
    wait = asyncio.create_task(changes.of_session(OWNER, session_id, seen, forever))
    await asyncio.wait([wait], timeout=0.1)
    assert not wait.done()
    changes.close()
    async with asyncio.timeout(20):
        assert await wait == seen


async def test_a_wait_ends_when_its_page_has_gone(process: Process) -> None:
    changes = Changes(process.calls.desk.sessions, NewsExchange())
    session_id = await session(process)
    left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    seen = await changes.of_session(OWNER, session_id, 0, forever)
    wait = asyncio.create_task(changes.of_session(OWNER, session_id, seen, lambda: left))
    await asyncio.wait([wait], timeout=0.1)
    assert not wait.done()
    left.set_result(None)
    async with asyncio.timeout(20):
        assert await wait == seen
