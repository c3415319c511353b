"""Whatever goes wrong is told in our words, also where no tool and no resource is asked."""

import pytest
from fastmcp import Client, FastMCP
from mcp import MCPError

import server
from sessions.sessions import Sessions
from sessions.store import Head
from tests.sessions.writing import log_of

LIBRARY_TEXT = "a library's own words, with /a/path"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> FastMCP:
    async def fails(*_: object, **__: object) -> list[Head]:
        raise RuntimeError(LIBRARY_TEXT)

    monkeypatch.setattr(Sessions, "list", fails)
    return server.Wired.of(server.Settings(store="memory://")).server()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_listing_that_fails_tells_nothing_of_a_library(broken: FastMCP, mode: str) -> None:
    with log_of("companions.errors") as said, log_of("fastmcp"):
        async with Client(broken, mode=mode) as client:
            with pytest.raises(MCPError) as told:
                await client.list_resources()

    assert LIBRARY_TEXT not in str(told.value)
    assert "failed unexpectedly" in str(told.value)
    assert said == ["resources/list failed unexpectedly"]
