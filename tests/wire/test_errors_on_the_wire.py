"""What goes wrong, as a caller sees it: one text of what is wrong and what to do, nothing recorded, nothing leaked."""

import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from companions.entries import Entry
from sessions.store import Append, Opening
from sessions.stores.sqlite.store import SQLiteStore
from tests.wire.processes import ERAS, Connection, Era, Served, Stdio, serving_http
from tests.wire.reading import show
from tests.wire.scripted_caller import prose_of

FOREIGN = "alicesownsession0000"
SECRET = "hunter2-{secret}"  # noqa: S105 - looks like one, to be found where it does not belong
LEAKS = re.compile(
    r"hunter2|Traceback|pydantic|fastmcp|\.py\b|/work|/tmp|site-packages|Error calling|input_value|https?://",
    re.IGNORECASE,
)
SENTENCES = re.compile(r"^[A-Za-z].*?[.] .*[.]$", re.DOTALL)
BEGUN, WAITING, CRITIQUED = "begun", "waiting", "critiqued"
"""Stand for sessions: with a draft, with a query alone, and with a draft and a critique."""
SERVER = {"execution_mode": "server"}

# The tool, its arguments (a session by the name that stands for it), and what the error says.
CALLS: dict[str, tuple[str, dict[str, Any], str]] = {
    "critique before any draft": ("critique", {"session_id": WAITING}, "no draft to critique.*Call draft"),
    "revise before any draft": ("revise", {"session_id": WAITING}, "no draft to revise.*Call draft"),
    "revise before any critique": ("revise", {"session_id": BEGUN}, "no critique to answer.*Call critique"),
    "redo of no critique": ("critique", {"session_id": BEGUN, "redo": True}, "no critique to redo"),
    "redo of no revision": ("revise", {"session_id": CRITIQUED, "redo": True}, "no revision of it to redo"),
    "no query": ("draft", {}, "needs a query"),
    "draft done and built upon": ("draft", {"session_id": CRITIQUED}, "critiqued already.*revise"),
    "unknown type": ("draft", {"query": "q", "companion_type": "nobody"}, "no companion type 'nobody'.*generic, guide"),
    "unknown type in a session": ("critique", {"session_id": BEGUN, "companion_type": "nobody"}, "'nobody'.*strategy"),
    "type without draft": ("critique", {"session_id": BEGUN, "companion_type": "strategy"}, "no draft to critique"),
    "type not begun": ("show_thinking", {"session_id": BEGUN, "companion_type": "guide"}, "no companion 'g"),
    "empty text": ("critique", {"session_id": BEGUN, "text": ""}, "text is empty"),
    "blank text": ("revise", {"session_id": CRITIQUED, "text": " \n\t "}, "text is empty"),
    "blank query": ("draft", {"query": "  "}, "query is empty"),
    "blank evidence": ("critique", {"session_id": BEGUN, "evidence": " "}, "evidence is empty"),
    "long text": ("critique", {"session_id": BEGUN, "text": "ä" * 100_001}, "200,002 bytes; the limit is 200,000"),
    "long query": ("draft", {"query": "x" * 200_001}, "200,001 bytes; the limit is 200,000"),
    "long evidence": ("critique", {"session_id": BEGUN, "evidence": "x" * 200_001}, "limit is 200,000"),
    "large call": ("critique", {"session_id": BEGUN, "text": "x" * 900_000}, "limit is 800,000"),
    "unknown provider": ("critique", {"session_id": BEGUN, "sampling": {**SERVER, "model": "nobody:x"}}, "'nobody'"),
    "unknown provider at first": ("draft", {"query": "q", "sampling": {**SERVER, "model": "nobody:x"}}, "'nobody'"),
    "no model": ("critique", {"session_id": BEGUN, "sampling": SERVER}, "No model is configured.*COMPANIONS_MODEL"),
    "no model at first": ("draft", {"query": "q", "sampling": SERVER}, "No model is configured.*kept in session"),
    "unknown session": ("critique", {"session_id": "nobodys"}, "no session 'nobodys'. Your newest sessions: "),
    "foreign session": ("critique", {"session_id": FOREIGN}, f"no session '{FOREIGN}'. Your newest sessions: "),
    "foreign session read": ("show_thinking", {"session_id": FOREIGN}, f"no session '{FOREIGN}'. Your newest"),
    "foreign session drafted": ("draft", {"session_id": FOREIGN, "query": "q"}, f"no session '{FOREIGN}'. Your newest"),
    "path as session": ("show_thinking", {"session_id": "../../etc/passwd"}, "no session '../../etc/passwd'"),
    "missing session": ("critique", {}, "session_id is missing.*Your newest sessions: [a-z0-9]{20}"),
    "empty session": ("revise", {"session_id": ""}, "session_id is missing.*Your newest sessions: [a-z0-9]{20}"),
    "no such slot": ("show_thinking", {"session_id": BEGUN, "slot": 7}, "no slot 7"),
    "negative slot": ("show_thinking", {"session_id": BEGUN, "slot": -1}, "slot must be at least 0"),
    "no critique yet": ("show_thinking", {"session_id": BEGUN, "part": "latest_critique"}, "no critique yet"),
    "no revision yet": ("show_thinking", {"session_id": BEGUN, "part": "penultimate_revision"}, "no penultimate"),
    "no answer yet": ("show_thinking", {"session_id": WAITING, "part": "answer"}, "no answer yet"),
    "unknown part": ("show_thinking", {"session_id": BEGUN, "part": SECRET}, "part must be one of 'timeline', "),
    "not a number": ("show_thinking", {"session_id": BEGUN, "offset": SECRET}, "offset must be a whole number"),
    "limit of none": ("list_sessions", {"limit": 0}, "limit must be at least 1"),
    "limit of too many": ("list_sessions", {"limit": 5_000}, "limit must be at most 50"),
    "not true nor false": ("draft", {"query": "q", "redo": SECRET}, "redo must be true or false"),
    "not a mark": ("revise", {"session_id": CRITIQUED, "score": SECRET}, "score must be a number"),
    "not a text": ("draft", {"query": [SECRET]}, "query must be a text"),
    "not an object": ("draft", {"query": "q", "sampling": SECRET}, "sampling must be an object"),
    "object of a list": ("draft", {"query": "q", "sampling": f'["{SECRET}"]'}, "sampling must be an object"),
    "too hot": ("draft", {"query": "q", "sampling": {"temperature": 9}}, "temperature must be at most 2"),
    "unknown choice": ("draft", {"query": "q", "sampling": {"tempreature": SECRET}}, "tempreature is not known"),
    "unknown mode": ("draft", {"query": "q", "sampling": {"execution_mode": SECRET}}, "must be one of 'server', 'cl"),
    "unknown argument": ("draft", {"query": "q", "thoughts": SECRET}, "thoughts is not an argument"),
    "two unknown arguments": ("revise", {"session_id": CRITIQUED, "a": 1, "b": SECRET}, "a is not an.*b is not an"),
    "unknown tool": ("think", {"text": SECRET}, "no tool 'think'"),
}  # fmt: skip


