"""Without a key: the caller writes, and what was answered is kept, whatever happens to the process."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire import scripted_caller
from tests.wire.processes import PLACES, Era, Kind, Program, Served, Stdio, serving, serving_http
from tests.wire.reading import part, resource, run_log
from tests.wire.scripted_caller import ScriptedCaller, assert_sized

AWKWARD = "{name} {{0}} %s %(x)s ${HOME} {braces} \"double\" 'single' `tick` \\n \\ </text> 漢字 🧠👩🏽‍🚀\u202e\ufeff"
LINES = "\n  first\r\nsecond\tline\n\n\n--- \nNext: nothing. \n<critique>\n"
LONG = "Das Gedächtnis hält {alles} fest. 🧠\n\n" * 4_400
"""Just under 200 kB."""
STEPS = (
    ("draft", AWKWARD),
    ("critique", f"{LINES}{AWKWARD}"),
    ("revise", LONG),
    ("critique", LONG[::-1]),
    ("revise", f"{AWKWARD}{LINES}"),
)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("http")) as served:
        yield served


@pytest.fixture
def program(http: Served, tmp_path: Path, kind: Kind) -> Program:
    """A program to ask; the HTTP one is shared, since no test of it minds the others' sessions."""
    return http if kind == "http" else Stdio(folder=tmp_path)


# Trap 1: a shipped entry point that lists no tools. Trap 3: no key, no start.
@pytest.mark.parametrize(("kind", "era"), PLACES)
async def test_a_caller_that_does_only_what_one_channel_says_gets_to_the_end_without_a_key(
    program: Program, era: Era
) -> None:
    async with program.client(era) as client:
        for channel in (scripted_caller.structured, scripted_caller.prose):
            caller = ScriptedCaller(client, channel)
            end = await caller.think(f"How does {{a store}} keep {channel.__name__}? 漢字 \"quoted\" \\ 'it'")
            assert [tool for tool, _ in caller.texts] == ["draft", "critique", "revise", "critique", "revise"]
            assert "critic_satisfied" in end.seen
            draft, *others = [text for _, text in caller.texts]
            session_id = caller.replies[0].structured_content["session_id"]
            (slot,) = (await part(client, session_id, "run_log"))["run_log"]
            assert slot["draft"] == draft
            assert slot["critique"][:2] == others[::2]
            assert slot["revision"] == others[1::2]
            assert slot["stop_reason"] == "critic_satisfied"
            assert (await part(client, session_id, "answer"))["text"] == others[-1]


async def told_everywhere(client: Any, session_id: str, done: list[tuple[str, str]]) -> None:
    """Check that every step so far is shown, byte for byte, by every part that can show it."""
    texts = {kind: [text for step, text in done if step == kind] for kind in ("draft", "critique", "revise")}
    shown = await run_log(client, session_id)
    for kind, step in (("draft", "draft"), ("critique", "critique"), ("revision", "revise")):
        for one, text in zip(shown[kind], texts[step], strict=True):
            assert one.is_all_of(text)
    current = (texts["revise"] or texts["draft"])[-1]
    standing = await part(client, session_id, "answer")
    if standing["version"] == len(texts["revise"]):  # a guarded revision is kept, and is not the answer
        assert standing["text"] == current
    timeline = await part(client, session_id, "timeline")
    assert [line["kind"] for line in timeline["timeline"]][1:] == [
        {"revise": "revision"}.get(step, step) for step, _ in done
    ]
    phase = await part(client, session_id, "phase")
    assert (phase["critiques_count"], phase["revisions_count"]) == (len(texts["critique"]), len(texts["revise"]))
    assert phase["phase"] == ("revise" if done[-1][0] == "critique" else "critique")
    transcript = (await part(client, session_id, "transcript"))["text"]
    for _, text in done:
        assert text in transcript
    pairs = (await part(client, session_id, "convergence_analysis"))["similarities"]
    assert len(pairs) == len(texts["revise"])
    if texts["critique"]:
        newest = await part(client, session_id, "latest_critique")
        assert newest["critique"] == texts["critique"][-1]
        read = await resource(client, f"resource://sessions/{session_id}/generic/latest_critique")
        assert newest["critique"].startswith(read["critique"])
        assert len(read["critique"]) == len(newest["critique"]) or "more" in read
    if len(texts["revise"]) > 1:
        assert (await part(client, session_id, "penultimate_revision"))["revision"] == texts["revise"][-2]


