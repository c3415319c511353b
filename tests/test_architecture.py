import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import architecture
from tests.architecture import SourceFile

ROOT = Path(__file__).parents[1]
FILES = architecture.source_files(ROOT)

Rule = Callable[[SourceFile], Iterator[str]]

# For each rule: sources that break it, and close ones that do not, each with the place where it would stand.
CASES: dict[Rule, tuple[list[tuple[str, str]], list[tuple[str, str]]]] = {
    architecture.imports_point_down: (
        [
            ("companions/x.py", "import sessions.steps"),
            ("companions/x.py", "from ..sessions import steps"),
            ("sessions/x.py", "from tools import draft"),
            ("tools/x.py", "from resources.phase import phase"),
            ("tools/x.py", "def f():\n    import terminal"),
            ("pages/x.py", "import importlib\nimportlib.import_module('tools')"),
            ("terminal/x.py", "from server import main"),
            ("sessions/x.py", "from tests.provider import provider"),
        ],
        [
            ("sessions/stores/x.py", "from ..steps import step\nfrom . import y\nimport companions"),
            ("tools/x.py", "from sessions import steps\nfrom tools import replies"),
            ("server.py", "from tools import draft\nfrom terminal import app"),
            ("tests/x.py", "from server import main"),
        ],
    ),
    architecture.layers_stay_clean: (
        [
            ("companions/x.py", "import fastmcp"),
            ("companions/x.py", "from sqlalchemy.ext import asyncio"),
            ("companions/x.py", "from starlette.requests import Request"),
            ("companions/x.py", "import sqlite3"),
            ("companions/x.py", "def f():\n    from redis import asyncio"),
            ("companions/x.py", "if TYPE_CHECKING:\n    import asyncpg"),
            ("sessions/x.py", "from mcp.types import Tool"),
            ("sessions/x.py", "import fastmcp"),
        ],
        [("sessions/x.py", "import sqlite3"), ("tools/x.py", "import fastmcp"), ("companions/x.py", "import json")],
    ),
    architecture.only_the_server_reads_the_environment: (
        [
            ("companions/x.py", "import os\nkey = os.environ['KEY']"),
            ("sessions/x.py", "import os\ndef f():\n    return os.getenv('KEY')"),
            ("terminal/x.py", "from os import environ"),
            ("tools/x.py", "from pydantic_settings import BaseSettings"),
        ],
        [("server.py", "import os\nkey = os.environ['KEY']"), ("tools/x.py", "import os\nos.getpid()")],
    ),
    architecture.modules_are_small: (
        [("tools/x.py", "x = 1\n" * 251), ("tests/x.py", "x = 1\n" * 251), ("benchmarks/x.py", "\n" * 251)],
        [("tools/x.py", "x = 1\n" * 250)],
    ),
    architecture.functions_are_short: (
        [
            ("tools/x.py", "def f():\n" + "    x = 1\n" * 50),
            ("tools/x.py", "class C:\n    async def f():\n" + "        x = 1\n" * 50),
        ],
        [("tools/x.py", "def f():\n" + "    x = 1\n" * 49)],
    ),
    architecture.names_say_something: (
        [("tools/utils.py", ""), ("sessions/core/x.py", ""), ("tests/helpers.py", ""), ("companions/manager.py", "")],
        [("tools/draft.py", "")],
    ),
    architecture.no_import_of_ours_is_hidden: (
        [
            ("tools/x.py", "def f():\n    from tools import y"),
            ("tools/x.py", "if True:\n    from tools import y"),
            ("tools/x.py", "try:\n    import sessions\nexcept ImportError:\n    pass"),
            ("tools/x.py", "def f():\n    return import_module('sessions.steps')"),
            ("tools/x.py", "import importlib\nsteps = importlib.import_module('.steps', 'sessions')"),
            ("tools/x.py", "def f(name):\n    return importlib.import_module(name)"),
            ("tools/x.py", "def __getattr__(name):\n    import sessions"),
            ("server.py", "def main():\n    import sessions"),
            ("server.py", "class C:\n    def __getattr__(self, name):\n        import sessions"),
            ("tests/x.py", "def test():\n    from tests import provider"),
        ],
        [
            ("tools/x.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sessions import steps"),
            ("server.py", "def __getattr__(name):\n    from tools import wiring\n    return wiring"),
            ("companions/__init__.py", "def __getattr__(name):\n    return import_module('.runnables', __name__)"),
            ("tools/x.py", "def f():\n    import json"),
            ("tests/x.py", "def f(name):\n    return import_module(name)"),
        ],
    ),
    architecture.heavy_imports_are_deferred_in_one_place: (
        [
            ("tools/x.py", "def f():\n    import langchain_openai"),
            ("companions/offline.py", "def f():\n    import langchain_openai"),
            ("sessions/x.py", "try:\n    import orjson\nexcept ImportError:\n    orjson = None"),
        ],
        [
            ("companions/offline.py", "def f():\n    import proselint\n    import json"),
            ("companions/openai_line.py", "async def f():\n    from langchain_openai import ChatOpenAI"),
            ("tests/x.py", "def f():\n    import langgraph"),
        ],
    ),
    architecture.fastmcp_is_used_through_its_public_face: (
        [
            ("server.py", "low = mcp._mcp_server"),
            ("tools/x.py", "low = getattr(mcp, '_mcp_server')"),
            ("resources/x.py", "import fastmcp\nconnection = ctx.session._connection"),
            ("tools/x.py", "from fastmcp.server._base import x"),
            ("tools/x.py", "from mcp.types import _Tool"),
        ],
        [
            (architecture.FASTMCP_ADAPTER, "low = mcp._mcp_server"),
            ("tools/x.py", "import fastmcp\nclass C:\n    def f(self):\n        return self._connection.__class__"),
            ("sessions/x.py", "entry._replace(seq=1)"),
        ],
    ),
}
RULES = pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.__name__)


