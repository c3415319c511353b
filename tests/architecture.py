"""The rules of the house as functions from one source file to its complaints.

It reads text only and imports nothing of ours; ``test_architecture.py`` applies it to the tree and tests each rule.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from sys import stdlib_module_names

SURFACES = {"tools", "resources", "middleware", "terminal", "pages"}
MAY_IMPORT = {
    "companions": {"companions"},
    "sessions": {"companions", "sessions"},
    **{surface: {"companions", "sessions", surface} for surface in SURFACES},
    "server": {"companions", "sessions", *SURFACES},
}
SHIPPED = set(MAY_IMPORT)
OURS = SHIPPED | {"tests", "benchmarks", "docs", "deploy", "examples"}

PROTOCOL = {"fastmcp", "mcp", "mcp_types"}
STORES = {"aiosqlite", "asyncpg", "redis", "sqlalchemy", "sqlite3"}
FOREIGN = {"companions": PROTOCOL | STORES | {"starlette", "uvicorn"}, "sessions": PROTOCOL}

BANNED_NAMES = {"common", "core", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
BY_NAME = {"import_module", "__import__"}
MODULE_LINES = 250
FUNCTION_LINES = 50

# PEP 562: what these two names stand for is built on first use, so that ``import companions`` stays light and
# ``companions --help`` works in a broken environment.
LAZY_MODULES = {"companions/__init__.py", "server.py"}

# Third-party packages too heavy for a start, each deferred in the module that adapts it to us.
DEFERRED = {
    "companions/expressions.py": {"re2"},
    "companions/json_checks.py": {"jsonschema", "referencing"},
    "companions/anthropic_line.py": {"anthropic", "langchain_anthropic", "pydantic"},
    "companions/openai_line.py": {"langchain_openai", "openai"},
    "companions/google_line.py": {"google", "langchain_google_genai", "pydantic"},
    "companions/ollama_line.py": {"langchain_ollama", "ollama"},
    "companions/retrying_http.py": {"httpx"},
    "companions/offline.py": {"proselint"},
    "companions/untraced.py": {"langsmith"},
    "middleware/span_sending.py": {"opentelemetry"},
    "sessions/sealing/cipher.py": {"cryptography"},
    "sessions/stores/postgres/connections.py": {"asyncpg", "sqlalchemy"},
    "sessions/stores/redis/driver.py": {"redis"},
    "terminal/screen.py": {"rich"},
}

# The one module that may reach into FastMCP's private parts, which move with its minor releases.
FASTMCP_ADAPTER = "middleware/fastmcp_adapter.py"


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One Python file; without slots, since it keeps its parsed tree.

    Attributes:
        path: Relative to the checkout, with forward slashes.
        text: Its source.
    """

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the tree; to walk it anew for each rule would take seconds."""
        return [*ast.walk(self.tree)]

    @property
    def package(self) -> str:
        """The top-level name that it belongs to."""
        return PurePosixPath(self.path).parts[0].removesuffix(".py")

    def imports(self, node: ast.AST) -> set[str]:
        """Return the top-level names that an import statement, or a call that imports by name, brings in."""
        match node:
            case ast.Import(names=names):
                return {name.name.partition(".")[0] for name in names}
            case ast.ImportFrom(level=0, module=str(module)):
                return {module.partition(".")[0]}
            case ast.ImportFrom(level=level, module=module):
                around = PurePosixPath(self.path).parts[:-level]
                return {[*around, *(module or "").split(".")][0]}
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in BY_NAME:
                return self._imports_by_name(node.args)
            case _:
                return set()

    def _imports_by_name(self, arguments: list[ast.expr]) -> set[str]:
        match arguments:
            case [ast.Constant(value=str(name)), *_]:
                return {name.partition(".")[0] or self.package}
            case _:  # a computed name in shipped code is taken for one of ours: why else would it be hidden?
                return {self.package} & SHIPPED

    @cached_property
    def all_imports(self) -> set[str]:
        """The top-level names that it imports anywhere."""
        return set[str]().union(*map(self.imports, self.nodes))


def source_files(root: Path) -> list[SourceFile]:
    """Return every Python file of ours beneath the checkout."""
    found = [path for name in sorted(OURS) for path in [root / f"{name}.py", *sorted((root / name).rglob("*.py"))]]
    return [
        SourceFile(path=path.relative_to(root).as_posix(), text=path.read_text()) for path in found if path.exists()
    ]


def imports_point_down(file: SourceFile) -> Iterator[str]:
    """Lower layers know nothing of upper ones, surfaces nothing of each other, and nobody imports the server."""
    if file.package in SHIPPED:
        for name in sorted((file.all_imports & OURS) - MAY_IMPORT[file.package]):
            yield f"{file.package} imports {name}"


def layers_stay_clean(file: SourceFile) -> Iterator[str]:
    """The lower layers know no protocol, and ``companions`` no store."""
    for name in sorted(file.all_imports & FOREIGN.get(file.package, set())):
        yield f"{file.package} imports {name}"


def only_the_server_reads_the_environment(file: SourceFile) -> Iterator[str]:
    """Options flow down as arguments from the one place that reads them."""
    if file.package not in SHIPPED - {"server"}:
        return
    if "pydantic_settings" in file.all_imports:
        yield "imports pydantic_settings"
    for node in file.nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv" | "getenvb" as name):
                yield f"line {node.lineno} reads os.{name}"
            case ast.ImportFrom(module="os", names=names) if {name.name for name in names} & {"environ", "getenv"}:
                yield f"line {node.lineno} imports the environment from os"
            case _:
                pass


def modules_are_small(file: SourceFile) -> Iterator[str]:
    """A longer file is a room with too many things in it."""
    if (lines := len(file.text.splitlines())) > MODULE_LINES:
        yield f"{lines} lines, more than {MODULE_LINES}"


def functions_are_short(file: SourceFile) -> Iterator[str]:
    """Measured from ``def`` to the last line; ruff watches the branches."""
    for node in file.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{node.name} has {lines} lines, more than {FUNCTION_LINES}"


def names_say_something(file: SourceFile) -> Iterator[str]:
    """A name that fits everything attracts everything."""
    for part in PurePosixPath(file.path).parts:
        if part.removesuffix(".py") in BANNED_NAMES:
            yield f"is named {part}"


def deferred_imports(file: SourceFile) -> Iterator[tuple[ast.AST, set[str]]]:
    """Yield the imports in functions and under conditions, those for type checking and of PEP 562 apart."""
    seen: set[ast.AST] = set()
    for node in file.tree.body:
        match node:
            case ast.Import() | ast.ImportFrom():
                seen.add(node)
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body):
                seen.update(body)
            case ast.FunctionDef(name="__getattr__") if file.path in LAZY_MODULES:
                seen.update(ast.walk(node))
            case _:
                pass
    for node in file.nodes:
        if node not in seen and (names := file.imports(node)):
            yield node, names


def no_import_of_ours_is_hidden(file: SourceFile) -> Iterator[str]:
    """A hidden import hides a cycle."""
    for node, names in deferred_imports(file):
        for name in sorted(names & OURS):
            yield f"line {getattr(node, 'lineno', 0)} hides an import of {name}"


def heavy_imports_are_deferred_in_one_place(file: SourceFile) -> Iterator[str]:
    """A third-party import waits only where the list above says so; ruff asks a reason for the standard library's."""
    if file.package in SHIPPED:
        for node, names in deferred_imports(file):
            for name in sorted(names - OURS - stdlib_module_names - DEFERRED.get(file.path, set())):
                yield f"line {getattr(node, 'lineno', 0)} defers {name}"


def fastmcp_is_used_through_its_public_face(file: SourceFile) -> Iterator[str]:
    """Private parts of FastMCP and the MCP SDK are touched in one adapter."""
    if file.package not in SHIPPED or file.path == FASTMCP_ADAPTER:
        return
    speaks = bool(file.all_imports & PROTOCOL)
    for node in file.nodes:
        match node:
            case ast.Attribute(attr="_mcp_server") | ast.Constant(value="_mcp_server"):
                yield f"line {node.lineno} touches _mcp_server"
            case (
                ast.Attribute(value=ast.Name(id="self" | "cls")) | ast.Attribute(value=ast.Name(id="os"), attr="_exit")
            ):
                pass
            case ast.Attribute(attr=name) if speaks and name.startswith("_") and not name.endswith("__"):
                yield f"line {node.lineno} touches {name}"
            case ast.ImportFrom(module=str(module), names=names) if file.imports(node) & PROTOCOL:
                if any(part.startswith("_") for part in [*module.split("."), *(name.name for name in names)]):
                    yield f"line {node.lineno} imports a private part of {module}"
            case _:
                pass
