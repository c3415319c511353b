"""``fastmcp.json`` and ``server.json``: what FastMCP starts, and what the MCP registry is told."""

import json
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.utilities.mcp_server_config import MCPServerConfig

from server import VARIABLES
from terminal.options import SECRET
from tests.deploy.files import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENTRY = json.loads((ROOT / "server.json").read_text())
(PACKAGE,) = ENTRY["packages"]


async def test_fastmcp_run_in_the_checkout_starts_the_server_of_its_entry(tmp_path: Path) -> None:
    fastmcp, host = Path(sys.executable).parent / "fastmcp", {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    # In this environment: the entry's own is the next test's.
    words = ["run", "--no-banner", "--skip-env"]
    client: Any = Client(StdioTransport(str(fastmcp), words, env=host, cwd=str(ROOT), keep_alive=False))

    async with client:
        assert {tool.name for tool in await client.list_tools()} >= {"draft", "critique", "revise"}


def test_fastmcp_runs_its_entry_in_the_project_s_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    entry = MCPServerConfig.from_file(Path("fastmcp.json"))

    assert entry.environment.build_command(["fastmcp"]) == ["uv", "run", "--project", str(ROOT), "fastmcp"]


def test_fastmcp_s_entry_is_one_that_it_knows_in_all_parts() -> None:
    text = (ROOT / "fastmcp.json").read_text()
    read = MCPServerConfig.model_validate_json(text).model_dump(mode="json", by_alias=True, exclude_unset=True)

    assert read == json.loads(text)


def test_the_registry_s_entry_has_the_project_s_name_and_version_and_a_name_that_the_readme_confirms() -> None:
    assert (PACKAGE["registryType"], PACKAGE["identifier"]) == ("pypi", PROJECT["name"])
    assert PACKAGE["version"] == ENTRY["version"] == PROJECT["version"]
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", ENTRY["name"])
    assert len(ENTRY["description"]) <= 100
    assert f"<!-- mcp-name: {ENTRY['name']} -->" in (ROOT / PROJECT["readme"]).read_text()


def test_the_registry_s_entry_names_settings_and_marks_secrets() -> None:
    named = {variable["name"]: variable.get("isSecret", False) for variable in PACKAGE["environmentVariables"]}

    assert set(named) <= set(VARIABLES.values())
    # An address of a store may hold a password, though it is shown without it where it is shown.
    assert {name for name, secret in named.items() if secret} == (SECRET & set(named)) | {"COMPANIONS_STORE"}
    assert all(variable["description"] for variable in PACKAGE["environmentVariables"])


def test_the_registry_s_command_is_one_of_ours() -> None:
    (argument,) = PACKAGE["packageArguments"]

    assert argument == {"type": "positional", "value": "serve"}
    assert PACKAGE["identifier"] in PROJECT["scripts"]  # `uvx NAME serve`
