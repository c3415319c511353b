"""What stays comes first: a provider that caches the beginnings of prompts reads as much of each again as it could."""

from itertools import pairwise, takewhile

from companions import prompts
from companions.companion import EXCHANGES
from companions.models import Task
from companions.native_sessions import HELD
from tests.companions.driving import Driver

DRAFT = "The store keeps every step of the session, in order, and gives it back when it is asked for. " * 3


def said(task: Task) -> str:
    """Give a prompt as one text, in the order in which a provider reads it."""
    return "".join(f"{message.role}\n{message.text}\n" for message in task.messages)


def shared(before: str, after: str) -> str:
    """Give the longest beginning that two texts share."""
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))


def test_a_draft_begins_with_all_that_the_one_before_it_was_told_until_the_window_slides() -> None:
    driver = Driver()
    asked = [driver.task(step="draft", query="Query 0?")]
    for number in range(EXCHANGES + 1):
        driver.write(f"Answer {number}.", step="draft")
        asked.append(driver.task(step="draft", query=f"Query {number + 1}?"))
    for before, after in pairwise(asked[:-1]):
        assert shared(said(before), said(after)).startswith(said(before))
    slid = shared(said(asked[-2]), said(asked[-1]))
    assert slid.startswith(f"system\n{asked[0].messages[0].text}\nhuman\nQuery ")


def test_critiques_of_one_slot_share_instructions_query_and_baseline() -> None:
    driver = Driver()
    driver.draft("The query?", DRAFT)
    asked = [driver.task(step="critique", evidence="It was late.")]
    for number in range(3):
        driver.critique(f"Critique {number}.")
        driver.revise(f"{DRAFT} Version {number + 1}.")
        asked.append(driver.task(step="critique", evidence="Two tests fail."))
    for before, after in pairwise(asked):
        beginning = shared(said(before), said(after))
        assert beginning.startswith(f"system\n{before.messages[0].text}\nhuman\n<query>\nThe query?\n</query>")
        assert f"<draft>\n{DRAFT}\n</draft>\n\n<" in beginning


def test_critics_of_one_text_share_all_but_their_aspect() -> None:
    driver = Driver()
    driver.draft("The query?", DRAFT)
    messages = driver.task(step="critique").messages
    one, other = (prompts.with_aspect(messages, name, None) for name in ("Style", "Facts"))
    assert shared(one[-1].text, other[-1].text).startswith(messages[-1].text)


def test_revisions_of_one_slot_share_instructions_and_query() -> None:
    driver = Driver()
    driver.draft("The query?", DRAFT)
    driver.critique("Critique 1.")
    first = driver.task(step="revise")
    driver.revise(f"{DRAFT} Version 1.")
    driver.critique("Critique 2.")
    assert f"</query>\n\n<text>\n{DRAFT}" in shared(said(first), said(driver.task(step="revise")))


def test_a_step_that_is_written_again_is_asked_in_the_same_words() -> None:
    driver = Driver()
    first = driver.task(step="draft", query="The query?")
    driver.write(DRAFT, step="draft")
    assert said(driver.task(step="draft", redo=True)) == said(first)


def test_as_many_digests_are_kept_of_a_response_as_a_draft_is_told_texts() -> None:
    assert HELD == 2 * EXCHANGES
