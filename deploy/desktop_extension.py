"""The Claude Desktop extension: ``python -m deploy.desktop_extension`` writes it to ``dist``.

It decides what the extension holds, what it asks its user for and how a host starts it. Installing is the host's work:
it unpacks the file, has uv bring the packages that the lock file names, and passes the answers as settings.
"""

import argparse
import asyncio
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import server

ROOT = Path(__file__).resolve().parents[1]
MANIFEST_VERSION = "0.4"
NEEDED = (".python-version", "LICENSE", "README.md", "pyproject.toml", "uv.lock")
"""Beside our packages, what uv needs to install them."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""As zip files have it: the same files make the same bytes, whenever they are packed."""
COMMAND = {
    "command": "uv",
    "args": ["run", "--directory", "${__dirname}", "--frozen", "--no-dev", "companions", "serve"],
}
ASKED: dict[str, dict[str, Any]] = {
    "COMPANIONS_MODEL": {
        "type": "string",
        "title": "Who writes",
        "description": 'Empty or "host": the model that you chat with; with a key, empty is OpenAI\'s gpt-5-mini. '
        '"offline": a rule-based editor. "openai:NAME": a model by its name, asked with the key below.',
    },
    "OPENAI_API_KEY": {
        "type": "string",
        "title": "API key",
        "description": "Only for models of OpenAI, or of whoever speaks its protocol at the address below.",
        "sensitive": True,
    },
    "OPENAI_BASE_URL": {
        "type": "string",
        "title": "Address of the model's server",
        "description": "Only for a server other than OpenAI's, such as http://localhost:11434/v1.",
    },
    "COMPANIONS_FOLDER": {
        "type": "directory",
        "title": "Folder of the sessions",
        "description": "Empty: the user's data folder, which other hosts on this machine share.",
    },
}
"""What the user may answer, by the setting that the answer is passed as. Unanswered ones are passed empty: not set."""


def manifest(project: dict[str, Any], tools: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Give the manifest.

    Args:
        project: The table of that name in ``pyproject.toml``.
        tools: Each with its name and what it does.
    """
    asked = {name.lower(): {**question, "required": False, "default": ""} for name, question in ASKED.items()}
    return {
        "manifest_version": MANIFEST_VERSION,
        "name": project["name"],
        "display_name": "Persistent Companions",
        "version": project["version"],
        "description": project["description"],
        "author": project["authors"][0],
        "license": project["license"],
        "keywords": project["keywords"],
        "server": {
            "type": "uv",
            "entry_point": "server.py",
            "mcp_config": {**COMMAND, "env": {name: f"${{user_config.{name.lower()}}}" for name in ASKED}},
        },
        "tools": list(tools),
        "prompts_generated": True,
        "user_config": asked,
        "compatibility": {
            "platforms": ["darwin", "linux"],
            "runtimes": {"python": project["requires-python"]},
        },
    }


def listed_tools() -> list[dict[str, str]]:
    """Tell what a single user's server offers, each tool with the first line of its description."""
    tools = asyncio.run(server.Wired.of(server.Settings(store="memory://")).server().list_tools())
    return [{"name": tool.name, "description": (tool.description or "").split("\n")[0]} for tool in tools]


def contents(tools: Sequence[dict[str, str]]) -> dict[str, bytes]:
    """Give each file of the extension by its place in it: what the wheel holds, what installs it, the manifest."""
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())
    ours = configured["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    files = [path for name in (*NEEDED, *ours) for path in [ROOT / name, *sorted((ROOT / name).rglob("*"))]]
    held = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in files
        if path.is_file() and path.suffix != ".pyc"
    }
    made = json.dumps(manifest(configured["project"], tools), indent=2, ensure_ascii=False)
    return {"manifest.json": f"{made}\n".encode(), **held}


def pack(held: dict[str, bytes], folder: Path) -> Path:
    """Write the extension into a folder; gives its path."""
    named = json.loads(held["manifest.json"])
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{named['name']}-{named['version']}.mcpb"
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in held.items():
            archive.writestr(ZipInfo(name, EARLIEST), content, ZIP_DEFLATED)
    return file


def main() -> None:
    """Build it."""
    parser = argparse.ArgumentParser(description="Build the Claude Desktop extension.")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist", help="where it is written (dist)")
    file = pack(contents(listed_tools()), parser.parse_args().folder)
    print(f"{file} ({file.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
