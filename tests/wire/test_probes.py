"""Probes of the server's own application, on every kind of store: how it is looked at, and how often."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

import server
from companions.errors import StoreAwayError
from resources.health import VERSIONS, Health
from sessions.spool.spool import Spool
from sessions.stores.memory.store import MemoryStore
from sessions.stores.postgres import schema as postgres_schema
from sessions.stores.redis import scripts as redis_scripts
from sessions.stores.sqlite import schema as sqlite_schema
from tests.pages.asking import application, asked
from tests.servers.fixtures import server_folder
from tests.servers.redis_server import RedisServer
from tests.sessions.faults import Fault, Process

SCHEMAS = {
    "sqlite": sqlite_schema.VERSION,
    "postgresql": postgres_schema.VERSION,
    "redis": redis_scripts.VERSION,
    "memory": None,
}
BACK_SECONDS = 30.0
LOOK_SECONDS = 0.05


def made(url: str, folder: Path) -> Starlette:
    return application(server.Wired.of(server.Settings(store=url, spool=folder / "spool", model="host")))


@pytest.fixture(params=SCHEMAS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def app(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Starlette:
    """The application on each kind of store."""
    if kind == "postgresql":
        return made(request.getfixturevalue("postgres_url"), tmp_path)
    if kind == "redis":
        return made(request.getfixturevalue("redis_server").url("probes"), tmp_path)
    return made("memory://" if kind == "memory" else f"sqlite:///{tmp_path / 'sessions.db'}", tmp_path)


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    with server_folder() as folder:
        made = RedisServer(folder)
        made.start()
        yield made
        made.stop()


async def test_a_server_whose_store_answers_is_ready_and_tells_its_kind_and_versions(app: Starlette, kind: str) -> None:
    async with asked(app) as client:
        answer = await until(client, "ok")  # a driver may still be imported
        head, posted, live = (
            await client.head("/health"),
            await client.post("/health"),
            await client.get("/health/live"),
        )
    spool = {"entries": 0, "bytes": 0, "limit": 64_000_000, "oldest_seconds": None}
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "live": True,
        "ready": True,
        "store": {"kind": kind, "state": "ok"},
        **({} if kind == "memory" else {"spool": spool}),
        "versions": {**VERSIONS, "schema": SCHEMAS[kind]},
    }
    assert (head.status_code, head.content, posted.status_code) == (200, b"", 405)
    assert (live.status_code, live.json()) == (200, {"live": True})


async def test_a_server_whose_redis_is_stopped_takes_steps_and_says_so_until_it_is_back(
    own_redis: RedisServer, tmp_path: Path
) -> None:
    app = await asyncio.to_thread(made, own_redis.url("own"), tmp_path)
    async with asked(app) as client:
        await until(client, "ok")
        await asyncio.to_thread(own_redis.stop)
        told = await until(client, "degraded")
        assert (told.status_code, told.json()["ready"], told.json()["store"]["state"]) == (200, True, "away")
        assert told.json()["versions"]["schema"] == redis_scripts.VERSION
        await asyncio.to_thread(own_redis.start)
        assert (await until(client, "ok")).json()["store"]["state"] == "ok"


async def until(client: httpx.AsyncClient, status: str) -> httpx.Response:
    """Ask until this is the status."""
    async with asyncio.timeout(BACK_SECONDS):
        while (told := await client.get("/health")).json()["status"] != status:  # noqa: ASYNC110 (as a probe does)
            await asyncio.sleep(LOOK_SECONDS)
        return told


async def test_many_probes_make_one_look_and_what_it_saw_is_remembered_for_a_moment() -> None:
    process = Process.on(MemoryStore())
    health = Health(process.calls.desk.sessions, "memory")
    gate = process.store.holds("head")
    process.store.breaks("head", None, *[Fault(StoreAwayError("Away.", "Wait."))] * 2)
    health.looks.remembered_seconds = 60
    first = [asyncio.create_task(health.told()) for _ in range(20)]
    await gate.reached.wait()
    gate.open()
    told = await asyncio.gather(*first) + [await health.told() for _ in range(20)]
    assert {each["status"] for each in told} == {"ok"}
    assert len(process.store.faults["head"]) == 2  # one look was made
    health.looks.remembered_seconds = 0
    process.store.away = True
    assert (await health.told())["status"] == "failing"
    await process.calls.close()


@pytest.mark.parametrize(("spooled", "status"), [(True, "degraded"), (False, "failing")])
async def test_a_store_that_does_not_answer_in_time_is_away_and_is_not_asked_again_meanwhile(
    spooled: bool, status: str, tmp_path: Path
) -> None:
    process = Process.on(MemoryStore(), spool=Spool(tmp_path, "nowhere", limit=1_000) if spooled else None)
    health = Health(process.calls.desk.sessions, "memory")
    looks = health.looks
    looks.remembered_seconds = 0
    assert (await health.told())["status"] == "ok"
    gate, looks.wait_seconds = process.store.holds("head"), 0.2
    asks = list[bool]()
    for _ in range(2):
        told = await health.told()
        assert (told["status"], told["ready"], told["store"]["state"]) == (status, spooled, "away")
        asks.append(gate.reached.is_set())
        gate.reached.clear()
    assert asks == [True, False]
    gate.open()
    looks.wait_seconds = 30
    assert (await health.told())["status"] == "ok"
    await process.calls.close()


async def test_a_server_that_is_told_to_end_is_not_ready_from_that_moment_and_asks_nothing_more() -> None:
    process = Process.on(MemoryStore())
    health = Health(process.calls.desk.sessions, "memory")
    process.store.holds("head")
    waiting = asyncio.create_task(health.told())
    await process.store.gates["head"].reached.wait()
    health.close()
    for told in (await waiting, await health.told()):
        assert (told["status"], told["live"], told["ready"]) == ("failing", True, False)
        assert told["reason"] == "The program is ending."
    process.store.gates["head"].open()
    health.open()
    assert (await health.told())["ready"] is True
    await process.calls.close()


async def test_a_server_is_not_ready_before_its_store_can_be_asked() -> None:
    process = Process.on(MemoryStore())
    health = Health(process.calls.desk.sessions, "memory")
    gate, health.looks.wait_seconds = process.store.holds("load"), 0.05
    told = await health.told()
    assert (told["ready"], told["store"]["state"], told["reason"]) == (False, "starting", "The program is starting.")
    gate.open()
    health.looks.wait_seconds = 30
    assert (await health.told())["ready"] is True
    await process.calls.close()
