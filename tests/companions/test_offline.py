import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proselint.checks import __register__ as checks  # pyright: ignore[reportMissingTypeStubs] - it ships none

from companions.corrections import SHOWN
from companions.errors import ModelTimeoutError
from companions.models import Step, Task, Written
from companions.offline import PIECE, OfflineEditor, Raw, findings

MEMO = Path(__file__).parents[2] / "examples" / "memo.md"

# What stands there, and what a revision makes of it.
MENDED = [
    ("We should of gone.", "We should've gone."),
    ("It took alot of time.", "It took a lot of time."),
    ("Irregardless, we went.", "Regardless, we went."),
    ("IRREGARDLESS, WE WENT.", "REGARDLESS, WE WENT."),
    ("Nobody knew its past history.", "Nobody knew its history."),
    ("The reason is because it rained.", "The reason is it rained."),
    ("We will not revert back to it.", "We will not revert to it."),
    ("A meeting on monday in april.", "A meeting on Monday in April."),
    ("It was an added bonus.", "It was a bonus."),
    ("An added bonus came.", "A bonus came."),
    ("It was a **final outcome** for us.", "It was an **outcome** for us."),
    ("That is an empty hole.", "That is a hole."),
    ("It was a final outcome; a past history.", "It was an outcome; a history."),
    ("By general consensus of opinion.", "By consensus."),
    ("a color, a colour and a colour", "a colour, a colour and a colour"),
]
FLAGGED = [
    "They utilize it.",
    "A very unique case.",
    "We saw the the dog.",
    "She is the chairman.",
    "We resume work.",
    "In Summer.",
    "Its vapidness shows.",
    "Owing to the fact that it rained, we left.",
]
CLEAN = [
    "The train left at noon.",
    "Use `should of` in code.",
    "```\nalot = monday\n```",
    "See reports/monday.csv or alot@example.org.",
    '"You should of come," he said.',
    'A "plain word"... It is 10 x 10.  So it is.',
    "{0} %s </draft>",
    "日本語の文章です。",
]
sentences = st.lists(st.sampled_from([text for text, _ in MENDED] + FLAGGED + CLEAN), min_size=1, max_size=12)
gaps = st.sampled_from([" ", "\n", "\n\n", "\r\n", "  "])


async def write(step: Step, text: str = "", query: str = "Q") -> Written:
    return await OfflineEditor().write(Task(step=step, messages=(), query=query, text=text))


async def critique(text: str) -> Written:
    return await write("critique", text)


async def revise(text: str) -> str:
    return (await write("revise", text)).text


async def test_a_draft_is_the_text_given_or_else_the_query() -> None:
    assert (await write("draft", "My {text}.", "Q")).text == "My {text}."
    assert (await write("draft", "", "Why {so}?")).text == "Why {so}?"


@pytest.mark.parametrize(("text", "mended"), MENDED)
async def test_a_revision_replaces_what_was_found_and_mends_the_article_before_it(text: str, mended: str) -> None:
    assert await revise(text) == mended
    assert not (await critique(text)).satisfied


@pytest.mark.parametrize("text", FLAGGED)
async def test_what_needs_a_writer_is_told_and_left_alone(text: str) -> None:
    assert not (await critique(text)).satisfied
    assert await revise(text) == text


@pytest.mark.parametrize("text", [*CLEAN, " \n", "\ud800", "~" * 80])
async def test_a_critic_that_finds_nothing_is_satisfied_and_nothing_is_changed(text: str) -> None:
    written = await critique(text)
    assert written.satisfied
    assert "nothing to mend" in written.text
    assert await revise(text) == text


async def test_a_critique_quotes_the_words_with_their_line_what_is_wrong_and_the_replacement() -> None:
    text = (await critique("One.\nWe should of gone.\n\nThe the dog. She is the chairman.")).text
    assert text.splitlines()[2:] == [
        '- Line 2, "should of": "of" where "have" is meant; replace it with "should\'ve".',
        '- Line 4, "The the": the same words twice in a row.',
        '- Line 4, "chairman": some readers may feel left out or offended; consider "chair".',
    ]


@pytest.mark.parametrize("step", ["draft", "critique", "revise"])
async def test_every_text_is_signed_and_a_critique_says_that_no_language_model_was_used(step: Step) -> None:
    written = await write(step, "We should of gone.")
    assert written.model == f"offline editor (proselint {version('proselint')})"
    if step == "critique":
        assert "no language model was used" in written.text
    assert OfflineEditor().name == "offline"


async def test_of_findings_that_overlap_the_longest_replacement_is_made_and_each_word_is_told_once() -> None:
    text = "In actual fact, it is a very unique case."
    assert await revise(text) == "In fact, it is a very unique case."
    assert (await critique(text)).text.count("- Line") == 2


async def test_a_long_list_is_cut_and_says_how_long_it_is() -> None:
    text = (await critique("alot\n" * 80)).text
    assert text.count("- Line") == SHOWN
    assert "80 findings" in text
    assert "the other 30 are not listed" in text


