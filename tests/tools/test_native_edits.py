"""Native sessions whose history is edited: the provider is told everything anew, once, and goes on from there."""

import asyncio

from tests.provider import replies
from tests.provider.server import Provider
from tests.tools.native_programs import Start, drafted

pytest_plugins = ("tests.provider.fixtures", "tests.tools.native_fixtures")


async def test_what_was_edited_is_told_anew_once_and_only_the_news_from_then_on(
    start: Start, provider: Provider
) -> None:
    program = await start()
    session_id, bodies = await drafted(program, 2)
    edit = {"session_id": session_id, "slot": 0}
    await program("edit_history", **edit, edit="query", text="What was meant?")
    await drafted(program, 2, session_id)
    told = provider.exchanges[-2].prompt[1:-1]
    assert told[0] == "What was meant?"
    assert told[1] == bodies[0]["text"]
    assert provider.exchanges[-1].prompt[1:5] == told
    # The newest text that the response holds is what the draft is told, and yet it also holds what was left out.
    left_out = await program("edit_history", **edit, edit="leave_out")
    assert left_out["edited"] == ["left_out"]
    await drafted(program, 2, session_id)
    assert "What was meant?" not in provider.exchanges[-1].prompt
    kept = await program.kept(session_id)
    assert [each["sent"] for each in kept] == ["whole", "new", "whole", "new", "whole", "new"]
    assert [each.get("fell_back") for each in kept] == [None, None, "edited", None, "edited", None]
    [again] = [(await program("edit_history", **edit, edit="leave_out"))["already_done"]]
    assert again is True


async def test_an_edit_by_another_process_while_a_draft_is_written_is_heeded_by_the_next_one(
    start: Start, provider: Provider
) -> None:
    program, other = await start(), await start()
    session_id, _ = await drafted(program, 2)
    gate = replies.Signal()
    provider.queue(replies.text("Written from all of it.", pieces=2, gate=gate))
    third = asyncio.create_task(drafted(program, 1, session_id))
    await provider.asked(3)
    await other("edit_history", session_id=session_id, slot=0, edit="leave_out")
    gate.set()
    await third
    await drafted(program, 1, session_id)
    # The response that the third draft made was told the first exchange, which no later draft is to be shown.
    kept = await program.kept(session_id)
    assert [(each["sent"], each.get("fell_back")) for each in kept[2:]] == [("new", None), ("whole", "edited")]
    assert len(provider.exchanges[-1].prompt) == 1 + 2 * 2 + 1
