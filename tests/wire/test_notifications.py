"""Change notifications over the wire: a process on the same store has the change, and only its owner hears of it."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.auth import BearerAuth
from pydantic import SecretStr

from tests.wire.processes import ERAS, Connection, Era, Served, serving_http
from tests.wire.test_ways_out import stops
from tests.wire.tokens import Issuer
from tests.wire.watching import LIST, watching

pytestmark = pytest.mark.filterwarnings("ignore:resources/subscribe is removed")
BRIEF_SECONDS = 6


@dataclass(frozen=True, slots=True)
class Pair:
    """Two processes on one store that ask for tokens."""

    issuer: Issuer
    here: Served
    there: Served

    def how(self, who: str) -> dict[str, Any]:
        return {"auth": self.issuer.token(who, "write"), "verify": False}

    def client(self, who: str) -> Connection:
        return Client(self.here.url, **self.how(who))


@pytest.fixture(scope="module", params=["postgres", "redis"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    server: Any = request.getfixturevalue(f"{request.param}_server")
    issuer = Issuer()
    settings = issuer.settings | {"COMPANIONS_MODEL": "host", "COMPANIONS_STORE": server.url("notifications")}
    with ExitStack() as stack:
        here, there = (
            stack.enter_context(serving_http(tmp_path_factory.mktemp("pair"), settings)) for _ in ("here", "there")
        )
        yield Pair(issuer, here, there)


async def opened(client: Connection, query: str = "When?") -> str:
    answer = await client.call_tool("draft", {"query": query, "text": "On Friday."})
    return answer.structured_content["session_id"]


def critique_of(session_id: str) -> str:
    return f"resource://sessions/{session_id}/generic/latest_critique"


@pytest.mark.parametrize("era", ERAS)
async def test_a_watcher_at_another_process_hears_of_its_owner_s_changes_and_nobody_else_does(
    pair: Pair, era: Era
) -> None:
    async with pair.client("ann") as ann, pair.client("bob") as bob:
        hers, his = await opened(ann), await opened(bob)
        uris = ["resource://sessions", critique_of(hers)]
        his_first, his_second = (f"resource://sessions/{his}/generic/run_log/{slot}" for slot in (1, 2))
        his_uris = ["resource://sessions", his_first, his_second]
        async with (
            watching(pair.there.url, era, uris, **pair.how("ann")) as owner,
            watching(pair.there.url, era, his_uris, **pair.how("bob")) as foreign,
        ):
            assert owner.honored == uris
            await bob.call_tool("draft", {"session_id": his, "query": "At what time?", "text": "At nine."})
            await foreign.until(his_first)
            await ann.call_tool("critique", {"session_id": hers, "text": "Which one?"})
            await owner.until(*uris)
            await opened(ann, "Another?")
            await owner.until(LIST, "resource://sessions")
            await ann.call_tool("forget_session", {"session_id": hers})
            await owner.until(LIST, *uris)
            # What comes of his own change comes behind all that was sent of hers.
            await bob.call_tool("draft", {"session_id": his, "query": "And where?", "text": "Here."})
            assert {*await foreign.until(his_second)} <= {*his_uris}


@pytest.mark.parametrize("pair", ["redis"], indirect=True)
@pytest.mark.parametrize("era", ERAS)
async def test_a_foreign_session_cannot_be_watched_and_is_told_like_an_unknown_one(pair: Pair, era: Era) -> None:
    async with pair.client("ann") as ann:
        hers = await opened(ann)
        told: list[str] = []
        async with pair.client("bob") as bob:
            his = await opened(bob)
        for wanted in (hers, hers[::-1]):
            try:
                async with watching(pair.there.url, era, [critique_of(wanted)], **pair.how("bob")) as watched:
                    told.append(f"watches {watched.honored}")
            except Exception as error:  # noqa: BLE001 (it is what is compared)
                told.append(str(error).replace(wanted, "ID"))
        assert told[0] == told[1]
        assert ("There is no session" in told[0]) if era == "legacy" else (told[0] == "watches []")
        uris = [critique_of(his)] if era == "legacy" else [critique_of(hers), critique_of(his)]
        async with watching(pair.there.url, era, uris, **pair.how("bob")) as foreign:
            assert foreign.honored == [critique_of(his)]
            await ann.call_tool("critique", {"session_id": hers, "text": "Which one?"})
            async with pair.client("bob") as bob:
                await bob.call_tool("critique", {"session_id": his, "text": "Why?"})
            assert {*await foreign.until(critique_of(his))} == {critique_of(his)}


@pytest.mark.parametrize("pair", ["redis"], indirect=True)
async def test_without_a_scope_nothing_is_heard(pair: Pair) -> None:
    async with pair.client("ann") as ann:
        how = {"auth": pair.issuer.token("ann", "mail"), "verify": False}
        with pytest.raises(Exception, match="lacks the scope"):
            async with watching(pair.there.url, "auto", ["resource://sessions"], **how):
                pass
        async with (
            watching(pair.there.url, "legacy", [], **how) as without,
            watching(pair.there.url, "legacy", [], **pair.how("ann")) as fence,
        ):
            with pytest.raises(Exception, match="lacks the scope"):
                await without.client.session.subscribe_resource("resource://sessions")
            await opened(ann)
            await fence.until(LIST)
            assert without.told == []


@pytest.mark.parametrize("pair", ["redis"], indirect=True)
async def test_a_legacy_connection_hears_until_its_newest_token_ends(pair: Pair) -> None:
    ends = time.time() + BRIEF_SECONDS
    brief, renewed = (BearerAuth(pair.issuer.token("ann", "write", seconds=BRIEF_SECONDS)) for _ in range(2))
    lasting = SecretStr(pair.issuer.token("ann", "write"))
    async with (
        watching(pair.there.url, "legacy", ["resource://sessions"], auth=brief, verify=False) as ended,
        watching(pair.there.url, "legacy", ["resource://sessions"], auth=renewed, verify=False) as fence,
        pair.client("ann") as ann,
    ):
        renewed.token = lasting
        await fence.client.call_tool("list_sessions", {})
        while time.time() <= ends + 1:
            await opened(ann)
            await fence.until(LIST, "resource://sessions")
        ended.told.clear()
        await opened(ann)
        await fence.until(LIST, "resource://sessions")
        brief.token = lasting  # nothing is sent in the meantime: it asks again, and hears again
        assert ended.told == []
        await ended.client.session.subscribe_resource("resource://sessions")
        await opened(ann)
        await ended.until(LIST, "resource://sessions")


@pytest.mark.parametrize("era", ERAS)
async def test_an_open_stream_holds_no_end_up_and_is_told_of_it(era: Era, tmp_path: Path) -> None:
    with serving_http(tmp_path) as served:
        async with watching(served.url, era, ["resource://sessions"], verify=False) as watched:
            await opened(watched.client)
            await watched.until("resource://sessions")
            await stops(served, signal.SIGTERM)
            if era == "auto":
                await watched.until_the_end()


async def test_a_server_without_connections_says_to_legacy_clients_that_it_notifies_none(tmp_path: Path) -> None:
    with serving_http(tmp_path, {"COMPANIONS_HTTP_STATELESS": "true"}) as served:
        with pytest.raises(Exception, match="keeps no connections"):
            async with watching(served.url, "legacy", ["resource://sessions"], verify=False):
                pass
        async with watching(served.url, "auto", ["resource://sessions"], verify=False) as watched:
            await opened(watched.client)
            await watched.until("resource://sessions", LIST)
