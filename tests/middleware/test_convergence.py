"""What was learned stands in the state of each request for a loop, and a reply says of it what is useful."""

import json
import time
from collections.abc import Sequence
from statistics import median_low
from typing import Any

import pytest
from fastmcp import Client, Context, FastMCP

import server
from companions.patterns.sample import Revised, Sample
from middleware.convergence import Convergence
from sessions.intelligence import STATE
from sessions.knowledge import Knowledge
from tests.sessions.looping import MORE, loop_of, version
from tests.sessions.writing import log_of
from tests.wire.scripted_caller import assert_sized, prose_of

LENGTHS = (2, 3, 0, 1, 2, 2, 3, 0, 2, 1, 0)
"""Revisions of the loops that are thought through; the last of each leaves the text as it is.

Where there is none, the critic is content with the draft.
"""
MOST = 9


class Served:
    """A server in this process, and its learner, which counts what is over when it is asked to."""

    def __init__(self, **settings: Any) -> None:
        wired = server.Wired.of(server.Settings(store="memory://", max_iterations=MOST, **settings))
        self.sessions = wired.calls.desk.sessions
        self.learner = self.sessions.learner
        self.learner.pause = float("inf")
        self.mcp = wired.server()


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def lossless() -> Served:
    return Served(stopping="lossless")


