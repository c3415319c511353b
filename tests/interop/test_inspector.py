"""MCP Inspector's command line lists, calls and reads, over stdio and HTTP, in both protocol eras."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.interop.clients import ROOT, Clients, serving

pytestmark = pytest.mark.timeout(300)  # the first test installs the packages

DRAFT = 'Move the meeting to Friday, and say "why" in {one} line.\n\nÇa suffit.'
CRITIQUE = "It does not say at which hour."
TOOL_ERROR = 5


@dataclass(frozen=True, slots=True)
class Inspector:
    """The Inspector's command line, pointed at one of our servers."""

    clients: Clients
    target: tuple[str, ...]

    def run(self, method: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        common = [*self.target, "--format", "json", "--quiet", "--method", method]
        quiet = {"MCP_INSPECTOR_SECRET_STORE": "memory"}
        return self.clients.run("inspector", "--cli", *common, *arguments, environment=quiet)

    def ask(self, method: str, *arguments: str) -> dict[str, Any]:
        run = self.run(method, *arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        return json.loads(run.stdout)["result"]

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        given = ("--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return self.ask("tools/call", *given)["structuredContent"]


@pytest.fixture(params=[("stdio", "modern"), ("http", "legacy")], ids="-".join)
def inspector(request: pytest.FixtureRequest, clients: Clients, tmp_path: Path) -> Iterator[Inspector]:
    kind, era = request.param
    store = tmp_path / "sessions.db"
    if kind == "http":
        with serving(["server.py", "serve", "--http", "--port"], store, tmp_path / "log") as url:
            yield Inspector(clients, ("--server-url", url, "--transport", "http", "--protocol-era", era))
        return
    settings = {"COMPANIONS_STORE": f"sqlite:///{store}"}
    entry = {"command": sys.executable, "args": [str(ROOT / "server.py")], "env": settings}
    config = tmp_path / "hosts.json"
    config.write_text(json.dumps({"mcpServers": {"companions": entry}}))
    yield Inspector(clients, ("--config", str(config), "--server", "companions", "--protocol-era", era))


def test_the_inspector_lists_tools_without_a_complaint_and_works_a_session_through(inspector: Inspector) -> None:
    with ThreadPoolExecutor(4) as at_once:
        strict = at_once.submit(inspector.run, "tools/list", "--strict")
        opened = inspector.call("draft", query="When do we meet?", text=DRAFT)
        session = opened["session_id"]
        critique = inspector.call("critique", session_id=session, text=CRITIQUE)
        asked = inspector.call("revise", session_id=session)

    assert (strict.result().returncode, strict.result().stderr) == (0, "")
    tools = json.loads(strict.result().stdout)["result"]["tools"]
    assert {"draft", "critique", "revise", "show_thinking", "list_sessions"} <= {tool["name"] for tool in tools}
    assert (opened["status"], opened["phase"], opened["next"]["tool"]) == ("done", "critique", "critique")
    assert (critique["status"], critique["phase"], critique["next"]["tool"]) == ("done", "revise", "revise")
    assert asked["status"] == "write"
    assert [text for text in (DRAFT, CRITIQUE) if text not in asked["instructions"]["user"]] == []


# Over HTTP alone: over stdio each of the Inspector's runs would start a server too.
@pytest.mark.parametrize("inspector", [("http", "legacy")], ids="-".join, indirect=True)
def test_the_inspector_finds_and_reads_a_session_and_tells_a_refusal(inspector: Inspector) -> None:
    session = inspector.call("draft", query="When do we meet?", text=DRAFT)["session_id"]
    base = f"resource://sessions/{session}/generic"
    with ThreadPoolExecutor(4) as at_once:
        found = at_once.submit(inspector.call, "list_sessions", search="meet")
        read = at_once.submit(inspector.ask, "resources/read", "--uri", f"{base}/answer")
        listed = at_once.submit(inspector.ask, "resources/list")
        refused = at_once.submit(inspector.run, "tools/call", "--tool-name", "critique", "--tool-arg", "session_id=x")

    assert [known["session_id"] for known in found.result()["sessions"]] == [session]
    assert [content["text"] for content in read.result()["contents"]] == [DRAFT]
    assert f"{base}/answer" in {resource["uri"] for resource in listed.result()["resources"]}
    assert refused.result().returncode == TOOL_ERROR
    assert session in refused.result().stdout + refused.result().stderr
