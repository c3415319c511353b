import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from companions.companion_types import CompanionType, Library
from companions.models import Message
from companions.prompts import (
    NOTHING_LEFT,
    Verdict,
    critique_messages,
    draft_messages,
    instructions_for_caller,
    read_verdict,
    revision_messages,
)

ACCEPT = '{"verdict": "accept"}'
REVISE = '{"verdict": "revise"}'
HOSTILE = [
    "{query} {0} %s %(x)s",
    "</draft>\n<draft>",
    "<draft-1>",
    "</newest_revision-2>",
    "```\n{",
    "$x ${y}",
    "\ud800",
]

# Anything, and often what our own tags could be taken for.
anything = st.lists(
    st.one_of(st.text(), st.sampled_from(HOSTILE), st.from_regex(r"</?(query|draft|text|session)(-\d+)?>"))
).map("".join)
words = anything.filter(bool)


def critique(
    query: str = "Q",
    draft: str = "D",
    revisions: Sequence[str] = (),
    evidence: str | None = None,
    verdict: Verdict = "line",
) -> tuple[Message, ...]:
    return critique_messages(
        "Judge.", query=query, draft=draft, revisions=revisions, evidence=evidence, verdict=verdict
    )


def block(text: str, name: str) -> str:
    """Read a block back as a reader would, who takes the very first tag's mark for the mark of all."""
    mark = re.match(r"<[a-z_]+(|-\d+)>\n", text)
    assert mark is not None
    opening, closing = f"<{name}{mark[1]}>", f"</{name}{mark[1]}>"
    assert text.count(opening) == text.count(closing) == 1
    return text.partition(f"{opening}\n")[2].partition(f"\n{closing}")[0]


def test_a_draft_is_asked_for_with_the_history_in_turns_and_the_query_as_it_came() -> None:
    messages = draft_messages("Write.", query="{now}", history=[("q1", "a1"), ("q2", "a2")])
    assert messages[0].role == "system"
    assert messages[0].text.startswith("Write.")
    turns = [("human", "q1"), ("ai", "a1"), ("human", "q2"), ("ai", "a2"), ("human", "{now}")]
    assert [(message.role, message.text) for message in messages[1:]] == turns


@given(query=words, session=words)
def test_a_session_that_is_shown_stands_apart_from_the_query(query: str, session: str) -> None:
    *_, asked = draft_messages("Write.", query=query, history=[], session=session)
    assert block(asked.text, "session") == session
    assert block(asked.text, "query") == query


@given(query=words, draft=words, revisions=st.lists(words, max_size=2), evidence=words)
@example(query="</query>", draft="<query>\n</draft>", revisions=["</draft-1>", "<x-2>"], evidence="<evidence>")
def test_every_text_stands_in_a_critics_prompt_byte_for_byte(
    query: str, draft: str, revisions: list[str], evidence: str
) -> None:
    text = critique(query, draft, revisions, evidence)[1].text
    names = [["draft"], ["draft", "newest_revision"], ["draft", "earlier_revision", "newest_revision"]][len(revisions)]
    found = [block(text, name) for name in ("query", *names, "evidence")]
    assert found == [query, draft, *revisions, evidence]


@given(query=words, text=words, criticism=words)
def test_every_text_stands_in_a_revisers_prompt_byte_for_byte(query: str, text: str, criticism: str) -> None:
    prompt = revision_messages("Mend.", query=query, text=text, critique=criticism)[1].text
    found = [block(prompt, name) for name in ("query", "text", "critique")]
    assert found == [query, text, criticism]


@given(said=st.lists(st.tuples(words, words), min_size=1, max_size=3), query=words, session=anything)
def test_a_caller_gets_the_same_words_as_two_texts(said: list[tuple[str, str]], query: str, session: str) -> None:
    messages = draft_messages("Write.", query=query, history=said, session=session)
    told = instructions_for_caller(messages)
    assert told["system"] == messages[0].text
    assert block(told["user"], "now") == messages[-1].text
    earlier = [text for pair in said for text in pair]
    positions = [told["user"].index(f">\n{text}\n</earlier_") for text in earlier]
    assert positions[0] < told["user"].index(messages[-1].text, positions[0])


def test_a_caller_gets_a_prompt_without_history_as_it_is() -> None:
    messages = critique(verdict="argument")
    assert instructions_for_caller(messages) == {"system": messages[0].text, "user": messages[1].text}


def test_a_mark_is_explained_only_where_one_is_needed() -> None:
    assert "marked" not in critique()[1].text
    assert "Only tags marked -1 count." in critique(draft="<draft>")[1].text


def test_two_hundred_kilobytes_of_tags_get_a_tag_of_their_own_at_once() -> None:
    draft = "".join(f"</draft-{number}>" for number in range(1, 15_000)) + "<" + " " * 200_000 + "<draft>"
    assert block(critique(draft=draft)[1].text, "draft") == draft


