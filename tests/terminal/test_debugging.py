"""What is printed of calls of models: no key even where a text is cut, and what a provider was really told."""

from time import perf_counter

import pytest

from companions.models import Message, Task, Written
from companions.native_sessions import NativeSession
from sessions.watching import Asked
from terminal.debugging import MARGIN, SHOWN, Debugging

KEY = "a-key-that-nobody-may-see"


def printed(capsys: pytest.CaptureFixture[str], task: Task, written: Written) -> str:
    with Debugging([KEY]).asking(Asked(model="openai:one", task=task, doing=None)) as tell:
        tell(written)
    return capsys.readouterr().err


def task_of(text: str, native: NativeSession | None = None) -> Task:
    return Task(step="draft", messages=(Message("human", text),), query=text, native=native)


@pytest.mark.parametrize("before", ["x" * (SHOWN - 5), "x" * (SHOWN + MARGIN - 5), f"{KEY} " * 461])
def test_no_part_of_a_key_is_printed_wherever_a_text_is_cut(capsys: pytest.CaptureFixture[str], before: str) -> None:
    said = printed(capsys, task_of(f"{before}{KEY}{'y' * 20_000}"), Written(text="An answer.", model="one"))
    assert KEY[:5] not in said
    assert "x" * (SHOWN - len(KEY)) in said or KEY in before
    assert "further characters not shown]" in said


def test_what_is_cut_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, task_of("x" * (SHOWN + MARGIN + 7)), Written(text="x" * (SHOWN + 3), model="one"))
    assert f"[{MARGIN + 7:,} further characters not shown]" in said
    assert "[3 further characters not shown]" in said


def test_a_megabyte_that_looks_like_the_begin_of_keys_is_printed_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    began = perf_counter()
    printed(capsys, task_of("-eyJ" * 250_000), Written(text="eyJ" * 300_000, model="one"))
    assert perf_counter() - began < 5


def test_of_a_draft_that_its_provider_keeps_it_says_what_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    meta = {"native": {"sent": "whole", "fell_back": "expired"}, "retries": 2}
    task = task_of("Q?", NativeSession.of(["Q?"], None))
    said = printed(capsys, task, Written(text="An answer.", model="one", meta=meta))
    assert "offered, human, 2 characters: Q?" in said
    assert "kept by the provider: sent whole, fell back expired" in said
    assert "retries 2" in said


def test_of_any_other_draft_everything_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, task_of("Q?"), Written(text="An answer.", model="one"))
    assert "\nhuman, 2 characters: Q?" in said
    assert "offered" not in said
    assert "kept by" not in said