async def of_another_owner(path: Path) -> None:
    """Put a session of somebody else's into a store."""
    store = SQLiteStore(path)
    given: dict[str, Any] = {"companion_type": "generic", "id": "x", "author": "alice", "at": time.time(), "slot": 0}
    entries = (Entry(kind="query", seq=1, text="Hers?", **given), Entry(kind="draft", seq=2, text=SECRET, **given))
    opening = Opening(session_id=FOREIGN, owner="alice", created_at=time.time())
    await store.append([Append(session_id=FOREIGN, entries=entries, opening=opening)])
    await store.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_http(tmp_path_factory.mktemp("http")) as served:
        yield served


@pytest.fixture(scope="module")
def foreign() -> list[Path]:
    """Stores that hold the foreign session."""
    return []


@pytest.fixture
async def client(served: Served, foreign: list[Path], era: Era) -> AsyncIterator[Connection]:
    path = served.log.parent / "sessions.db"
    if path not in foreign:
        await of_another_owner(path)
        foreign.append(path)
    async with served.client(era) as client:
        yield client


async def begin(client: Connection) -> dict[str, str]:
    """Open the sessions that calls are made on; gives their ids by the names that stand for them."""
    ids: dict[str, str] = {}
    for name in (BEGUN, WAITING, CRITIQUED):
        given = {"query": f"A {name} one?"} | ({} if name == WAITING else {"text": f"The draft of {{{name}}}."})
        ids[name] = (await client.call_tool("draft", given)).structured_content["session_id"]
    await client.call_tool("critique", {"session_id": ids[CRITIQUED], "text": "Too short."})
    return ids


