"""Templates: a session's settings and questions, without an answer, and the sessions that begin from them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from companions.errors import InputError
from sessions.archives import files, writing
from sessions.archives.templates import Begun
from sessions.spool.spool import Spool
from sessions.stores.memory.store import MemoryStore
from tests.sessions.archived import TEXT, TEXT_LIMIT, bring, contents, forged, thought, unheard
from tests.sessions.faults import OWNER, Process, until


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    made = Process.on(MemoryStore())
    yield made
    await made.calls.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "template.zip"


async def template(process: Process, path: Path) -> str:
    session_id, *_ = await thought(process)
    session = await process.calls.desk.sessions.find(OWNER, session_id)
    await writing.export_template(session, path)
    return session_id


async def begun(process: Process, path: Path) -> Begun:
    made = await files.bring(process.calls.desk.sessions, OWNER, path, text_limit=TEXT_LIMIT, report=unheard)
    assert isinstance(made, list)
    (one,) = made
    return one


async def test_a_template_holds_no_answer_and_names_nobody(process: Process, path: Path) -> None:
    session_id = await template(process, path)
    held = contents(path)
    body = json.loads(held[f"sessions/{session_id}.json"])
    assert {entry["kind"] for entry in body["entries"]} == {"configure", "query"}
    assert [entry["text"] for entry in body["entries"] if entry["kind"] == "query"] == [
        f"Where? {TEXT}",
        "When?",
        "Why?",
    ]
    whole = b"".join(held.values()).decode()
    for written in ("Draft.", "Critique", "Revision", "Written again", "Now", "Since.", "ann"):
        assert f'"{written}' not in whole


async def test_a_session_from_a_template_waits_for_the_draft_of_each_companion_s_first_query(
    process: Process, path: Path
) -> None:
    old = await template(process, path)
    made = await begun(process, path)
    assert made.session_id != old
    assert made.waiting == {"generic": f"Where? {TEXT}", "strategy": "Why?"}
    assert made.later == (("generic", "When?"),)
    (head,) = await process.calls.desk.sessions.list(OWNER, limit=1)
    assert head.opening.session_id == made.session_id
    assert head.projection is not None
    assert {name: shown["phase"] for name, shown in head.projection.companions.items()} == {
        "generic": "draft",
        "strategy": "draft",
    }
    for name in ("generic", "strategy"):
        assert (await process.step("draft", made.session_id, name, text="There.")).step == "draft"
        await process.step("critique", made.session_id, name, text="Why there?")
    again = await begun(process, path)
    assert again.session_id not in {old, made.session_id}


async def test_a_session_that_was_begun_while_the_store_went_away_is_told_as_waiting_and_comes_home(
    process: Process, path: Path, tmp_path: Path
) -> None:
    await template(process, path)
    spool = Spool(tmp_path / "spool", "the store", limit=1_000_000)
    other = Process.on(MemoryStore(), spool=spool)
    other.store.away = True
    other.calls.desk.sessions.store.seconds = 0.1
    made = await begun(other, path)
    assert (made.spooled, list(spool.waiting)) == (True, [made.session_id])
    other.store.away = False
    await until(lambda: not spool.entries)
    assert (await other.step("draft", made.session_id, "strategy", text="There.")).step == "draft"
    await other.calls.close()
    assert not (await begun(process, path)).spooled


async def test_a_template_with_an_answer_or_without_settings_begins_nothing(process: Process, path: Path) -> None:
    def answered(_body: object, entries: list[dict[str, object]]) -> None:
        entries[-1]["kind"] = "draft"

    def unsettled(_body: object, entries: list[dict[str, object]]) -> None:
        entries[:] = [entry | {"seq": n} for n, entry in enumerate(entries[1:], start=1)]

    session_id = await template(process, path)
    before = (await process.store.size()).sessions
    forged(path, session_id, unsettled)
    with pytest.raises(InputError, match="has no settings"):
        await begun(process, path)
    forged(path, session_id, answered)
    with pytest.raises(InputError, match="is in no template"):
        await bring(process, path)
    assert (await process.store.size()).sessions == before
