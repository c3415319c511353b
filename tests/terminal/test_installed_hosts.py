"""What ``install`` writes is started and spoken to as hosts do: with HOME and PATH, and from another folder."""

import asyncio
import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from terminal.hosts import HOSTS
from tests.terminal.commands import Terminal


@pytest.mark.parametrize(("host", "load"), [("claude-desktop", json.loads), ("codex", tomllib.loads)])
def test_a_host_starts_what_was_installed(
    host: str, load: Callable[[str], Any], terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "configuration"
    library = tmp_path / "types"
    library.mkdir()
    (library / "mine.md").write_text("---\nname: mine\n---\n\n# Draft\n\nWrite.\n")
    # The environment is synced, and other tests run in it.
    words = ["--env", "UV_NO_SYNC=1", "--env", f"COMPANIONS_LIBRARY={library}", "--env", "COMPANIONS_MODEL=offline"]
    assert terminal("install", host, "--config", str(file), *words).status == 0
    entry = load(file.read_text())[HOSTS[host].section]["companions"]
    given = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]} | entry["env"]

    transport = StdioTransport(
        entry["command"], entry["args"], env=given, cwd="/", keep_alive=False, log_file=tmp_path / "log"
    )
    answer, types = asyncio.run(spoken(transport))

    assert answer["session_id"]
    assert "mine" in types
    assert [*tmp_path.rglob("sessions.db")]


async def spoken(transport: StdioTransport) -> tuple[dict[str, Any], str]:
    """Speak as a host does; gives the answer to a first draft, and the companion types that the server has."""
    async with Client(transport) as client:
        assert {tool.name for tool in await client.list_tools()} >= {"draft", "critique", "revise"}
        answer = await client.call_tool("draft", {"query": "Why?", "text": "Because."})
        types = await client.read_resource("resource://companions")
    assert answer.structured_content is not None
    return answer.structured_content, str(types)
