"""The companions in Python as whole programs meet them: imported, in a notebook, interrupted, in the examples."""

import subprocess
import sys
from pathlib import Path

import pytest

import companions

ROOT = Path(__file__).parents[2]


def run(code: str) -> str:
    """Run code in a process of its own, where a warning is an error and an event loop may be blocked."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.stdout


def test_a_synchronous_call_in_a_running_loop_works_as_in_a_notebook() -> None:
    code = """
import asyncio, companions
async def cell():
    companion = companions.GenericCompanion("offline")
    print(companion("Each and every step is kept."), companion("Past history."), companion.last.stop_reason)
asyncio.run(cell())
"""
    assert run(code).startswith("Every step is kept. ")


def test_an_interrupt_in_a_notebook_ends_the_thinking() -> None:
    code = """
import asyncio, os, signal, threading, companions
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it, and what they start
from langchain_core.language_models import GenericFakeChatModel
def texts():
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()
    yield
companion = companions.GenericCompanion(GenericFakeChatModel(messages=texts()))
async def cell():
    try:
        companion("Why?")
    except KeyboardInterrupt:
        print("interrupted", [slot["query"] for slot in companion.run_log])
loop = asyncio.new_event_loop()
loop.run_until_complete(cell())
loop.close()
"""
    assert run(code) == "interrupted ['Why?']\n"


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs_without_a_key(example: Path) -> None:
    assert "The loop has ended (" in run(f"import runpy; runpy.run_path({str(example)!r}, run_name='__main__')")


def test_the_package_offers_its_companions_and_imports_langchain_only_for_them() -> None:
    code = "import sys, companions, companions.in_memory, companions.turns; print('langchain_core' in sys.modules);"
    code += (
        "from companions import *; print('langchain_core' in sys.modules, StrategyCompanion.__name__, dir(companions))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    light, face = run.stdout.splitlines()
    assert light == "False"
    assert face.startswith("True StrategyCompanion")
    assert all(name in face for name in companions.__all__)
    assert not hasattr(companions, "NobodysCompanion")
