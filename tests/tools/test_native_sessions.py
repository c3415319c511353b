"""Native sessions over MCP: what the provider is sent, and that nobody notices when it has lost it."""

from pathlib import Path

from tests.provider.server import Provider
from tests.tools.native_programs import Start, drafted

pytest_plugins = ("tests.provider.fixtures", "tests.tools.native_fixtures")


def sent(provider: Provider) -> list[int]:
    """Give how many texts each draft was sent."""
    return [len(body["input"]) for body in provider.bodies if "input" in body]


async def test_a_session_of_drafts_sends_each_query_once_and_its_model_is_shown_all_of_it(
    start: Start, provider: Provider
) -> None:
    program = await start()
    session_id, bodies = await drafted(program, 10)
    assert sent(provider) == [1] * 10
    queries = [entry.text for entry in await program.entries(session_id, "query")]
    texts = [body["text"] for body in bodies]
    told = [text for exchange in zip(queries, texts, strict=True) for text in exchange]
    assert provider.exchanges[-1].prompt[1:] == told[:-1]


async def test_an_expired_response_in_the_middle_is_invisible(start: Start, provider: Provider) -> None:
    program = await start()
    session_id, before = await drafted(program, 3)
    provider.responses.forget()
    _, after = await drafted(program, 3, session_id)
    keys = [sorted(body) for body in (*before[1:], *after)]
    assert keys == [keys[0]] * 5
    assert [body["advice"] for body in after] == [before[-1]["advice"]] * 3
    kept = await program.kept(session_id)
    assert [each["sent"] for each in kept] == ["whole", "new", "new", "whole", "new", "new"]
    assert [each.get("fell_back") for each in kept] == [None, None, None, "expired", None, None]
    assert len(provider.exchanges[-1].prompt) == 1 + 2 * 5 + 1


async def test_another_process_goes_on_from_the_entry(start: Start, provider: Provider) -> None:
    session_id, _ = await drafted(await start(), 2)
    await drafted(await start(), 1, session_id)
    assert sent(provider) == [1, 1, 1]
    assert len(provider.exchanges[-1].prompt) == 6


async def test_an_answer_that_was_revised_is_told_and_not_its_draft(start: Start, provider: Provider) -> None:
    program = await start()
    session_id, _ = await drafted(program, 1)
    await program("critique", session_id=session_id)
    revised = await program("revise", session_id=session_id)
    await drafted(program, 1, session_id)
    assert provider.exchanges[-1].prompt[2] == revised["text"]
    assert sent(provider) == [1, 3]
    assert [body.get("store") for body in provider.bodies] == [True, None, None, True]


async def test_a_draft_that_is_written_again_leaves_the_first_attempt_out(start: Start, provider: Provider) -> None:
    program = await start()
    session_id, bodies = await drafted(program, 2)
    await program("draft", session_id=session_id, redo=True)
    again = await program.entries(session_id)
    assert again[-1].meta["native"]["held"][:2] == again[0].meta["native"]["held"]
    assert bodies[1]["text"] not in provider.exchanges[-1].prompt[:-1]
    assert len(provider.exchanges[-1].prompt) == 4
    assert sent(provider) == [1, 1, 1]


async def test_a_draft_that_the_caller_wrote_is_told_from_then_on(start: Start, provider: Provider) -> None:
    program = await start()
    session_id, _ = await drafted(program, 1)
    await program("draft", session_id=session_id, query="Mine?", text="My own answer.")
    await drafted(program, 1, session_id)
    assert sent(provider) == [1, 5]
    assert provider.exchanges[-1].prompt[3:5] == ["Mine?", "My own answer."]


async def test_a_fork_goes_on_from_its_parent_and_without_it_once_that_is_forgotten(
    start: Start, provider: Provider
) -> None:
    program = await start()
    parent, _ = await drafted(program, 2)
    forked = (await program("fork_session", session_id=parent))["session_id"]
    await drafted(program, 1, forked)
    await program("forget_session", session_id=parent)
    assert len(provider.responses.deleted) == 2  # what the fork wrote is the fork's
    other = (await program("fork_session", session_id=forked, at=(await program.entries(forked))[1].seq))["session_id"]
    await drafted(program, 1, other)
    assert sent(provider) == [1, 1, 1, 5]
    assert (await program.kept(other))[-1]["fell_back"] == "expired"


async def test_a_rewound_fork_goes_on_from_where_it_was(start: Start, provider: Provider) -> None:
    program = await start()
    parent, _ = await drafted(program, 3)
    first = (await program.entries(parent))[0]
    forked = (await program("fork_session", session_id=parent, at=first.seq))["session_id"]
    await drafted(program, 1, forked)
    assert provider.bodies[-1]["previous_response_id"] == first.meta["native"]["response_id"]
    assert provider.exchanges[-1].prompt[2] == first.text
    assert len(provider.exchanges[-1].prompt) == 4


async def test_without_the_setting_nothing_is_kept_unless_a_companions_file_says_so(
    start: Start, provider: Provider, tmp_path: Path
) -> None:
    sections = "".join(f"## {name}\n\nBe brief.\n\n" for name in ("Draft", "Critique", "Revision"))
    front = "name: remembering\ndescription: It remembers.\nnative_session: true"
    (tmp_path / "remembering.md").write_text(f"---\n{front}\n---\n\n{sections}")
    program = await start(native_sessions=False, library=tmp_path)
    await drafted(program, 1)
    assert (sent(provider), provider.responses.kept) == ([], {})
    await program("draft", query="And you?", companion_type="remembering")
    assert sent(provider) == [1]
    assert len(provider.responses.kept) == 1