async def say(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; a line of advice must stand in both channels."""
    told = await client.call_tool(tool, arguments)
    assert_sized(told)
    body: dict[str, Any] = told.structured_content or {}
    assert all(line in prose_of(told) for line in body.get("advice", []))
    return body


async def think(client: Client[Any], versions: Sequence[str]) -> list[dict[str, Any]]:
    """Write a loop of versions; gives what each call was answered."""
    told: list[dict[str, Any]] = []
    for number, text in enumerate(map(str, loop_of(*versions))):
        tool = "revise" if number and number % 2 == 0 else "critique"
        if number == 0:
            told.append(await say(client, "draft", query="Q?", text=text))
        else:
            told.append(await say(client, tool, session_id=told[0]["session_id"], text=text))
    return told


async def thought_through(client: Client[Any], revisions: int) -> list[dict[str, Any]]:
    """Write a loop that ends by itself after so many revisions; gives what each call was answered."""
    if revisions:
        return await think(client, still_after(revisions))
    draft = await say(client, "draft", query="Q?", text=version(0))
    content = {"session_id": draft["session_id"], "text": "Nothing is left.", "satisfied": True}
    return [draft, await say(client, "critique", **content)]


def still_after(revisions: int) -> list[str]:
    return [*(version(4 * number) for number in range(revisions)), version(4 * (revisions - 1))]


async def run_logs(client: Client[Any], sessions: Sequence[str]) -> list[dict[str, Any]]:
    """Read slots as they are served."""
    slots: list[dict[str, Any]] = []
    for session_id in sessions:
        (content,) = await client.read_resource(f"resource://sessions/{session_id}/generic/run_log")
        slots += json.loads(getattr(content, "text"))["run_log"]  # noqa: B009 - of two kinds of content
    return slots


def expected(slots: Sequence[dict[str, Any]], revisions: int) -> str:
    """Say what is to be said of a loop with so many revisions, from loops that ended by themselves: by counting."""
    lengths = [len(slot["revision"]) for slot in slots]
    came = [length for length in lengths if length >= revisions]
    more = [length - revisions for length in lengths if length > revisions]
    if len(more) < 5:
        return f"Too few loops yet went on from here to say how it will go on ({len(slots)} in all)."
    half = median_low(more)
    within = "1 more iteration" if half == 1 else f"{half} more iterations"
    return (
        f"Of {len(came)} earlier loops that came this far, {len(more)} were revised once more; "
        f"of these {len([each for each in more if each <= half])} ended by themselves within {within}."
    )


async def test_advice_goes_from_too_few_to_numbers_that_the_run_logs_give(served: Served) -> None:
    async with Client(served.mcp) as client:
        sessions: list[str] = []
        for done, revisions in enumerate(LENGTHS):
            told = await thought_through(client, revisions)
            if 0 < done < 5:
                line = f"Too few loops yet ({done}) to say how it will go."
                assert [answer.get("advice") for answer in told[:-1]] == [[line]] * (len(told) - 1)
            assert told[-1]["stop_reason"] == ("converged" if revisions else "critic_satisfied")
            assert "advice" not in told[-1]
            sessions.append(told[0]["session_id"])
            await served.learner.settle()

        slots = await run_logs(client, sessions)
        assert [len(slot["revision"]) for slot in slots] == list(LENGTHS)
        told = await think(client, [version(5 * number) for number in range(4)])
    said = [answer["advice"] for answer in told]
    assert said == [[expected(slots, number)] for number in (0, 0, 1, 1, 2, 2, 3)]
    assert said[0][0].startswith("Of 11 earlier loops that came this far, 8 were revised once more; of these 6 ended")
    assert said[-1][0].startswith("Too few loops yet went on from here")


async def test_a_tool_finds_what_is_known_in_the_request_s_state(served: Served) -> None:
    mcp = FastMCP("probe", middleware=[Convergence(sessions=served.sessions, owner=lambda: "local")])

    async def draft(ctx: Context, query: str) -> dict[str, Any]:
        return {"query": query, "known": await ctx.get_state(STATE)}

    mcp.tool(draft)
    for mode in ("auto", "legacy"):
        await served.learner.settle()
        async with Client(mcp, mode=mode) as client:
            body = (await client.call_tool("draft", {"query": "Q?"})).structured_content or {}
        assert body["known"] == {
            "samples": 0,
            "suggestions": ["Too few loops yet (0) to say how it will go."],
        }


async def test_knowledge_that_fails_fails_no_call(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:

    def fails(*_: object) -> None:
        raise RuntimeError("a bug")

    async with Client(served.mcp) as client:
        await think(client, still_after(1))
        monkeypatch.setattr(Knowledge, "of", fails)
        with log_of("companions.learning") as said:
            told = await say(client, "draft", query="Another?", sampling={"execution_mode": "client"})
    assert told["status"] == "write"
    assert "advice" not in told
    assert said == [
        "what was learned could not be said of a call for draft",
        "what was learned of generic with host cannot be said",
    ]


async def test_a_loop_that_is_handed_out_step_by_step_tells_how_it_will_go(served: Served) -> None:
    async with Client(served.mcp) as client:
        for revisions in (2, 2, 2, 2, 2):
            await think(client, still_after(revisions))
        await served.learner.settle()
        opened = await say(client, "refine", query="Q?")
        drafted = await say(client, "refine", **opened["next"]["arguments"], text=version(0))
        critiqued = await say(client, "refine", **drafted["next"]["arguments"], text=MORE)
        line = (
            "Of 5 earlier loops that came this far, 5 were revised once more; "
            "of these 5 ended by themselves within 2 more iterations."
        )
        assert [told["advice"] for told in (opened, drafted, critiqued)] == [[line]] * 3
        done = await say(client, "refine", session_id=opened["session_id"], stop=True)
    assert done["advice"] == ["It has not converged: refine with this session_id goes on."]


async def test_a_consultation_tells_how_its_synthesizer_will_go_on(served: Served) -> None:
    async with Client(served.mcp) as client:
        for revisions in (2, 2, 2, 2, 2):
            await think(client, still_after(revisions))
        await served.learner.settle()
        told = await say(client, "consult", query="Q?", companion_types=["marketing"], synthesizer="generic")
        while told["status"] == "write":
            assert "Of 5 earlier loops" in told["advice"][0]
            told = await say(client, "consult", **told["next"]["arguments"], text=version(0))
    assert "Of 5 earlier loops" in told["advice"][0]


async def test_a_learned_threshold_is_told_with_the_loops_that_it_rests_on(served: Served) -> None:
    settled = Sample(
        revisions=2, censored=False, steps=(Revised(similarity=0.99), Revised(similarity=0.99)), scores=(0.5, 0.5, 0.4)
    )
    better = Sample(
        revisions=2, censored=False, steps=(Revised(similarity=0.99), Revised(similarity=0.99)), scores=(0.5, 0.5, 0.6)
    )
    for sample in [settled] * 30 + [better] * 2:
        served.learner.knowledge.add("generic", "host", sample, time.time())
    async with Client(served.mcp) as client:
        opened = await say(client, "draft", query="Q?", text=version(0))
        await say(client, "critique", session_id=opened["session_id"], text=MORE)
        revised = await client.call_tool("revise", {"session_id": opened["session_id"], "text": version(9)})
        looped = await client.call_tool("refine", {"session_id": opened["session_id"]})
    basis = {"slots": 32.0, "improved": 2.0, "risk": round(3 / 34, 4)}
    for told in (revised, looped):
        assert_sized(told)
        body: dict[str, Any] = told.structured_content or {}
        assert (body["threshold_source"], body["threshold_basis"]) == ("learned", basis)
        rests_on = "learned from 32 loops, 6.2% of which improved later by more than 0.005 a revision"
        assert f"threshold 0 ({rests_on})" in prose_of(told)


async def test_lossless_learns_no_threshold_and_waits_for_a_second_still_revision(lossless: Served) -> None:
    async with Client(lossless.mcp) as client:
        told = await think(client, [version(0), version(0), version(0)])
    assert [answer.get("stop_reason") for answer in told] == [None, None, None, None, "converged"]
