"""Reading a session back: every part, page by page, byte for byte, and the numbers as the texts have them."""

import json
import random
import re
from collections.abc import AsyncIterator
from functools import cache
from itertools import pairwise
from typing import Any, get_args

import pytest
from rapidfuzz.distance import Indel

from companions.entries import Entry
from companions.errors import InputError
from sessions.reading import Body, Part, Reading
from sessions.store import Store
from tests.sessions.faults import OWNER, Process
from tests.sessions.pages import merged, pages, rest_of_text

PARTS: tuple[Part, ...] = get_args(Part)
CHANNEL = 100_000
"""Most bytes that a host is sent at a time."""
SENTENCE = 'the cat sat on a mat and it was {warm} so "nobody" moved until: supper, 漢字 🧠 naïve'
WORDS = SENTENCE.split(" ")


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    made = Process.on(store)
    yield made
    await made.calls.close()


@pytest.fixture
def reading(process: Process) -> Reading:
    return Reading(calls=process.calls)


async def thought(process: Process, *revisions: str, query: str = "Q?", draft: str = "Draft.") -> str:
    session_id = (await process.step("draft", query=query, text=draft)).session_id
    for number, revision in enumerate(revisions):
        await process.step("critique", session_id, text=f"Critique {number}.")
        await process.step("revise", session_id, text=revision)
    return session_id


@cache
def prose(size: int, seed: int = 0) -> str:
    """Give a text of about so many bytes, in paragraphs, with characters of one to four bytes."""
    chance, words, length = random.Random(seed), list[str](), 0  # noqa: S311 - the same text every time
    while length < size:
        words.append(chance.choice(WORDS) + chance.choice(["", "", "", ".\n", ".\n\n"]))
        length += len(words[-1].encode()) + 1
    return " ".join(words)


def newest(entries: list[Entry], kind: str, slot: int = 0) -> list[str]:
    """Give the texts of a kind as they stand: of each place the last one written."""
    return list({entry.index: entry.text for entry in entries if (entry.kind, entry.slot) == (kind, slot)}.values())


def measured(before: str, after: str) -> float:
    """Measure two versions again, from the raw texts."""
    one, other = (tuple(re.findall(r"\w+|[^\w\s]", text.lower())) for text in (before, after))
    return 1.0 if one == other else min(round(Indel.normalized_similarity(one, other), 6), 0.999999)


async def test_every_part_of_a_small_session_says_what_happened(process: Process, reading: Reading) -> None:
    session_id = await thought(process, "Draft two.", "Draft three.")

    async def part(name: Part) -> Body:
        body = await reading.part(OWNER, session_id, None, name)
        assert (body.pop("session_id"), body.pop("companion_type")) == (session_id, "generic")
        return body

    assert (await part("answer"))["text"] == "Draft three."
    critique = await part("latest_critique")
    assert (critique["critique"], critique["critique_number"], critique["based_on"]) == ("Critique 1.", 2, 1)
    revision = await part("penultimate_revision")
    assert (revision["revision"], revision["revision_number"]) == ("Draft two.", 1)
    phase = await part("phase")
    assert (phase["phase"], phase["critiques_count"], phase["revisions_count"]) == ("critique", 2, 2)
    (slot,) = (await part("run_log"))["run_log"]
    assert {name: slot[name] for name in ("query", "draft", "critique", "revision")} == {
        "query": "Q?",
        "draft": "Draft.",
        "critique": ["Critique 0.", "Critique 1."],
        "revision": ["Draft two.", "Draft three."],
    }
    lines = (await part("timeline"))["timeline"]
    assert [line["kind"] for line in lines] == ["query", "draft", "critique", "revision", "critique", "revision"]
    transcript = (await part("transcript"))["text"]
    assert [transcript.count(text) for text in ("Q?", "Draft.", "Critique 1.", "Draft three.")] == [1, 1, 1, 1]
    assert "Critique 1" not in (await part("instructions"))["text"]
    history = await reading.history(OWNER, session_id, "generic")
    assert [message["content"] for message in history["history"]] == ["Q?", "Draft three."]


@pytest.mark.parametrize(("size", "at_once"), [(1_000, True), (60_000, True), (100_000, False), (199_000, False)])
async def test_a_long_text_is_read_on_from_where_the_page_before_ended(
    process: Process, reading: Reading, size: int, at_once: bool
) -> None:
    texts = [prose(size, seed) for seed in range(3)]
    session_id = await thought(process, texts[0], texts[1], draft=prose(size, 3))
    await process.step("critique", session_id, text=texts[2])
    places: list[tuple[Part, str]] = [("penultimate_revision", "revision"), ("answer", "text")]
    places.append(("latest_critique", "critique"))
    for (part, key), text in zip(places, texts, strict=True):
        read = await pages(reading, session_id, part)
        assert "".join(page[key] for page in read) == text
        assert (len(read) == 1) is at_once