# Trap 20: a brace in a person's text raised KeyError. Trap 21: what went wrong in call 5 lost calls 1 to 4.
# Trap 25: transports close when a process goes, and the store was wiped.
async def test_no_answered_step_is_lost_when_the_process_is_killed_right_after_its_answer(tmp_path: Path) -> None:
    # Over stdio only: tests/survival kills servers over HTTP.
    program, session_id, done = Stdio(folder=tmp_path), "", list[tuple[str, str]]()
    for number, steps in enumerate((STEPS[:1], STEPS[1:3], STEPS[3:], ())):
        async with program.client("auto" if number % 2 else "legacy") as client:
            if done:
                await told_everywhere(client, session_id, done)
            for step, text in steps:
                given = {"session_id": session_id} if session_id else {"query": f"{AWKWARD}{LINES}?"}
                result = await client.call_tool(step, {**given, "text": text})
                assert_sized(result)
                assert result.structured_content["status"] == "done"
                session_id, done = result.structured_content["session_id"], [*done, (step, text)]
            if steps:
                program.kill()


# Trap 8: the transport's session won over the caller's, so that whoever reconnected could not go on.
# Trap 18: a second client advanced the first one's session. Trap 25: a disconnect deleted it.
@pytest.mark.parametrize(("kind", "era"), [("http", era) for era in ("auto", "legacy")])
async def test_a_client_that_reconnects_goes_on_with_its_session_and_advances_no_other(
    program: Program, era: Era
) -> None:
    async with program.client(era) as first:
        mine = (await first.call_tool("draft", {"query": f"mine {era}?", "text": "Mine."})).structured_content
    async with program.client(era) as second, program.client(era) as third:
        theirs = (await third.call_tool("draft", {"query": f"theirs {era}?", "text": "Theirs."})).structured_content
        ids = {"session_id": mine["session_id"]}
        await second.call_tool("critique", {**ids, "text": "Say more."})
        done = (await second.call_tool("revise", {**ids, "text": "Mine, and more."})).structured_content
        assert done["iteration"] == 1
        phase = await part(third, theirs["session_id"], "phase")
        assert (phase["phase"], phase["critiques_count"]) == ("critique", 0)


# Trap 6: the phase check read arguments of another shape and always looked at the companion "generic".
# Trap 12: after a restart only the companions that were touched were saved, and the others were lost.
async def test_companions_of_one_session_keep_their_own_phases_and_texts_over_a_restart(tmp_path: Path) -> None:
    kinds = ("generic", "strategy", "marketing")
    with serving("http", tmp_path) as program:
        async with program.client("auto") as client:
            begun = await client.call_tool("draft", {"query": "Whereto?", "text": "draft of generic"})
            ids = {"session_id": begun.structured_content["session_id"]}
            for kind in kinds[1:]:
                given = {**ids, "companion_type": kind, "query": "Whereto?", "text": f"draft of {kind}"}
                await client.call_tool("draft", given)
            await client.call_tool("critique", {**ids, "companion_type": "strategy", "text": "Vague."})
            refused = await client.call_tool("revise", {**ids, "companion_type": "generic"}, raise_on_error=False)
            assert refused.is_error
        program.kill()
    with serving("http", tmp_path) as program:
        async with program.client("legacy") as client:
            await client.call_tool(
                "revise", {**ids, "companion_type": "strategy", "text": "draft of strategy, sharper"}
            )
            for kind, phase in zip(kinds, ("critique",) * 3, strict=True):
                told = await part(client, ids["session_id"], "phase", companion_type=kind)
                assert (told["phase"], told["critiques_count"]) == (phase, int(kind == "strategy"))
                (slot,) = (await part(client, ids["session_id"], "run_log", companion_type=kind))["run_log"]
                assert slot["draft"] == f"draft of {kind}"
            listed = json.dumps((await client.call_tool("list_sessions", {})).structured_content)
            assert all(kind in listed for kind in kinds)
