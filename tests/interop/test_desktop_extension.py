"""The Claude Desktop extension: what it holds, and that a host can check, unpack, configure and start it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from deploy.desktop_extension import ASKED, NEEDED, contents, listed_tools, pack
from server import VARIABLES
from terminal.options import SECRET
from tests.interop.clients import Clients

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WHEEL = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]

pytestmark = pytest.mark.timeout(300)  # the first test installs the packages


@dataclass(frozen=True, slots=True)
class Host:
    """A host: it unpacks extensions and starts them, by the packer's own code."""

    clients: Clients

    def packer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.clients.run("mcpb", *arguments, environment={})

    def configured(self, place: Path, answers: dict[str, str]) -> dict[str, Any]:
        """Give command, arguments and environment of an extension that lies in a place."""
        asked = {"manifest": manifest(place), "extensionPath": str(place), "userConfig": answers}
        run = self.clients.run("configure", str(self.clients.folder), environment={}, given=json.dumps(asked))
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)


@pytest.fixture(scope="module")
def host(clients: Clients) -> Host:
    return Host(clients)


@pytest.fixture(scope="module")
def tools() -> list[dict[str, str]]:
    return listed_tools()


@pytest.fixture(scope="module")
def bundle(tools: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(contents(tools), tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(bundle: Path, host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as the packer's own tool unpacks it."""
    folder = tmp_path_factory.mktemp("unpacked")
    run = host.packer("unpack", str(bundle), str(folder))
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def names(file: Path) -> set[str]:
    with ZipFile(file) as archive:
        return set(archive.namelist())


def test_the_extension_holds_what_the_wheel_does_what_installs_it_and_a_manifest(bundle: Path) -> None:
    held = names(bundle)

    assert {name.split("/")[0] for name in held} == {"manifest.json", *NEEDED, *WHEEL}
    assert not {name for name in held if "__pycache__" in name or name.startswith("tests")}
    with ZipFile(bundle) as archive:
        assert archive.read("uv.lock") == (ROOT / "uv.lock").read_bytes()


def test_packing_the_same_files_again_makes_the_same_bytes(
    bundle: Path, tools: list[dict[str, str]], tmp_path: Path
) -> None:
    again = pack(contents(tools), tmp_path)

    assert again.name == f"persistent-companions-{PROJECT['project']['version']}.mcpb"
    assert again.read_bytes() == bundle.read_bytes()


def test_the_packer_finds_the_manifest_valid_and_packs_the_same_files(
    unpacked: Path, bundle: Path, host: Host, tmp_path: Path
) -> None:
    packed = host.packer("pack", str(unpacked), str(tmp_path / "theirs.mcpb"))  # it validates first

    assert packed.returncode == 0, packed.stdout + packed.stderr
    assert names(tmp_path / "theirs.mcpb") == names(bundle)


def test_the_packer_refuses_a_manifest_with_an_unknown_kind_of_server(host: Host, tmp_path: Path) -> None:
    made = json.loads(contents([])["manifest.json"])
    broken = made | {"server": made["server"] | {"type": "snake"}}
    (tmp_path / "manifest.json").write_text(json.dumps(broken))

    assert host.packer("validate", str(tmp_path / "manifest.json")).returncode != 0


def test_what_a_user_is_asked_are_settings_and_secrets_are_marked() -> None:
    assert set(ASKED) <= set(VARIABLES.values())
    assert {name for name, question in ASKED.items() if question.get("sensitive")} == SECRET & set(ASKED)


@pytest.fixture
def started(unpacked: Path, host: Host, tmp_path: Path) -> dict[str, Any]:
    """What a host starts whose user has named a folder."""
    place = shutil.copytree(unpacked, tmp_path / "an extension")
    borrow_packages(place)
    return host.configured(place, {"companions_folder": str(tmp_path / "kept here")})


async def test_unpacked_it_answers_a_host_that_passes_on_home_and_path_alone(
    started: dict[str, Any], tools: list[dict[str, str]], tmp_path: Path
) -> None:
    # Packages come from this environment, so that none is downloaded: uv is told that all are installed.
    environment = {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"], "UV_NO_SYNC": "1", **started["env"]}
    transport = StdioTransport(
        started["command"], started["args"], env=environment, cwd=str(tmp_path), keep_alive=False
    )

    assert started["args"][:3] == ["run", "--directory", str(tmp_path / "an extension")]
    client: Any = Client(transport)
    async with client:
        assert {tool.name for tool in await client.list_tools()} == {tool["name"] for tool in tools}
        await client.call_tool("draft", {"query": "Kept?", "text": "Yes."})
    assert (tmp_path / "kept here" / "sessions.db").is_file()


def test_a_user_who_answers_nothing_sets_nothing(unpacked: Path, host: Host) -> None:
    assert host.configured(unpacked, {})["env"] == dict.fromkeys(ASKED, "")


def borrow_packages(project: Path) -> None:
    """Install a project into a ``.venv`` of its own that finds all other packages in this environment."""
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv
    place = project / ".venv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"])
    build = [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--python", str(place / "bin" / "python"), str(project)], check=True)
