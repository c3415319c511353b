"""What holds around every test: a home of its own, no settings from outside, and no blocking call in an event loop.

It makes no servers, stores or models; each kind of test brings its own.
"""

import os
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec
from types import ModuleType

import pytest
from blockbuster import BlockBuster, BlockingError
from hypothesis import settings

pytest_plugins = ("tests.servers.fixtures", "tests.servers.preloaded")

settings.register_profile("project", max_examples=30)  # where a test says no other number
settings.load_profile("project")

OUR_MODULES = ("companions", "sessions", "tools", "resources", "middleware", "terminal", "pages", "server")

# Variables by which a developer's machine could change a result, or send a test's text to a tracing service.
# XDG_RUNTIME_DIR stays: a database server's fixture may have set it for the whole run.
PROVIDERS = ("OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "OLLAMA_")
OUTSIDE_SETTINGS = ("COMPANIONS_", *PROVIDERS, "LANGCHAIN_", "LANGSMITH_", "FASTMCP_", "OTEL_", "XDG_")
KEPT = {"XDG_RUNTIME_DIR"}


# Folders whose files take longest, since most of their tests start processes.
BEGUN_FIRST = {"fleet", "interop", "loops", "pages", "survival", "terminal", "tests", "view", "wire"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files: one that is begun last keeps a single worker busy while the others have nothing."""
    items.sort(key=lambda item: item.path.parent.name not in BEGUN_FIRST)


def our_modules() -> list[ModuleType]:
    """Return our top-level modules without running them, so that a test pays for no import but its own."""
    specs = [find_spec(name) for name in OUR_MODULES]
    return [module_from_spec(spec) for spec in specs if spec is not None]


@pytest.fixture(scope="session", autouse=True)
def no_outside_settings() -> Iterator[None]:
    """Remove settings of the machine for the whole run, servers of session fixtures included."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - KEPT:
            if name.startswith(OUTSIDE_SETTINGS):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def watch_for_blocking_calls() -> Iterator[None]:
    """Raise BlockingError where a blocking call runs in an event loop with our code on the stack.

    Libraries are judged only where we called them from the loop; what they do in tasks of their own is theirs.
    """
    watch = BlockBuster(scanned_modules=our_modules())
    # pytest keeps a log file of its own, mostly /dev/null: what is logged from a loop, by us or by what is collected
    # as garbage there, is no call of ours that blocks.
    watch.functions["io.TextIOWrapper.write"].can_block_in("logging/__init__.py", "emit")
    watch.functions["io.BufferedWriter.write"].can_block_in("logging/__init__.py", "flush")
    watch.activate()
    yield
    watch.deactivate()


@pytest.fixture(autouse=True)
def blocking_calls() -> Iterator[list[str]]:
    """Fail a test in which a call blocked, even if an ``except Exception`` of ours took the error for a store's."""
    seen: list[str] = []
    raised = BlockingError.__init__

    def note(error: BlockingError, func: str) -> None:
        seen.append(func)
        raised(error, func)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockingError, "__init__", note)
        yield seen
    assert not seen, f"blocked the event loop: {', '.join(seen)}"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give each test an empty home and data folder, beside its ``tmp_path`` rather than in it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_DATA_HOME", str(folder / ".local" / "share"))
        yield