async def test_long_texts_come_back_byte_for_byte_through_run_log_and_transcript(
    process: Process, reading: Reading
) -> None:
    texts = [prose(195_000, seed) for seed in range(4)]
    session_id = await thought(process, texts[1], texts[2], texts[3], query=texts[0], draft="x" * 200_000)
    run_log = await pages(reading, session_id, "run_log")
    transcript = "".join(page["text"] for page in await pages(reading, session_id, "transcript"))
    for text in (*texts, "x" * 200_000):
        assert transcript.count(text) == 1
    (slot,) = merged(run_log)
    pieces = [slot["query"], slot["draft"], *slot["revision"]]
    mores = [page["more"] for page in run_log if "more" in page]
    assert len(mores) == len(pieces)
    for piece, more, text in zip(pieces, mores, [texts[0], "x" * 200_000, *texts[1:]], strict=True):
        assert piece + await rest_of_text(reading, session_id, more, len(text) - len(piece)) == text


async def test_a_text_of_megabytes_comes_back_where_the_limit_lets_it_in(process: Process, reading: Reading) -> None:
    text = "words and " * 250_000
    session_id = (await process.step("draft", query="Q?", text=text, text_limit=3_000_000)).session_id
    await process.step("critique", session_id, text="Short.")
    transcript = "".join(page["text"] for page in await pages(reading, session_id, "transcript"))
    assert transcript.count(text) == 1
    assert transcript.count("Short.") == 1


async def test_no_page_of_any_part_is_more_than_a_channel_carries(process: Process, reading: Reading) -> None:
    long = "word " * 39_800
    session_id = await thought(process, long + "one", long + "two", query=long, draft=long)
    await process.step("critique", session_id, text=long, evidence=long)
    bodies = {part: await pages(reading, session_id, part) for part in PARTS}
    told = {part: max(len(json.dumps(body)) for body in read) for part, read in bodies.items()}
    told["history"] = len(json.dumps(await reading.history(OWNER, session_id, "generic")))
    assert {part: size for part, size in told.items() if size > CHANNEL} == {}


async def long_session(process: Process) -> str:
    """Make a session of 500 entries: many revisions in one slot, redone ones and guarded ones among them."""
    chance, texts = random.Random(1), [prose(300, 0)]  # noqa: S311 - the same session every time
    session_id = await thought(process, draft=texts[0])
    while len(texts) < 226:
        await process.step("critique", session_id, text=f"Critique {len(texts)}.", evidence=f"Fact {len(texts)}.")
        words = texts[-1].split(" ")
        words[chance.randrange(len(words))] = chance.choice(WORDS)
        await process.step("revise", session_id, text=" ".join(words))
        texts.append(" ".join(words))
        if len(texts) % 5 == 0:
            other = "No." if len(texts) % 10 else " ".join(reversed(words))
            await process.step("revise", session_id, text=other, redo=True)
            texts[-1] = texts[-1] if other == "No." else other
    return session_id


async def test_a_long_session_comes_back_whole_through_its_pages_and_with_what_its_texts_themselves_say(
    process: Process, reading: Reading
) -> None:
    session_id = await long_session(process)
    entries = await process.entries(session_id)
    assert len(entries) > 495
    (slot,) = merged(await pages(reading, session_id, "run_log"))
    await the_similarities_are_measured(reading, session_id, entries, slot)
    for kind in ("critique", "revision"):
        assert slot[kind] == newest(entries, kind)
    lines = [line for page in await pages(reading, session_id, "timeline") for line in page["timeline"]]
    assert [(line["seq"], line["kind"]) for line in lines] == [(entry.seq, entry.kind) for entry in entries[1:]]
    newest_lines = await reading.part(OWNER, session_id, None, "timeline", offset=-1)
    assert (newest_lines["timeline"], newest_lines["earlier"], newest_lines["next_offset"]) == (
        lines[-100:],
        True,
        None,
    )
    transcript = "".join(page["text"] for page in await pages(reading, session_id, "transcript"))
    place = 0
    for entry in entries[1:]:
        place = transcript.index(entry.text, place) + len(entry.text)
        if "evidence" in entry.meta:
            place = transcript.index(entry.meta["evidence"], place)


async def the_similarities_are_measured(
    reading: Reading, session_id: str, entries: list[Entry], slot: dict[str, Any]
) -> None:
    """Measure the versions again, and hold all that is told of them to it."""
    versions = [entries[2].text, *newest(entries, "revision")]
    expected = [measured(before, after) for before, after in pairwise(versions)]
    read = await pages(reading, session_id, "convergence_analysis")
    pairs = {tuple(pair["revision_pair"]): pair["similarity"] for page in read for pair in page["similarities"]}
    assert pairs == {(number, number + 1): each for number, each in enumerate(expected)}
    assert slot["similarity"] == expected
    assert len(set(expected)) > 50
    assert {page["iterations"] for page in read} == {len(expected)}
    drawn = (await reading.newest_convergence(OWNER, session_id, None))["similarities"]
    assert [(pair["revision_pair"][1], pair["similarity"]) for pair in drawn] == [*enumerate(expected, start=1)][-100:]
    assert (await reading.part(OWNER, session_id, None, "convergence_analysis", offset=-1))["similarities"] == drawn
    with pytest.raises(InputError, match="no such slot or offset"):
        await reading.part(OWNER, session_id, None, "run_log", offset=-1)
