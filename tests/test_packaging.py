import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
DISTRIBUTION = "persistent-companions"
TOP_LEVEL = {"server.py", "companions", "sessions", "tools", "resources", "middleware", "terminal", "pages"}
OURS = {name for name in TOP_LEVEL if (ROOT / name).exists()}
COMPANION_TYPES = ["bug_triage", "generic", "guide", "marketing", "strategy"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the environment's own hatchling, so that no build environment is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone into a folder away from the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv, "The tests install the wheel with uv. Run them by `uv run pytest`."
    install = [uv, "pip", "install", "--offline", "--no-deps", "--python", sys.executable, "--target", str(folder)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return folder


def run_installed(code: str, installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code with our modules from the installation and all others from this environment, but not its .pth files.

    ``-S`` leaves the checkout out, which an editable installation brings in through such a file.
    """
    path = f"import sys; sys.path += {[str(installed), sysconfig.get_path('purelib')]!r}\n"
    command = [sys.executable, "-I", "-S", "-c", path + code, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_wheel_holds_our_top_level_names_and_no_others(wheel: Path) -> None:
    names = {PurePosixPath(name).parts[0] for name in ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == OURS
    assert {"server.py", "companions", "sessions", "tools", "resources", "middleware", "terminal"} <= OURS


def test_the_wheel_holds_every_file_of_our_packages_byte_for_byte(wheel: Path) -> None:
    files = [ROOT / "server.py", *(path for name in OURS for path in (ROOT / name).rglob("*") if path.is_file())]
    expected = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in files if path.suffix != ".pyc"}
    with ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    assert held.keys() == expected.keys()
    assert held == expected


def test_the_wheel_carries_its_license(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (license_file,) = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert archive.read(license_file).startswith(b"MIT License")


@pytest.mark.parametrize("name", COMPANION_TYPES)
def test_a_companion_file_is_readable_from_the_wheel_and_its_installation(
    name: str, wheel: Path, installed: Path
) -> None:
    place = f"companions/library/{name}.md"
    with ZipFile(wheel) as archive:
        text = archive.read(place).decode()
    assert text.startswith("---\n")
    assert (installed / place).read_text() == text


def owners_of_our_names(distributions: Iterable[metadata.Distribution]) -> dict[str, set[str]]:
    """Return which distributions other than ours install a top-level module or package of one of our names."""
    ours = {name.removesuffix(".py") for name in TOP_LEVEL}
    owners: dict[str, set[str]] = {}
    for distribution in distributions:
        tops = {file.parts[0].removesuffix(".py") for file in distribution.files or []}
        if distribution.name != DISTRIBUTION and tops & ours:
            owners[distribution.name] = tops & ours
    return owners


def test_no_dependency_owns_one_of_our_names() -> None:
    distributions = list(metadata.distributions())
    assert {"fastmcp", DISTRIBUTION} <= {distribution.name for distribution in distributions}
    assert owners_of_our_names(distributions) == {}


@pytest.mark.parametrize("file", ["server.py", "tools/x.py", "sessions.py"])
def test_an_intruder_would_be_named(file: str, tmp_path: Path) -> None:
    information = tmp_path / "intruder-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: intruder\nVersion: 1.0\n")
    (information / "RECORD").write_text(f"{file},,\n")
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    assert owners_of_our_names(metadata.distributions(path=[str(tmp_path)])) == {
        "intruder": {PurePosixPath(file).parts[0].removesuffix(".py")}
    }


def test_both_console_scripts_start_the_servers_main(installed: Path) -> None:
    (distribution,) = metadata.distributions(path=[str(installed)])
    scripts = {script.name: script.value for script in distribution.entry_points.select(group="console_scripts")}
    assert scripts == {"companions": "server:main", DISTRIBUTION: "server:main"}
    assert all((installed / "bin" / name).is_file() for name in scripts)


def test_the_installation_is_whole_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = f"""
import importlib, json
from companions.companion_types import Library
files = [importlib.import_module(name).__file__ for name in {sorted(name.removesuffix(".py") for name in OURS)!r}]
print(json.dumps({{"files": files, "types": sorted(kind.name for kind in Library.load(None).types), "path": sys.path}}))
"""
    run = run_installed(code, installed, tmp_path)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert len(told["files"]) == len(OURS)
    assert all(Path(file).is_relative_to(installed) for file in told["files"])
    assert not any(Path(entry).is_relative_to(ROOT) for entry in told["path"] if "site-packages" not in entry)
    assert told["types"] == COMPANION_TYPES


def test_the_command_line_starts_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = f"""
from importlib.metadata import distribution
(script,) = [script for script in distribution("{DISTRIBUTION}").entry_points if script.name == "companions"]
sys.exit(script.load()())
"""
    run = run_installed(code, installed, tmp_path, "--help")
    assert run.returncode == 0, run.stderr
    assert "serve" in run.stdout