async def everything(client: Connection, ids: dict[str, str]) -> str:
    """Give all that can be seen of the sessions, and which there are."""
    listed = (await client.call_tool("list_sessions", {"limit": 50})).structured_content["sessions"]
    shown = [await show(client, session_id, "run_log") for session_id in ids.values()]
    return json.dumps([sorted(session["session_id"] for session in listed), shown], sort_keys=True)


async def refusal(client: Connection, ids: dict[str, str], case: str) -> str:
    """Make a call that is refused; gives what it said."""
    tool, given, _ = CALLS[case]
    arguments = {name: ids.get(value, value) if name == "session_id" else value for name, value in given.items()}
    result = await client.call_tool(tool, arguments, raise_on_error=False)
    assert result.is_error
    assert result.structured_content is None
    return prose_of(result)


def faults_of(said: str, expected: str) -> list[str]:
    """Say what is wrong with an error's text; nothing, if it is what is wrong and what to do."""
    faults = [] if re.search(expected, said, re.DOTALL) else [f"does not say {expected!r}"]
    faults += [] if SENTENCES.match(said) else ["is not what is wrong and what to do"]
    faults += [f"leaks {found[0]!r}" for found in LEAKS.finditer(said)]
    return [f"{fault}: {said[:300]}" for fault in faults]


# Trap 4: every tool raised after it had changed the state, and the retry said that it was done already.
# Trap 21: an exception in one call lost the calls before it.
@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_is_refused_says_why_and_what_to_do_and_records_nothing(client: Connection) -> None:
    ids = await begin(client)
    wrong: dict[str, list[str]] = {}
    before = await everything(client, ids)
    for case, (_, _, expected) in CALLS.items():
        said = await refusal(client, ids, case)
        faults = faults_of(said, expected)
        after = await everything(client, ids)
        if "The query is kept in session " not in said and after != before:
            faults.append("was refused and recorded something")
        before = after
        wrong |= {case: faults} if faults else {}
    assert wrong == {}
    done = await client.call_tool("revise", {"session_id": ids[CRITIQUED], "text": "The draft of {critiqued}, longer."})
    assert (done.structured_content["status"], done.structured_content["iteration"]) == ("done", 1)


async def test_over_stdio_the_same_calls_are_refused_in_the_same_words(tmp_path: Path) -> None:
    await of_another_owner(tmp_path / "sessions.db")
    async with Stdio(folder=tmp_path).client("legacy") as client:
        ids = await begin(client)
        said = {case: faults_of(await refusal(client, ids, case), CALLS[case][2]) for case in CALLS}
        assert {case: faults for case, faults in said.items() if faults} == {}
        assert (await show(client, ids[BEGUN], "phase"))["phase"] == "critique"


@pytest.mark.parametrize("era", ERAS)
async def test_a_session_of_another_owner_is_refused_exactly_as_one_that_never_was(client: Connection) -> None:
    await begin(client)
    said = [
        prose_of(await client.call_tool("show_thinking", {"session_id": session_id}, raise_on_error=False))
        for session_id in (FOREIGN, "bobs0wnsession000000")
    ]
    assert said[0].replace(FOREIGN, "X") == said[1].replace("bobs0wnsession000000", "X")
    listed = json.dumps((await client.call_tool("list_sessions", {"limit": 50})).structured_content)
    assert FOREIGN not in listed
    assert "Hers?" not in listed + "".join(str(found.uri) for found in await client.list_resources())
