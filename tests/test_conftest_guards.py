import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType

import pytest
from blockbuster import BlockingError
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]
PLACES = ["companions/x.py", "sessions/stores/x.py", "tools/x.py", "terminal/x.py", "server.py"]

TESTS_THAT_THE_GUARDS_FAIL = """
import contextlib, os
from tests.test_conftest_guards import as_if_in, nap

async def test_that_swallows_what_blocked():
    with contextlib.suppress(Exception):  # as a breaker around a store call would
        as_if_in("sessions/x.py", nap)()

def test_that_relies_on_a_setting():
    assert [name for name in os.environ if name.startswith(("COMPANIONS_", "OPENAI_", "LANGSMITH_", "XDG_CONFIG"))]
"""


def nap() -> None:
    time.sleep(0)


def ask_sqlite() -> None:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("select 1")
    finally:
        connection.close()


def as_if_in(place: str, function: Callable[[], None]) -> Callable[[], None]:
    """Return the function as if it stood in one of our modules, which is what the watch looks at."""
    code = function.__code__.replace(co_filename=str(ROOT / place))
    return FunctionType(code, function.__globals__)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("function", [nap, ask_sqlite])
async def test_our_code_cannot_block_the_event_loop(
    place: str, function: Callable[[], None], blocking_calls: list[str]
) -> None:
    with pytest.raises(BlockingError):
        as_if_in(place, function)()
    assert len(blocking_calls) == 1
    blocking_calls.clear()


async def test_our_code_may_block_in_a_thread() -> None:
    await asyncio.to_thread(as_if_in("sessions/x.py", ask_sqlite))


async def test_a_library_may_block_in_its_own_task() -> None:
    nap()


def test_our_code_may_block_where_no_loop_runs() -> None:
    as_if_in("terminal/x.py", nap)()


def test_home_and_data_folder_are_empty_and_not_the_machines(tmp_path: Path) -> None:
    home, data = Path.home(), Path(os.environ["XDG_DATA_HOME"])
    assert home.parent == tmp_path.parent
    assert home in data.parents
    assert not list(home.iterdir())


def test_a_swallowed_blocking_call_fails_its_test_and_no_setting_of_the_machine_is_seen(tmp_path: Path) -> None:
    (tmp_path / "test_guarded.py").write_text(TESTS_THAT_THE_GUARDS_FAIL)
    settings = {"COMPANIONS_MODEL": "x", "OPENAI_API_KEY": "x", "LANGSMITH_TRACING": "1", "XDG_CONFIG_HOME": "/x"}
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-n0",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.conftest",
            "--rootdir=.",
            "-c=pyproject.toml",
            str(tmp_path),
        ],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "blocked the event loop: time.sleep" in run.stdout
    assert "1 failed, 1 passed, 1 error" in run.stdout, run.stdout


@given(st.integers())
def test_generated_tests_run_under_the_guards(number: int) -> None:
    assert Path.home().name.startswith("home"), number
