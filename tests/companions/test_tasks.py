"""What each step sees: the sliding window, byte for byte."""

from pathlib import Path

import pytest

from companions.companion import EXCHANGES, VERSIONS
from companions.companion_types import Library
from companions.configuration import Configuration, Defaults
from companions.models import Message, Sampling, Step, Task
from companions.requests import Repeat
from companions.tasks import HISTORY_CHARACTERS
from tests.companions.driving import TYPE, Driver, configuration, write_type

ODD = "Braces {x} {{}} {0}, %s %(y)d, quotes \"'`, $tags </query>, \u2028 日本語 עברית \x07 \U0001f600 end\n\n  "
HUGE = (ODD * 2_000).encode()[:199_900].decode(errors="ignore")
BASE = "The store keeps every step of the session, in order, and gives it back when it is asked for. " * 3


def shown(task: Task) -> str:
    """Give all that the step sees besides its instructions."""
    return "\n".join(message.text for message in task.messages[1:])


def loop(revisions: int, *, critiqued: bool) -> Driver:
    """Give a companion with a draft and so many revisions, each text and critique known by its number."""
    driver = Driver()
    driver.draft("The query?", f"{BASE} Version 0.")
    for number in range(1, revisions + 1):
        driver.critique(f"Critique {number}.")
        driver.revise(f"{BASE} Version {number}.")
    if critiqued:
        driver.critique(f"Critique {revisions + 1}.")
    return driver


def seen(task: Task) -> set[str]:
    """Give what of a loop is seen."""
    named = [f"Version {number}." for number in range(20)] + [f"Critique {number}." for number in range(20)]
    return {name for name in [*named, "The query?", "The evidence."] if name in shown(task)}


@pytest.mark.parametrize(
    ("revisions", "versions"), [(0, {0}), (1, {0, 1}), (2, {0, 1, 2}), (3, {0, 2, 3}), (VERSIONS + 3, {0, 10, 11})]
)
def test_a_critique_sees_the_query_the_baseline_and_the_newest_two_revisions(
    revisions: int, versions: set[int]
) -> None:
    task = loop(revisions, critiqued=False).task(step="critique", evidence="The evidence.")
    assert seen(task) == {"The query?", "The evidence.", *(f"Version {number}." for number in versions)}
    assert task.text == f"{BASE} Version {revisions}."


@pytest.mark.parametrize("revisions", [0, 1, 3, VERSIONS + 3])
def test_a_revision_sees_the_query_the_current_text_and_the_newest_critique(revisions: int) -> None:
    task = loop(revisions, critiqued=True).task(step="revise")
    assert seen(task) == {"The query?", f"Version {revisions}.", f"Critique {revisions + 1}."}
    assert (task.text, task.critique) == (f"{BASE} Version {revisions}.", f"Critique {revisions + 1}.")


def test_a_guarded_revision_is_not_seen_again() -> None:
    driver = loop(1, critiqued=True)
    assert driver.revise("Guarded.").meta["guard"] == "empty"
    task = driver.task(step="critique")
    assert seen(task) == {"The query?", "Version 0.", "Version 1."}
    assert "Guarded." not in shown(task)
    driver.critique("Critique 3.")
    assert driver.task(step="revise").text == f"{BASE} Version 1."


def test_a_draft_sees_the_newest_earlier_questions_with_the_texts_that_stood() -> None:
    driver = loop(1, critiqued=True)
    driver.revise("Guarded.")
    for number in range(EXCHANGES):
        driver.draft(f"Query {number}?", f"Answer {number}.")
    assert driver.companion.history[0].answer.text == f"{BASE} Version 1."
    task = driver.task(step="draft", query="Now?")
    assert [(message.role, message.text) for message in task.messages[1:]] == [
        turn for number in range(EXCHANGES) for turn in (("human", f"Query {number}?"), ("ai", f"Answer {number}."))
    ] + [("human", "Now?")]


def test_a_draft_sees_only_as_much_history_as_is_allowed() -> None:
    driver = Driver()
    for query in ("First?", "Second?"):
        driver.draft(query, "x" * (HISTORY_CHARACTERS // 2))
    driver.draft("Third?", "Short.")
    task = driver.task(step="draft", query="Now?")
    assert [message.text for message in task.messages[1:] if message.role == "human"] == ["Second?", "Third?", "Now?"]


def test_a_companion_that_clears_its_history_shows_a_draft_the_query_alone() -> None:
    driver = Driver()
    driver.draft("First?", "Answer.")
    driver.wanted = Configuration.from_meta(configuration().to_meta() | {"clear_history": True})
    task = driver.task(step="draft", query="Now?")
    assert task.messages[1:] == (Message("human", "Now?"),)
    assert len(driver.companion.history) == 1


@pytest.mark.parametrize("words", [ODD, HUGE], ids=["odd", "200 kB"])
def test_texts_are_seen_byte_for_byte(words: str) -> None:
    driver = Driver()
    assert driver.task(step="draft", query=words).messages[-1].text == words
    driver.draft(words, words)
    critique = driver.task(step="critique", evidence=words)
    assert shown(critique).count(words) == 3
    driver.critique(words, evidence=words)
    revision = driver.task(step="revise")
    assert shown(revision).count(words) == 3
    assert (revision.query, revision.text, revision.critique) == (words, words, words)
    driver.revise(words + words[:10])
    driver.critique()
    assert shown(driver.task(step="revise")).count(words) == 2


@pytest.mark.parametrize("step", ["draft", "critique", "revise"])
def test_the_instructions_of_a_step_are_its_companion_types_own(step: Step) -> None:
    driver = Driver() if step == "draft" else loop(0, critiqued=step == "revise")
    task = driver.task(step=step, query="Why?" if step == "draft" else None)
    own = Library.load(None).get(TYPE)
    assert task.messages[0].text.startswith(
        {"draft": own.draft, "critique": own.critique, "revise": own.revision}[step]
    )


def test_an_edited_companion_file_applies_from_the_next_slot(tmp_path: Path) -> None:
    def wanted(library: Library) -> Configuration:
        return Configuration.choose(library.get("own"), Defaults(execution_mode="server"), Sampling())

    write_type(tmp_path, critique="Be kind.")
    library, driver = Library.load(tmp_path), Driver()
    driver.wanted = wanted(library)
    driver.draft("First?", "Answer.")
    write_type(tmp_path, critique="Be very strict {here}.")
    driver.wanted = wanted(library.refreshed())
    assert driver.task(step="critique").messages[0].text == "Be kind."
    driver.draft("Second?", "Answer.")
    assert driver.task(step="critique").messages[0].text == "Be very strict {here}."
    driver.draft("Third?", "Answer.")
    configured = [(entry.seq, entry.slot) for entry in driver.entries if entry.kind == "configure"]
    assert configured == [(1, 0), (4, 1)]


def test_a_repeat_changes_no_configuration() -> None:
    driver = loop(0, critiqued=False)
    driver.wanted = configuration(max_iterations=9)
    assert isinstance(driver.plan(step="draft", query="The query?"), Repeat)
    assert driver.begin(step="critique").configuration == configuration()
