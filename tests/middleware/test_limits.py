"""Limits hold before anything is done: so many calls of one owner at once, and so much in one call."""

import asyncio

import pytest
from fastmcp import Client, FastMCP

from middleware.errors import Errors
from middleware.limits import Limits


class Slow:
    """A server whose one tool waits until it is let go."""

    def __init__(self, *, at_once: int, characters: int) -> None:
        self.owner = "ann"
        self.begun = asyncio.Semaphore(0)
        self.go = asyncio.Event()
        limits = Limits(owner=lambda: self.owner, at_once=at_once, characters=characters)
        self.mcp = FastMCP("slow", middleware=[Errors(self._newest), limits])
        self.mcp.tool(self.wait)

    async def wait(self, text: str) -> str:
        self.begun.release()
        await self.go.wait()
        return text

    async def _newest(self) -> str:
        return ""


@pytest.fixture
async def slow() -> Slow:
    return Slow(at_once=2, characters=100)


async def test_one_owner_s_calls_are_bounded_and_another_s_are_not_kept_waiting(slow: Slow) -> None:
    async with Client(slow.mcp) as client, asyncio.TaskGroup() as calls:
        for _ in range(2):
            calls.create_task(client.call_tool("wait", {"text": "x"}))
            await slow.begun.acquire()
        refused = await client.call_tool("wait", {"text": "x"}, raise_on_error=False)
        slow.owner = "bob"
        calls.create_task(client.call_tool("wait", {"text": "x"}))
        await slow.begun.acquire()
        slow.go.set()

    assert refused.is_error
    assert "2 calls of yours are under way" in str(refused.content)


async def test_a_place_is_free_again_when_its_call_has_ended(slow: Slow) -> None:
    slow.go.set()
    async with Client(slow.mcp) as client:
        for _ in range(5):
            assert not (await client.call_tool("wait", {"text": "x"})).is_error


async def test_a_call_that_carries_too_much_is_refused_before_it_begins(slow: Slow) -> None:
    async with Client(slow.mcp) as client:
        refused = await client.call_tool("wait", {"text": "x" * 101}, raise_on_error=False)

    assert refused.is_error
    assert "101 characters; the limit is 100" in str(refused.content)
    assert slow.begun.locked()
