"""``refine`` as a host sees it: answered within the reply budget, gone on with after a kill, and paid for once."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.provider import replies
from tests.provider.replies import Signal
from tests.provider.server import Provider
from tests.wire import scripted_caller
from tests.wire.processes import Connection, Stdio, serving_http, with_model
from tests.wire.reading import part
from tests.wire.scripted_caller import Channel, Told, assert_sized, write

pytest_plugins = ("tests.provider.fixtures",)

REPLY_SECONDS = 1
MARGIN_SECONDS = 10
"""What a busy machine may take on top; a step that is held lasts longer than both."""
VERSIONS = (
    "The store keeps every step. It is quick to start, and what was answered is never lost by it.",
    "The store keeps every step. It is quick to start, and what it answered is never lost again.",
    "The store may keep a step. It is slow to start, and what it answered is lost now and then.",
)
STEPS = (VERSIONS[0], "Say who answers.", VERSIONS[1], "Say more.", VERSIONS[2])
VOTES = ('{"better": "A"}', '{"better": "D"}')
QUERY = {"query": "What does the store keep?", "max_iterations": 2}


async def called(client: Connection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Call once, and hold the answer to the time that it may take."""
    began = asyncio.get_running_loop().time()
    result = await client.call_tool("refine", dict(arguments))
    assert asyncio.get_running_loop().time() - began < REPLY_SECONDS + MARGIN_SECONDS
    assert_sized(result)
    return result.structured_content


async def waited(client: Connection, body: Mapping[str, Any]) -> dict[str, Any]:
    """Call as each answer says until the loop has ended."""
    async with asyncio.timeout(60):
        while body["status"] == "running":
            assert body["next"]["tool"] == "refine"
            body = await called(client, body["next"]["arguments"])
    return dict(body)


def assert_second_is_the_answer(body: Mapping[str, Any]) -> None:
    assert (body["status"], body["stop_reason"], body["converged"]) == ("done", "max_iterations", False)
    assert (body["answer_version"], body["text"]) == (1, VERSIONS[1])
    # The two comparisons arrive in any order, and so the votes are whatever the queued replies come to.
    assert "compared in both orders because" in body["pick"]


async def test_steps_that_outlast_the_reply_budget_are_answered_running_and_end_in_the_best_version(
    tmp_path: Path, provider: Provider
) -> None:
    program = Stdio(folder=tmp_path, settings=with_model(provider, COMPANIONS_REPLY_SECONDS=str(REPLY_SECONDS)))
    gates = [Signal() for _ in STEPS]
    provider.queue(*(replies.text(text, pieces=3, gate=gate) for text, gate in zip(STEPS, gates, strict=True)), *VOTES)
    async with program.client("legacy") as client:
        body = await called(client, QUERY)
        for number, gate in enumerate(gates):
            await provider.asked(number + 1)
            body = await called(client, body["next"]["arguments"])
            assert (body["status"], body["iteration"]) == ("running", number // 2)
            gate.set()
        body = await waited(client, body)
        assert_second_is_the_answer(body)
        assert len(provider.exchanges) == len(STEPS) + len(VOTES)
        assert (await part(client, body["session_id"], "answer"))["text"] == VERSIONS[1]


async def test_a_loop_whose_process_is_killed_is_finished_by_a_new_one_and_no_stored_step_is_paid_twice(
    tmp_path: Path, provider: Provider
) -> None:
    settings = with_model(provider, COMPANIONS_REPLY_SECONDS=str(REPLY_SECONDS))
    lost = 3
    provider.queue(*STEPS[:lost], replies.broken("hang_mid_stream"), *STEPS[lost:], *VOTES)
    with serving_http(tmp_path, settings) as served:
        async with served.client("auto") as client:
            body = await called(client, QUERY)
            await provider.asked(lost + 1)
        await asyncio.to_thread(served.kill)
    with serving_http(tmp_path, settings) as served:
        async with served.client("auto") as client:
            body = await waited(client, await called(client, {"session_id": body["session_id"]}))
            assert_second_is_the_answer(body)
            (slot,) = (await part(client, body["session_id"], "run_log"))["run_log"]
    assert (slot["draft"], slot["critique"], slot["revision"]) == (VERSIONS[0], [*STEPS[1::2]], [*VERSIONS[1:]])
    assert len(provider.exchanges) == len(STEPS) + len(VOTES) + 1


async def gone_on(client: Connection, channel: Channel, told: Told, *, writings: int) -> Told:
    """Do only what one channel of each answer says, so many times or to the end: write, or compare."""
    for number in range(writings):
        if told.tool is None:
            break
        assert (told.tool, told.writing) == ("refine", True)
        assert ("text_for" in told.arguments) == ("Compare" not in told.prompt)
        asked = next((one for one, two in ("AB", "CD") if f"Give {one}, {two}, or" in told.prompt), None)
        text = asked or write(told.prompt, number)
        result = await client.call_tool("refine", {**told.arguments, "text": text})
        assert_sized(result)
        told = channel(result)
    return told


async def test_a_caller_that_does_only_what_one_channel_says_gets_its_answer_over_a_kill(tmp_path: Path) -> None:
    program = Stdio(folder=tmp_path)
    async with program.client("auto") as client:
        begun = scripted_caller.structured(await client.call_tool("refine", QUERY))
        told = await gone_on(client, scripted_caller.structured, begun, writings=3)
        program.kill()
    async with program.client("legacy") as client:
        again = await client.call_tool("refine", dict(told.arguments))
        assert scripted_caller.structured(again).prompt == told.prompt
        end = await gone_on(client, scripted_caller.prose, scripted_caller.prose(again), writings=20)
        assert end.tool is None
        assert "Stop reason: max_iterations." in end.seen
        session_id = told.arguments["session_id"]
        (slot,) = (await part(client, session_id, "run_log"))["run_log"]
        assert (len(slot["critique"]), len(slot["revision"])) == (2, 2)
        assert (await part(client, session_id, "answer"))["picked"]
