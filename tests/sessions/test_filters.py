"""Filters: installed beside the program, they change what a model is told and what it tells, or nothing passes."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

import pytest

import server
from companions import filters
from companions.errors import FilterError
from companions.models import Sampling, Task
from sessions.installed_filters import FilteredModels
from sessions.reading import Reading
from sessions.steps import Desk
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Catalog, Process
from tests.sessions.writing import log_of

REDACTING = """
class Redacting:
    def to_model(self, text): return text.replace("Ann", "[name]")
    def from_model(self, text): return text.replace("[name]", "Ann")
"""
SHOUTING = """
class Shouting:
    def to_model(self, text): return text
    def from_model(self, text): return text.upper()
"""
SERVER = Sampling(execution_mode="server")
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with filters, each given as its class's code."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def installed(**classes: str) -> None:
        (tmp_path / "their_filters.py").write_text("".join(classes.values()))
        monkeypatch.delitem(sys.modules, "their_filters", raising=False)
        info = tmp_path / "their_filters-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-filters\nVersion: 1.0\n")
        points = "".join(f"{name} = their_filters:{name.title()}\n" for name in classes)
        (info / "entry_points.txt").write_text(f"[persistent_companions.filters]\n{points}")
        invalidate_caches()

    return installed


def started() -> Process:
    """Start a process as the program does, with the filters around its models."""
    made = Process.on(MemoryStore())
    desk = Desk(sessions=made.calls.desk.sessions, models=FilteredModels(Catalog(made.model)))
    return Process(made.store, made.model, replace(made.calls, desk=desk))


async def meta_of(process: Process, session_id: str) -> dict[str, Any]:
    return {entry.kind: entry.meta.get("filters") for entry in await process.entries(session_id)}


async def test_a_model_sees_and_says_only_what_the_filters_let_through_and_each_use_is_kept(install: Install) -> None:
    install(redacting=REDACTING, shouting=SHOUTING)
    process = started()
    process.model.script.extend(["Dear [name], yes.", "Ask [name]."])
    drafted = await process.step("draft", query="What shall Ann hear?", sampling=SERVER)
    await process.step("critique", drafted.session_id, sampling=SERVER)
    assert all("Ann" not in message.text for task in process.model.tasks for message in task.messages)
    assert "[name]" in process.model.tasks[0].messages[-1].text
    texts = [entry.text for entry in await process.entries(drafted.session_id) if entry.kind != "configure"]
    assert texts == ["What shall Ann hear?", "DEAR ANN, YES.", "ASK ANN."]
    told = [
        {"name": "redacting", "changed": ["from_model", "to_model"]},
        {"name": "shouting", "changed": ["from_model"]},
    ]
    assert await meta_of(process, drafted.session_id) == {
        "configure": None,
        "query": None,
        "draft": told,
        "critique": told,
    }
    timeline = await Reading(calls=process.calls).part(OWNER, drafted.session_id, None, "timeline")
    assert [line.get("filters") for line in timeline["timeline"]] == [None, told, told]
    await process.calls.close()


async def test_without_filters_a_text_is_heard_piece_by_piece_and_no_filter_is_told(install: Install) -> None:
    install()
    process = started()
    drafted = await process.step("draft", query="What shall Ann hear?", sampling=SERVER)
    assert "Ann" in process.model.tasks[0].messages[-1].text
    assert (await meta_of(process, drafted.session_id))["draft"] is None
    await process.calls.close()


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("class Broken:\n    def to_model(self, text): raise ValueError(text)\n    from_model = to_model", "failed"),
        ("class Broken:\n    def to_model(self, text): return None\n    from_model = to_model", "gave no text"),
        ("class Broken:\n    def to_model(self, text): return text", "lacks a method"),
        ("def Broken(): raise RuntimeError", "cannot be loaded"),
        ("def Broken(): raise SystemExit(3)", "cannot be loaded"),
        ("class Broken:\n    def to_model(self, text): raise SystemExit(3)\n    from_model = to_model", "failed"),
        ("class Broken:\n    def to_model(self, text): raise TimeoutError\n    from_model = to_model", "failed"),
    ],
    ids=["raises", "gives nothing", "is none", "does not load", "ends at loading", "ends the program", "times out"],
)
async def test_a_filter_that_fails_lets_nothing_pass_and_says_nothing_of_the_text(
    install: Install, body: str, how: str
) -> None:
    install(broken=body)
    process = started()
    with log_of("companions.filters") as said, pytest.raises(FilterError, match=f"broken {how}"):
        await process.step("draft", query="A secret.", sampling=SERVER)
    assert process.model.tasks == []
    assert "secret" not in "".join(said)
    await process.calls.close()


async def test_what_a_filter_fails_on_behind_the_model_is_not_kept(install: Install) -> None:
    install(broken="class Broken:\n    def to_model(self, text): return text\n    def from_model(self, text): 1 / 0")
    process = started()
    with log_of("companions.filters"), pytest.raises(FilterError):
        await process.step("draft", query="Q?", sampling=SERVER)
    (session,) = await process.calls.desk.sessions.list(OWNER)
    assert [entry.kind for entry in await process.entries(session.opening.session_id)] == ["configure", "query"]
    await process.calls.close()


async def test_a_filter_that_hangs_ends_the_call_in_time(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "SECONDS", 0.05)
    waits = "import threading\nEVENT = threading.Event()\n"
    install(hanging=f"{waits}class Hanging:\n    def to_model(self, text): EVENT.wait(20)\n    from_model = to_model")
    process = started()
    with pytest.raises(FilterError, match="took longer"):
        await process.step("draft", query="Q?", sampling=SERVER)
    monkeypatch.setattr(filters, "AT_ONCE", 1)
    with pytest.raises(FilterError, match="busy or hangs"):
        await process.step("draft", query="Q?", sampling=SERVER)
    assert await asyncio.wait_for(asyncio.to_thread(str), 10) == ""  # other work has its threads
    sys.modules["their_filters"].EVENT.set()
    await process.calls.close()


def test_the_program_has_them_around_its_own_models(install: Install) -> None:
    install(shouting=SHOUTING)
    wired = server.Wired.of(server.Settings(store="memory://", model="offline"))
    model = wired.calls.desk.models.get("offline")
    written = asyncio.run(model.write(Task(step="draft", messages=(), query="A very long text.")))
    assert written.text == "A VERY LONG TEXT."
