"""The files of a deployment as values: what the image is told, what Kubernetes is, and settings files.

It reads; what must stand in them is the tests' work.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = ROOT / "examples" / "settings"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile.

    Attributes:
        name: Such as ``COPY``.
        rest: All behind it, on one line.
    """

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.rest)


def instructions(text: str) -> list[list[Instruction]]:
    """Give a Dockerfile's stages, each with its instructions from ``FROM`` on; what precedes them is left out."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = [line for line in kept.replace("\\\n", " ").splitlines() if line.strip()]
    stages: list[list[Instruction]] = []
    for line in lines:
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(Instruction(name, re.sub(r"\s+", " ", rest.strip())))
    return stages


def named(stage: list[Instruction], name: str) -> list[Instruction]:
    """Give a stage's instructions of one name."""
    return [instruction for instruction in stage if instruction.name == name]


def manifests() -> dict[str, dict[str, Any]]:
    """Give what Kubernetes is told, by its kind."""
    found = [*yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())]
    kinds = {str(manifest["kind"]): manifest for manifest in found}
    assert len(kinds) == len(found)
    return kinds


def compose() -> dict[str, Any]:
    """Give what compose is told."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def settings(name: str) -> dict[str, str]:
    """Read a settings file as Docker, systemd and uv read it: names and values without quotes, and comments."""
    lines = (SETTINGS / f"{name}.env").read_text().splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    assert all(mark and not set(value) & set("\"'\\$` ") for _, mark, value in pairs)
    return {key: value for key, _, value in pairs}