async def test_a_finding_that_runs_on_is_quoted_in_part_and_on_one_line() -> None:
    text = (await critique("the\n" * 4000)).text
    assert len(text) < 400
    assert "the the ..." in text


async def test_whoever_listens_hears_the_text() -> None:
    heard: list[str] = []
    written = await OfflineEditor().write(Task(step="draft", messages=(), query="Q"), heard.append)
    assert heard == [written.text] == ["Q"]


async def test_a_text_of_many_pieces_is_mended_to_its_last_word() -> None:
    text = ("We should of gone. " * 60 + "\n\n") * 20
    assert len(text) > PIECE
    assert await revise(text) == text.replace("should of", "should've")


@given(parts=sentences, gap=gaps)
@settings(deadline=None, max_examples=60)
async def test_the_same_text_is_always_read_alike_and_revising_ends(parts: list[str], gap: str) -> None:
    versions = [gap.join(parts)]
    for _ in range(3):
        versions.append(await revise(versions[-1]))
    assert versions[-1] == versions[-2]
    assert versions[1] == await revise(versions[0])
    assert await critique(versions[0]) == await critique(versions[0])


@given(text=st.text(), before=st.sampled_from(["", "We should of gone.\n\n", "`alot` "]))
@settings(deadline=None, max_examples=100)
async def test_any_text_can_be_read_and_survives_what_is_mended_before_it(text: str, before: str) -> None:
    assert await revise(f"{before}{text}") == before.replace("should of", "should've") + await revise(text)


async def test_every_replacement_that_the_checks_offer_is_made_once_and_for_all() -> None:
    offered: list[Any] = [getattr(check.check_type, "items", ()) for check in checks]
    phrases = [str(phrase) for items in offered if isinstance(items, dict) for phrase in cast("dict[str, str]", items)]
    text = "\n\n".join(f"We saw an {phrase} here.\n\n{phrase.capitalize()} is there." for phrase in phrases)
    once = await revise(text)
    changed = sum(old != new for old, new in zip(text.split("\n\n"), once.split("\n\n"), strict=True))
    assert changed > 1000
    assert await revise(once) == once


async def test_no_critique_copies_the_checkers_own_words() -> None:
    text = "\n".join(text for text, _ in MENDED) + "\n" + "\n".join(FLAGGED)
    told = (await critique(text)).text.lower()
    fixed = {part.strip(" '.,").lower() for check in checks for part in check.message.replace("{}", "|").split("|")}
    assert not [part for part in fixed if len(part.split()) > 2 and part in told]


@pytest.mark.parametrize(
    "text",
    [
        "We should of known alot, irregardless. " * 5_000,
        "é" * 200_000,
        ("1" * 50 + " ") * 3_900,
        "`" * 200_000,
        "a!! " * 50_000,
    ],
    ids=["prose", "one word", "long words", "backticks", "shouts"],
)
async def test_two_hundred_kilobytes_of_anything_are_read_to_the_end(text: str) -> None:
    # What grows with the square of a text's length would take many minutes, on any machine.
    written = await OfflineEditor(timeout_seconds=60).write(Task(step="critique", messages=(), query="Q", text=text))
    assert written.text


async def test_past_its_bound_the_editor_gives_up_with_an_error() -> None:
    task = Task(step="critique", messages=(), query="Q", text="We should of known alot. " * 8_000)
    with pytest.raises(ModelTimeoutError, match=r"did not finish within 0\.01 seconds"):
        await OfflineEditor(timeout_seconds=0.01).write(task)


def test_past_the_deadline_no_thread_goes_on_reading() -> None:
    read: list[str] = []

    def lint(piece: str) -> Iterator[Raw]:
        read.append(piece)
        return iter(())

    text = "x " * PIECE
    assert list(findings(text, lint, time.monotonic() + 60)) == []
    assert "".join(read) == text
    with pytest.raises(TimeoutError):
        list(findings(text, lint, time.monotonic() - 1))
    assert "".join(read) == text


async def test_the_loop_serves_others_while_a_long_text_is_read() -> None:
    await critique("The checker is loaded now.")
    reading = asyncio.create_task(critique("We should of known alot. " * 2_000))
    turns = [time.monotonic()]
    while not reading.done():
        await asyncio.sleep(0)
        turns.append(time.monotonic())
    assert max(later - earlier for earlier, later in pairwise(turns)) < (turns[-1] - turns[0]) / 2


async def test_the_memo_takes_two_rounds_and_comes_out_better() -> None:
    memo = MEMO.read_text()
    first = await critique(memo)
    mended = await revise(memo)
    second = await critique(mended)
    assert first.text.count("- Line") == 10
    assert second.text.count("- Line") == 2
    assert not second.satisfied
    assert await revise(mended) == mended
    assert all(words in memo and words not in mended for words in ("should of", "alot", "Irregardless", "past history"))


def test_importing_the_editor_does_not_load_the_checker() -> None:
    code = "import sys, companions.offline; print(any(name.startswith(('proselint', 're2')) for name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