@pytest.mark.parametrize(
    ("revisions", "target"),
    [([], "Criticise the draft."), (["r1"], "Criticise the newest revision;"), (["r1", "r2"], "the newest revision;")],
)
def test_it_is_plain_which_text_is_to_be_criticised(revisions: list[str], target: str) -> None:
    text = critique(revisions=revisions)[1].text
    assert target in text
    assert block(text, "newest_revision" if revisions else "draft") == (["D", *revisions])[-1]


def test_a_critics_prompt_begins_the_same_in_every_iteration() -> None:
    first, second = critique(), critique(revisions=["r1"], evidence="3 failed")
    assert first[0] == second[0]
    shared = first[1].text.partition("Criticise")[0]
    assert second[1].text.startswith(shared)
    assert "D" in shared


def test_a_model_gives_its_verdict_in_a_line_and_a_caller_in_an_argument() -> None:
    line, argument = critique(verdict="line")[1].text, critique(verdict="argument")[1].text
    assert ACCEPT in line
    assert REVISE in line
    assert "satisfied" not in line
    assert "satisfied=true" in argument
    assert "{" not in argument


def test_evidence_is_spoken_of_only_if_there_is_some() -> None:
    assert "evidence" not in critique()[1].text
    assert "Weigh the evidence." in critique(evidence="3 failed")[1].text


def test_a_reviser_is_asked_for_nothing_but_the_whole_text() -> None:
    ask = revision_messages("Mend.", query="Q", text="T", critique="C")[1].text
    assert "the whole revised text and nothing else" in ask
    assert "no preamble" in ask


@pytest.mark.parametrize("verdict", ["line", "argument"])
@pytest.mark.parametrize("known", Library.load(None).types, ids=lambda known: known.name)
def test_less_than_half_of_what_is_sent_for_a_short_text_is_boilerplate(known: CompanionType, verdict: Verdict) -> None:
    query, draft, said = "q" * 200, "d" * 1500, "c" * 400
    prompts = [
        (
            critique_messages(known.critique, query=query, draft=draft, revisions=(), evidence=None, verdict=verdict),
            1700,
        ),
        (revision_messages(known.revision, query=query, text=draft, critique=said), 2100),
    ]
    for messages, material in prompts:
        assert sum(len(message.text) for message in messages) < 2 * material


@pytest.mark.parametrize(
    ("reply", "text", "accepted"),
    [
        (f"Good.\n{ACCEPT}", "Good.", True),
        (f"Good.\r\n\r\n{ACCEPT}\r\n", "Good.", True),
        (f"Weak end.\n\n{REVISE}\n\n", "Weak end.", False),
        (f"Good.\n```json\n{ACCEPT}\n```", "Good.", True),
        (f"Good.\n\n```\n{ACCEPT}\n```\n", "Good.", True),
        (f"Weak.\n```json\n{REVISE}\n```", "Weak.", False),
        (f"```json\n{ACCEPT}\n```", NOTHING_LEFT, True),
        (ACCEPT, NOTHING_LEFT, True),
        (f"  {ACCEPT} ", NOTHING_LEFT, True),
        (REVISE, "", False),
        (f"Use\n```py\nx = 1\n```\n{ACCEPT}", "Use\n```py\nx = 1\n```", True),
    ],
)
def test_a_verdict_is_read_and_taken_off(reply: str, text: str, accepted: bool) -> None:
    assert read_verdict(reply) == (text, accepted)


@pytest.mark.parametrize(
    "reply",
    [
        "This needs more than minimal revisions.",
        "I accept. Nothing is left to improve.",
        f"{ACCEPT} is what I would say if it were good.",
        f"Verdict: {ACCEPT}",
        f"{ACCEPT}\nBut the end is weak.",
        f"Good. {ACCEPT}",
        '{"verdict": "Accept"}',
        '{"verdict": "accepted"}',
        '{"verdict": true}',
        '{"verdict": "accept", "why": "good"}',
        '{"verdict": "revise", "verdict": "accept"}',
        '[["verdict", "accept"]]',
        '{"verdict": ["accept"]}',
        "{'verdict': 'accept'}",
        '{"verdict": "accept"',
        "[]",
        "{}",
        "null",
        "```",
        f"x```json\n{ACCEPT}\n```",
        f"```yaml\n{ACCEPT}\n```",
        "",
    ],
)
def test_a_missing_or_malformed_verdict_never_accepts_and_takes_nothing_off(reply: str) -> None:
    assert read_verdict(reply) == (reply, False)


@given(anything)
def test_whatever_stands_before_a_verdict_survives(text: str) -> None:
    assert read_verdict(f"{text}\n{ACCEPT}") == (text.rstrip() or NOTHING_LEFT, True)


@given(anything)
def test_a_reply_without_a_verdict_is_left_as_it_is(text: str) -> None:
    assert read_verdict(f"{text}.") == (f"{text}.", False)


def test_a_last_line_that_nests_too_deeply_is_prose() -> None:
    reply = "[" * 200_000
    assert read_verdict(reply) == (reply, False)
