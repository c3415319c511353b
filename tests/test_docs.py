"""What the documents say is true: commands run, settings, tools and addresses exist, and none is left out."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from fastmcp import FastMCP

import server
from terminal.hosts import HOSTS
from terminal.options import described
from tests.provider.server import KEY, Provider
from tests.terminal.commands import Terminal

pytest_plugins = ("tests.provider.fixtures",)

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
INSTALLING = (ROOT / "docs" / "installing.md").read_text()
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
PLACE = "/path/to/persistent-companions"
SERVE = ["uv", "run", "--no-dev", "--directory", PLACE, "companions", "serve"]


@pytest.fixture
def mcp() -> FastMCP:
    """A server that tells callers apart: it has every tool."""
    tokens = json.dumps({"a token": {"client_id": "me", "sub": "ann", "scopes": ["write"]}})
    return server.Wired.of(server.Settings(store="memory://", auth_tokens=tokens)).server()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=80, check=False
    )


@pytest.fixture
def terminal(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The console script's own function in this process, on a store of the test's own."""
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{tmp_path / 'sessions.db'}")
    return Terminal(capsysbinary)


def told(terminal: Terminal, *words: str) -> str:
    """Run a command that must succeed, and give its standard output."""
    said = terminal(*words)
    assert said.status == 0, said.err
    return said.out.decode()


def test_every_setting_is_in_the_readme_and_nothing_else_is() -> None:
    named = set(re.findall(r"^\| `([A-Z]+_[A-Z_]+)`", README, re.MULTILINE))

    assert named == {line.split()[0] for line in described(server.VARIABLES)}


async def test_every_tool_is_in_the_readme_and_the_reference(mcp: FastMCP) -> None:
    listed = {tool.name for tool in await mcp.list_tools()}

    assert set(re.findall(r"^\| `([a-z_]+)` \|", README, re.MULTILINE)) == listed
    assert listed <= set(re.findall(r"`([a-z_]+)\(", REFERENCE))


async def test_the_reference_names_each_argument_of_each_tool(mcp: FastMCP) -> None:
    for tool in await mcp.list_tools():
        said = re.search(rf"`{tool.name}\(([^)]*)\)`", REFERENCE)

        assert said is not None
        assert said[1].split(", ") == list(tool.parameters["properties"])


async def test_every_resource_is_in_the_reference(mcp: FastMCP) -> None:
    served = {str(resource.uri) for resource in await mcp.list_resources()}
    served |= {template.uri_template.removesuffix("{?offset}") for template in await mcp.list_resource_templates()}

    assert set(re.findall(r"^\| `((?:resource|ui)://[^`]+)`", REFERENCE, re.MULTILINE)) == served


def test_every_linked_file_exists() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_host_block_starts_what_install_writes(terminal: Terminal) -> None:
    (desktop,) = (json.loads(block)["mcpServers"]["companions"] for block in blocks("json"))
    (codex,) = (tomllib.loads(block)["mcp_servers"]["companions"] for block in blocks("toml"))
    (inspected,) = [shlex.split(block) for block in blocks("sh") if PLACE in block]
    adding = [shlex.split(line) for line in INSTALLING.splitlines() if " mcp add " in line]
    written = json.loads(told(terminal, "install", "claude-desktop", "--print"))["mcpServers"]["companions"]

    assert ["uv", *written["args"]] == [part.replace(PLACE, str(ROOT)) for part in SERVE]
    for command in ([desktop["command"], *desktop["args"]], [codex["command"], *codex["args"]]):
        assert command == SERVE
    assert [command[-len(SERVE) :] for command in (inspected, *adding)] == [SERVE] * 4
    assert {command[0] for command in adding} == {"claude", "codex", "gemini"}


def test_every_host_is_in_the_documents() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", INSTALLING, re.MULTILINE)) == set(HOSTS)
    for host in HOSTS.values():
        assert f"`{host.name}`" in README.replace("companions install claude-desktop", "`claude-desktop`")
        assert f"`{host.section}`" in INSTALLING


def test_the_first_command_ends_with_an_answer_and_a_session(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANIONS_STORE")
    first = shlex.split(blocks("sh")[0])
    done = run([*first[:2], "--no-sync", *first[2:]])
    memo = (ROOT / "examples" / "memo.md").read_text()

    assert done.returncode == 0, done.stderr
    session = re.search(r"\b[a-z0-9]{20}\b", done.stderr)
    assert session is not None
    assert done.stdout.strip() != memo.strip()
    (store,) = Path.home().rglob("sessions.db")
    monkeypatch.setenv("COMPANIONS_STORE", f"sqlite:///{store}")
    assert memo.strip() in told(terminal, "show", session[0])


def test_the_terminal_s_commands_run(
    provider: Provider, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # a report is a file
    (commands,) = [block.splitlines() for block in blocks("sh") if "companions sessions" in block]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    session = ""
    for command in commands:
        said = told(terminal, *shlex.split(command.replace("ID", session))[1:], *_answers(command))
        if command.startswith("companions refine"):
            (listed,) = terminal.json("sessions", "--json")["sessions"]
            session = listed["session_id"]
        assert said.strip() or command.split()[1] in {"title", "pin", "forget"}

    assert provider.bodies
    left = [known["session_id"] for known in terminal.json("sessions", "--json")["sessions"]]
    assert len(left) == 1  # the fork outlives what it was forked from
    assert session not in left


def test_the_python_example_runs(provider: Provider) -> None:
    (example,) = blocks("python")
    done = run([sys.executable, "-c", example], OPENAI_API_KEY=KEY, OPENAI_BASE_URL=provider.url)

    assert done.returncode == 0, done.stderr
    assert provider.bodies


@pytest.mark.parametrize("variable", ["COMPANIONS_LOG_LEVEL", "COMPANIONS_REPLY_SECONDS"])
def test_the_help_of_serve_lists_settings_with_their_defaults(variable: str, terminal: Terminal) -> None:
    said = told(terminal, "serve", "--help")
    default = server.Settings.model_fields[variable.removeprefix("COMPANIONS_").lower()].default

    assert re.search(rf"{variable}\n.*Default: {default}", said)


def _answers(command: str) -> list[str]:
    """Answer the question that a command asks where no person sits at a terminal."""
    return ["--yes"] if " forget " in command else []
