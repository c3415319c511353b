"""The command by which a host starts this very installation: absolute, since hosts have a short PATH.

It looks at where the program lies and starts nothing. A checkout is started by ``uv run``, which keeps its environment
up to date; an environment of its own (``uv tool install``, ``pipx``, a virtual environment) by its console script; one
that ``uvx`` made by ``uv tool run``, since uv may delete it at any time.
"""

import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from json import loads
from pathlib import Path
from typing import Any, cast

from companions.errors import CompanionsError
from terminal.arguments import DISTRIBUTION

HOME = Path(__file__).resolve().parents[1]
"""The folder that ``server.py`` lies in."""
SCRIPT = "companions"
SERVE = ("companions", "serve")
PASSING = {"archive-v0", "environments-v2"}
"""Folders of uv's cache in which it keeps environments of ``uvx`` and of scripts."""
_EXTRA = re.compile(r"""^([A-Za-z0-9._-]+).*\bextra\s*==\s*["']([A-Za-z0-9._-]+)["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A command.

    Attributes:
        command: The program, an absolute path.
        arguments: What it is given.
        from_index: Whether a package index may be asked at each start.
    """

    command: str
    arguments: tuple[str, ...]
    from_index: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where this process runs.

    Attributes:
        program: The folder that ``server.py`` lies in.
        prefix: The environment's folder.
        python: Its interpreter.
        uv: The program ``uv``, if there is one.
    """

    program: Path
    prefix: Path
    python: Path
    uv: Path | None

    @classmethod
    def of_process(cls, environment: Mapping[str, str]) -> "Location":
        """Look around.

        Args:
            environment: ``uv`` names itself there to what it runs, as ``UV``.
        """
        uv = environment.get("UV") or shutil.which("uv", path=environment.get("PATH"))
        return cls(
            program=HOME,
            prefix=Path(sys.prefix),
            python=Path(sys.executable),
            uv=Path(uv).absolute() if uv else None,
        )


def start_of(place: Location) -> Start:
    """Say how this installation is started.

    Raises:
        CompanionsError: It lies in uv's cache, and uv itself is not found.
    """
    if place.uv is not None and is_checkout(place.program):
        folder = str(place.program)
        return Start(command=str(place.uv), arguments=("run", "--no-dev", "--directory", folder, *SERVE))
    if PASSING & set(place.prefix.parts):
        if place.uv is None:
            raise CompanionsError(
                "This runs from uv's cache, and uv itself is not on the PATH.",
                "Put uv there, or install by `uv tool install`.",
            )
        known = _distribution()
        arguments = ("tool", "run", "--from", "" if known is None else requirement_of(known), *SERVE)
        return Start(command=str(place.uv), arguments=arguments, from_index=True)
    for folder in ("bin", "Scripts"):
        for name in (SCRIPT, f"{SCRIPT}.exe"):
            if (script := place.prefix / folder / name).is_file():
                return Start(command=str(script), arguments=SERVE[1:])
    return Start(command=str(place.python), arguments=(str(place.program / "server.py"), *SERVE[1:]))


def starts_companions(command: object, arguments: object) -> bool:
    """Say whether a command in a configuration is one of the above, wherever it starts the server from."""
    if not isinstance(command, str) or not isinstance(arguments, list):
        return False
    match cast("list[object]", arguments):
        case ["run", "--no-dev", "--directory", _, *served] if served == [*SERVE]:
            return True
        case ["tool", "run", "--from", str(required), *served] if served == [*SERVE]:
            return required.startswith(DISTRIBUTION)
        case ["serve"]:
            return re.split(r"[/\\]", command)[-1].removesuffix(".exe") in {SCRIPT, DISTRIBUTION}
        case [str(program), "serve"]:
            return re.split(r"[/\\]", program)[-1] == "server.py"
        case _:
            return False


def is_checkout(folder: Path) -> bool:
    """Say whether a folder is one of the project's sources."""
    try:
        return f'name = "{DISTRIBUTION}"' in (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def requirement_of(known: Distribution) -> str:
    """Name an installed distribution as it was asked for: with the extras that are there, and from where it came."""
    extras = ",".join(sorted(_extras(known)))
    name = f"{DISTRIBUTION}[{extras}]" if extras else DISTRIBUTION
    origin: dict[str, Any] = loads(known.read_text("direct_url.json") or "{}")
    if "url" not in origin:
        return f"{name}=={known.version}"
    version_control = origin.get("vcs_info", {})
    scheme = f"{version_control['vcs']}+" if "vcs" in version_control else ""
    commit = f"@{version_control['commit_id']}" if "commit_id" in version_control else ""
    return f"{name} @ {scheme}{origin['url']}{commit}"


def _extras(known: Distribution) -> Iterator[str]:
    """Name the extras of which everything is there."""
    wanted = dict[str, list[str]]()
    for required in known.requires or ():
        found = _EXTRA.match(required)
        # One that asks for an extra of another distribution does not show whether that extra is there.
        if found is not None and "[" not in required.partition(";")[0]:
            wanted.setdefault(found[2], []).append(found[1])
    yield from (extra for extra, names in wanted.items() if all(map(_is_installed, names)))


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _distribution() -> Distribution | None:
    try:
        return distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return None
