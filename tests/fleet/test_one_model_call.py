"""Two processes that are asked for the same step pay the model once, also when one of them dies at it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessions.leases import SECONDS
from sessions.stores.sqlite.store import SQLiteStore
from tests.fleet.fleet import Fleet, fleet
from tests.provider import replies
from tests.provider.replies import Signal
from tests.provider.server import Provider
from tests.wire.processes import ERAS, Connection, Era, with_model

pytest_plugins = ("tests.provider.fixtures",)

WORDS = "Say who keeps the steps, and where."
TAKEN_OVER = "Say also who takes over."
REPLY_SECONDS = 45


@pytest.fixture
def running(tmp_path: Path, provider: Provider) -> Iterator[Fleet]:
    with fleet(tmp_path, f"sqlite:///{tmp_path / 'shared.db'}", 2, with_model(provider)) as running:
        yield running


class Ear:
    """Hears that a call is under way."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def hear(self, progress: float, total: float | None, message: str | None) -> None:
        del progress, total, message
        self.heard.set()

    async def waits(self, call: "asyncio.Task[Any]") -> None:
        """Wait until a call was told that it is waited for; one that is answered did not wait."""
        hearing = asyncio.create_task(self.heard.wait())
        await asyncio.wait({hearing, call}, return_when=asyncio.FIRST_COMPLETED)
        hearing.cancel()
        assert not call.done(), "it was answered without waiting"


async def begun(client: Connection) -> dict[str, str]:
    """Open a session whose next step is a critique."""
    given = {"query": "Who keeps it?", "text": "The store keeps every step. Nothing is lost."}
    return {"session_id": (await client.call_tool("draft", given)).structured_content["session_id"]}


async def critiques(running: Fleet, session_id: str) -> list[str]:
    store = SQLiteStore(Path(running.store.removeprefix("sqlite:///")))
    entries = await store.page(session_id)
    await store.close()
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert not [entry for entry in entries if entry.kind == "alternative"]
    return [entry.text for entry in entries if entry.kind == "critique"]


@pytest.mark.parametrize("era", ERAS[:1])
async def test_the_same_step_asked_of_two_processes_costs_one_model_call_and_both_are_answered(
    running: Fleet, provider: Provider, era: Era
) -> None:
    gate, ears = Signal(), (Ear(), Ear())
    provider.queue(replies.text(WORDS, pieces=9, gate=gate))
    one, other = running.processes
    async with one.client(era) as here, other.client(era) as there, asyncio.timeout(REPLY_SECONDS):
        ids = await begun(here)
        calls = [
            asyncio.create_task(client.call_tool("critique", ids, progress_handler=ear.hear))
            for client, ear in zip((here, there), ears, strict=True)
        ]
        for ear, call in zip(ears, calls, strict=True):
            await ear.waits(call)
        gate.set()
        bodies: list[dict[str, Any]] = [(await call).structured_content for call in calls]
    assert len(provider.exchanges) == 1
    assert [body["text"] for body in bodies] == [WORDS, WORDS]
    assert sorted(body.get("already_done", False) for body in bodies) == [False, True]
    assert not any("not_recorded" in body for body in bodies)
    assert await critiques(running, ids["session_id"]) == [WORDS]


@pytest.mark.parametrize("era", ERAS[:1])
async def test_a_process_killed_at_its_model_call_is_taken_over_from_within_the_reply_budget(
    running: Fleet, provider: Provider, era: Era
) -> None:
    provider.queue(replies.broken("hang_mid_stream"), TAKEN_OVER)
    one, other = running.processes
    async with other.client(era) as there, asyncio.timeout(REPLY_SECONDS):
        async with one.client(era) as here:
            ids = await begun(here)
            dying = asyncio.create_task(here.call_tool("critique", ids, raise_on_error=False))
            await provider.asked(1)
            ear = Ear()
            call = asyncio.create_task(there.call_tool("critique", ids, progress_handler=ear.hear))
            await ear.waits(call)
            assert len(provider.exchanges) == 1
            began = asyncio.get_running_loop().time()
            await asyncio.to_thread(one.kill)
            await asyncio.wait({dying})
        body: dict[str, Any] = (await call).structured_content
        waited = asyncio.get_running_loop().time() - began
    assert dying.cancelled() or dying.exception() is not None or dying.result().is_error
    assert len(provider.exchanges) == 2
    assert (body["status"], body["text"]) == ("done", TAKEN_OVER)
    assert waited < SECONDS + 5
    assert await critiques(running, ids["session_id"]) == [TAKEN_OVER]
