"""Native sessions over MCP: what the provider is sent and keeps, and that nobody notices when it has lost it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client, FastMCP

import server
from companions import responses_api
from companions.entries import Entry
from companions.errors import ModelReplyError
from companions.requests import Request
from middleware.authentication import LOCAL
from sessions import erasing
from sessions.asked import Caller
from sessions.retention import Retention, prune
from sessions.sessions import Sessions
from tests.provider import replies
from tests.provider.server import KEY, Provider
from tests.sessions.faults import until

pytest_plugins = ("tests.provider.fixtures",)

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """A program in this process, and a client of it."""

    wired: server.Wired
    client: Client[Any]

    @property
    def sessions(self) -> Sessions:
        return self.wired.calls.desk.sessions

    async def __call__(self, tool: str, **arguments: Any) -> Body:
        body: Body = (await self.client.call_tool(tool, arguments)).structured_content or {}
        return body

    async def entries(self, session_id: str, kind: str = "draft") -> list[Entry]:
        return [each for each in await self.sessions.store.page(session_id, limit=1_000) if each.kind == kind]

    async def kept(self, session_id: str) -> list[Body]:
        return [entry.meta.get("native", {}) for entry in await self.entries(session_id)]


Start = Callable[..., Any]


@pytest.fixture
async def start(provider: Provider, tmp_path: Path) -> AsyncIterator[Start]:
    """Start programs on one store, with native sessions unless a setting says otherwise."""
    async with AsyncExitStack() as stack:

        async def started(**chosen: Any) -> Program:
            usual: Body = {
                "store": f"sqlite:///{tmp_path / 'sessions.db'}",
                "spool": tmp_path / "spool",
                "model": "openai:gpt-4.1-mini",
                "OPENAI_API_KEY": KEY,
                "OPENAI_BASE_URL": provider.url,
                "native_sessions": True,
            }
            wired, made = await asyncio.to_thread(_made, usual | chosen)
            return Program(wired, await stack.enter_async_context(Client(made)))

        yield started


def _made(settings: Body) -> tuple[server.Wired, FastMCP]:
    wired = server.Wired.of(server.Settings(**settings))
    return wired, wired.server()


async def drafted(program: Program, count: int, session_id: str | None = None) -> tuple[str, list[Body]]:
    """Make drafts of one session."""
    bodies = list[Body]()
    for number in range(count):
        given = {} if session_id is None else {"session_id": session_id}
        bodies.append(await program("draft", query=f"Query {time.monotonic_ns()} {number}?", **given))
        session_id = str(bodies[-1]["session_id"])
    assert session_id is not None
    return session_id, bodies


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


async def test_what_could_not_be_deleted_is_named_when_a_session_is_forgotten(start: Start, provider: Provider) -> None:
    program = await start()
    session_id, _ = await drafted(program, 2)
    kept = list(provider.responses.kept)
    provider.responses.deleting = 400
    told = await program("forget_session", session_id=session_id)
    (advice,) = told["advice"]
    assert "2 drafts" in advice
    assert all(response in advice for response in kept)
    assert told["forgotten"] is True


async def test_forgetting_does_not_wait_for_a_provider_that_hangs(start: Start, provider: Provider) -> None:
    program = await start()
    session_id, _ = await drafted(program, 1)
    provider.responses.deleting = None
    kept = await program.sessions.copies.found(session_id)
    left = await program.sessions.copies.delete(kept, 0.2)
    assert kept is not None
    assert kept[0] in left[0]


async def test_erasing_an_owner_deletes_all_that_the_provider_keeps_of_theirs(start: Start, provider: Provider) -> None:
    program = await start()
    for _ in range(2):
        await drafted(program, 2)
    erased = await erasing.erase(program.sessions, LOCAL)
    assert (erased.sessions, erased.elsewhere, provider.responses.kept) == (2, (), {})


async def test_an_archived_session_is_deleted_there_and_goes_on_when_it_is_used_again(
    start: Start, provider: Provider
) -> None:
    program = await start()
    session_id, _ = await drafted(program, 2)
    head = await program.sessions.store.head(session_id)
    assert head is not None
    program.sessions.observing.archived(head.opening)
    await until(lambda: not provider.responses.kept)
    await drafted(program, 1, session_id)
    assert (await program.kept(session_id))[-1]["fell_back"] == "expired"


async def test_a_session_that_is_pruned_is_deleted_there_too(start: Start, provider: Provider) -> None:
    program = await start()
    await drafted(program, 2)
    store, leaving = program.sessions.store, program.sessions.copies.leave
    await program.sessions.projector.flush()
    later = time.time() + 100
    pruned = await prune(store, Retention(delete=10), later, dry_run=False, holder="tests", leaving=leaving)
    assert pruned.deleted == 1
    await until(lambda: not provider.responses.kept)


async def test_a_response_that_no_entry_names_is_deleted_in_the_end(
    start: Start, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await start()
    provider.queue("A first answer.", replies.text("too long " * 200))
    session_id, _ = await drafted(program, 1)
    session = await program.sessions.find(LOCAL, session_id)
    asked = Request(step="draft", query="Long?", text_limit=1_000)
    with pytest.raises(ModelReplyError, match="more than 1,000 bytes"):
        await program.wired.calls.desk.step(session, "generic", asked, Caller())
    assert len(provider.responses.kept) == 2
    named = (await program.kept(session_id))[0]["response_id"]
    api = program.sessions.copies.provider
    assert isinstance(api, responses_api.ResponsesAPI)
    await until(lambda: named not in api._unrecorded)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(responses_api, "UNRECORDED_SECONDS", 0.0)
    await drafted(program, 1, session_id)
    await until(lambda: len(provider.responses.deleted) == 1)
    assert named in provider.responses.kept