@RULES
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    assert [f"{file.path}: {complaint}" for file in FILES for complaint in rule(file)] == []


@RULES
def test_a_breach_of_the_rule_is_reported(rule: Rule) -> None:
    breaches, _ = CASES[rule]
    unseen = [(path, text) for path, text in breaches if not list(rule(SourceFile(path=path, text=text)))]
    assert unseen == []


@RULES
def test_what_the_rule_allows_is_not_reported(rule: Rule) -> None:
    _, allowed = CASES[rule]
    reported = [(path, text, list(rule(SourceFile(path=path, text=text)))) for path, text in allowed]
    assert reported == [(path, text, []) for path, text in allowed]


def test_every_file_of_ours_is_judged() -> None:
    judged = {file.path for file in FILES}
    assert {"server.py", "companions/entries.py", "sessions/store.py", "tests/test_architecture.py"} <= judged
    unknown = {
        path.parent.name if path.parent != ROOT else path.stem
        for path in [*ROOT.glob("*.py"), *ROOT.glob("[!.]*/*.py")]
    }
    assert unknown - architecture.OURS == set()


def test_files_are_found_at_every_depth(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("")
    (tmp_path / "sessions" / "stores").mkdir(parents=True)
    (tmp_path / "sessions" / "stores" / "x.py").write_text("import redis")
    assert [file.path for file in architecture.source_files(tmp_path)] == ["server.py", "sessions/stores/x.py"]


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after a statement."""
    code = (
        f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        (
            "import companions, sessions",
            {"fastmcp", "mcp", "openai", "langchain_openai", "sqlalchemy", "redis", "asyncpg"},
        ),
        ("import companions", {"langchain_core", "proselint"}),
        ("import server", {"openai", "langchain_openai", "sqlalchemy", "redis", "asyncpg", "proselint", "google"}),
    ],
)
def test_an_import_brings_nothing_heavy(statement: str, heavy: set[str]) -> None:
    loaded = modules_after(statement)
    assert "json" in loaded
    assert loaded & heavy == set()


def test_the_look_at_loaded_modules_sees_what_is_loaded() -> None:
    assert {"fastmcp", "langchain_core"} <= modules_after("import fastmcp, langchain_core")
