"""Settings of stores as a user meets them: what they change. ``test_refused_settings`` has those that are wrong."""

import asyncio
import json
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.wire.processes import ERAS, Connection, Era, Stdio, serving_http
from tests.wire.reading import part, resource, run_log

BACKGROUND = {"COMPANIONS_DURABILITY": "background"}
TWO_HOURS = 7_200
SECONDS = 20.0
LOOK_SECONDS = 0.02
pytestmark = pytest.mark.timeout(180)


def entries(file: Path) -> int:
    """Count what the store holds."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT count(*) FROM entries").fetchone()[0]


async def until_stored(file: Path, count: int) -> None:
    deadline = time.monotonic() + SECONDS
    while (found := await asyncio.to_thread(entries, file)) < count:
        assert time.monotonic() < deadline, f"{found} of {count} entries"
        await asyncio.sleep(LOOK_SECONDS)


async def answered(client: Connection, count: int = 3) -> dict[str, Any]:
    """Take some steps; gives the session and the texts that were answered."""
    begun = await client.call_tool("draft", {"query": "Stored?", "text": "Draft 0."})
    ids, texts = {"session_id": begun.structured_content["session_id"]}, ["Draft 0."]
    for number in range(1, count):
        text = f"Text {number}."
        done = await client.call_tool("critique" if number % 2 else "revise", {**ids, "text": text})
        assert done.structured_content["status"] == "done"
        texts.append(text)
    return ids | {"texts": texts}


async def is_all_there(folder: Path, told: dict[str, Any], era: Era) -> None:
    """Read a session in a process of its own."""
    async with Stdio(folder=folder).client(era) as client:
        found = await run_log(client, told["session_id"])
    assert sorted(shown.text for texts in found.values() for shown in texts) == sorted(told["texts"])


@pytest.mark.parametrize("era", ERAS[:1])
async def test_in_the_background_steps_are_answered_while_the_store_is_locked_and_stored_by_the_end(
    tmp_path: Path, era: Era
) -> None:
    file = tmp_path / "sessions.db"
    with serving_http(tmp_path, BACKGROUND) as served:
        async with served.client(era) as client:
            begun = await answered(client, 1)
            await until_stored(file, 3)
            before = entries(file)
            with closing(sqlite3.connect(file, isolation_level=None)) as lock:
                lock.execute("BEGIN IMMEDIATE")
                done = await client.call_tool("critique", {"session_id": begun["session_id"], "text": "At once."})
                assert not any("store" in line for line in done.structured_content.get("advice", ()))
                assert entries(file) == before
        served.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(served.process.wait, SECONDS)
    begun["texts"].append("At once.")
    await is_all_there(tmp_path, begun, era)


async def test_in_the_background_what_a_moment_has_passed_over_outlives_a_kill(tmp_path: Path) -> None:
    program = Stdio(folder=tmp_path, settings=BACKGROUND)
    async with program.client("auto") as client:
        told = await answered(client, 6)
        await until_stored(tmp_path / "sessions.db", 8)  # the settings and the query are entries too
        program.kill()
    await is_all_there(tmp_path, told, "legacy")


def aged(file: Path, session_id: str) -> None:
    """Make it two hours since a session was last used."""
    with closing(sqlite3.connect(file)) as connection, connection:
        changed = connection.execute(
            "UPDATE sessions SET last_used = last_used - ?, created_at = created_at - ? WHERE id = ?",
            (TWO_HOURS, TWO_HOURS, session_id),
        )
        assert changed.rowcount == 1


async def listed(client: Connection, **given: Any) -> list[str]:
    result = await client.call_tool("list_sessions", given)
    return [session["session_id"] for session in result.structured_content["sessions"]]


@pytest.mark.parametrize("era", ERAS[:1])
async def test_an_archived_session_is_found_by_search_and_id_and_is_back_once_it_is_used(
    tmp_path: Path, era: Era
) -> None:
    settings = {"COMPANIONS_RETENTION": "archive=1h"}
    with serving_http(tmp_path, settings) as served:
        async with served.client(era) as client:
            old, new = [
                (await client.call_tool("draft", {"query": f"The {age} one?", "text": "Yes."})).structured_content
                for age in ("old", "new")
            ]
            assert await listed(client) == [new["session_id"], old["session_id"]]
    aged(tmp_path / "sessions.db", old["session_id"])
    with serving_http(tmp_path, settings) as served:
        async with served.client(era) as client:
            assert await listed(client) == [new["session_id"]]
            assert old["session_id"] not in json.dumps(await resource(client, "resource://sessions"))
            assert await listed(client, search="the old") == [old["session_id"]]
            assert (await part(client, old["session_id"], "answer"))["text"] == "Yes."
            assert await listed(client) == [new["session_id"]]
            await client.call_tool("critique", {"session_id": old["session_id"], "text": "Still?"})
            assert await listed(client) == [old["session_id"], new["session_id"]]
