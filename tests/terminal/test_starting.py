"""By which command a host starts an installation, for each way to have installed it."""

import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from companions.errors import CompanionsError
from terminal.starting import Location, Start, is_checkout, requirement_of, start_of, starts_companions

UV = Path("/opt/uv")
ROOT = Path(__file__).parents[2]


def located(program: Path, prefix: Path, uv: Path | None = UV) -> Start:
    return start_of(Location(program=program, prefix=prefix, python=Path("/py/bin/python"), uv=uv))


def installed(folder: Path, *extras: str, origin: str = "") -> PathDistribution:
    """Write what an installation says of itself."""
    information = folder / "persistent_companions-1.2.dist-info"
    information.mkdir()
    requirements = "".join(f"Requires-Dist: {extra}\n" for extra in extras)
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: persistent-companions\nVersion: 1.2\n{requirements}"
    )
    if origin:
        (information / "direct_url.json").write_text(origin)
    return PathDistribution(information)


def test_a_checkout_is_started_by_uv_from_any_folder() -> None:
    start = located(ROOT, Path(sys.prefix))

    assert start.command == "/opt/uv"
    assert start.arguments == ("run", "--no-dev", "--directory", str(ROOT), "companions", "serve")
    assert is_checkout(ROOT)


@pytest.mark.parametrize("script", ["bin/companions", "Scripts/companions.exe"])
def test_an_environment_of_its_own_is_started_by_its_script(tmp_path: Path, script: str) -> None:
    (tmp_path / script).parent.mkdir()
    (tmp_path / script).touch()

    start = located(tmp_path / "lib" / "site-packages", tmp_path)

    assert start == Start(command=str(tmp_path / script), arguments=("serve",))
    assert not is_checkout(tmp_path)


@pytest.mark.parametrize("folder", ["archive-v0/x1", "environments-v2/companions-1"])
def test_what_uvx_made_is_started_by_uv_which_may_have_deleted_it_by_then(tmp_path: Path, folder: str) -> None:
    start = located(tmp_path, tmp_path / folder)

    assert start.command == "/opt/uv"
    assert start.arguments[:3] == ("tool", "run", "--from")
    assert start.arguments[3].startswith("persistent-companions")
    assert start.arguments[4:] == ("companions", "serve")
    assert start.from_index
    with pytest.raises(CompanionsError, match="uv itself is not on the PATH"):
        located(tmp_path, tmp_path / folder, uv=None)


def test_without_uv_or_a_script_the_program_is_started_by_its_interpreter(tmp_path: Path) -> None:
    start = located(ROOT, tmp_path, uv=None)

    assert start == Start(command="/py/bin/python", arguments=(f"{ROOT}/server.py", "serve"))


def test_uv_s_own_word_of_where_it_is_comes_first(tmp_path: Path) -> None:
    (tmp_path / "uv").touch(mode=0o755)

    assert Location.of_process({"PATH": str(tmp_path)}).uv == tmp_path / "uv"
    assert Location.of_process({"PATH": str(tmp_path), "UV": "/opt/uv"}).uv == UV
    assert Location.of_process({"PATH": "/nowhere"}).uv is None


@pytest.mark.parametrize(
    ("extras", "origin", "requirement"),
    [
        ((), "", "persistent-companions==1.2"),
        (
            (
                'pytest>=1; extra == "a"',
                "pytest; extra == 'all'",
                "nowhere-at-all; extra == 'all'",
                "nowhere-at-all; extra == 'b'",
                "redis[hiredis]; extra == 'c'",
                "rich>=1",
            ),
            "",
            "persistent-companions[a]==1.2",
        ),
        ((), '{"url": "file:///src", "dir_info": {}}', "persistent-companions @ file:///src"),
        (
            (),
            '{"url": "https://h/r", "vcs_info": {"vcs": "git", "commit_id": "abc"}}',
            "persistent-companions @ git+https://h/r@abc",
        ),
    ],
)
def test_what_uvx_installed_is_named_with_its_extras_and_where_it_came_from(
    tmp_path: Path, extras: tuple[str, ...], origin: str, requirement: str
) -> None:
    assert requirement_of(installed(tmp_path, *extras, origin=origin)) == requirement


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("uv", ["run", "--no-dev", "--directory", "/elsewhere", "companions", "serve"]),
        ("C:\\tools\\uv.exe", ["tool", "run", "--from", "persistent-companions==1", "companions", "serve"]),
        ("C:\\venv\\Scripts\\companions.exe", ["serve"]),
        ("/home/me/.venv/bin/companions", ["serve"]),
        ("/usr/bin/python3", ["/src/server.py", "serve"]),
    ],
)
def test_an_entry_of_ours_is_known_wherever_it_starts_the_server_from(command: str, arguments: list[str]) -> None:
    assert starts_companions(command, arguments)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("npx", ["companions", "serve"]),
        ("docker", ["run", "-i", "persistent-companions", "serve"]),
        ("uv", ["tool", "run", "--from", "other", "companions", "serve"]),
        ("/bin/companions", ["inspect"]),
        ("/bin/other", ["serve"]),
        (None, ["serve"]),
        ("companions", "serve"),
    ],
)
def test_an_entry_that_somebody_else_wrote_is_not_taken_for_ours(command: object, arguments: object) -> None:
    assert not starts_companions(command, arguments)
