"""Sends hostile inputs to a server, each followed by a good call, and says what went wrong.

What is sent is made by ``hostile`` and ``invented``, half of it each; how much is sent is the caller's choice.
"""

import asyncio
import contextlib
import json
from collections.abc import Generator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol

from mcp.shared.inbound import NAME_BEARING_METHODS, encode_header_value

from tests.wire.hostile import LEAKS, Attack, Attacker
from tests.wire.invented import invent
from tests.wire.processes import Era, Kind, Served, serving_http
from tests.wire.raw_stdio import ANSWER_SECONDS, LEGACY, MODERN, WHO, RawHost, raw_host

SETTINGS = {"COMPANIONS_MODEL": "host", "COMPANIONS_REPLY_SECONDS": "5"}
MOST_TOLD = 20
"""Complaints after which nothing more is sent: a server that died answers nothing."""
LONGEST_NAME = 4_000
"""Characters of a name that a header repeats; servers bound the length of headers."""


class Target(Protocol):
    """A server that is struck."""

    @property
    def attacker(self) -> Attacker:
        """Who makes inputs that name a session of this server."""
        ...

    def strike(self, number: int, attack: Attack) -> str:
        """Send an input and a good call; gives all that was answered.

        Raises:
            AssertionError, OSError, HTTPException: The server did not answer as it has to.
        """
        ...


def strike(kind: Kind, era: Era, folder: Path, inputs: int, first: int = 0) -> list[str]:
    """Send so many inputs, the first of that number; gives complaints."""
    complaints: list[str] = []
    with _struck(kind, era, folder) as (target, log):

        def send(number: int, attack: Attack) -> None:
            if len(complaints) < MOST_TOLD:
                complaints.extend(f"input {number} ({attack.kind}): {what}" for what in _harm(target, number, attack))

        numbers = range(first, first + inputs)
        for number in numbers[::2]:
            send(number, target.attacker.attack(number))
        invent(target.attacker, numbers[1::2], send)
    text = log.read_text()
    return complaints + ([f"the log: {text[text.index('Traceback') :][:3_000]}"] if "Traceback" in text else [])


def _harm(target: Target, number: int, attack: Attack) -> list[str]:
    try:
        told = target.strike(number, attack)
    except (AssertionError, OSError, HTTPException, asyncio.CancelledError) as error:
        return [f"{error!r}, of {attack.line[:200]!r}"]
    return [f"tells {leak!r}: {told[:500]}" for leak in LEAKS if leak in told]


@contextlib.contextmanager
def _struck(kind: Kind, era: Era, folder: Path) -> Generator[tuple[Target, Path]]:
    if kind == "stdio":
        # Hypothesis calls what it drives: the loop runs only while an input is on its way.
        with asyncio.Runner() as runner:
            opened = raw_host(folder, era, SETTINGS)
            host = runner.run(opened.__aenter__())
            try:
                runner.run(host.begin())
                drafted = runner.run(host.done("draft", query="Q?", text="One."))
                attacker = Attacker(drafted["session_id"], meta(era))
                yield Lines(attacker, host, runner), host.log
                runner.run(host.done("show_thinking", session_id=attacker.session_id, part="answer"))
            finally:
                runner.run(opened.__aexit__(None, None, None))
    else:
        with serving_http(folder, SETTINGS | {"COMPANIONS_HTTP_STATELESS": "true"}) as served:
            session_id = call(served, "draft", query="Q?", text="One.")["structuredContent"]["session_id"]
            yield Bodies(Attacker(session_id, meta(era)), served, era), served.log
            assert not call(served, "show_thinking", session_id=session_id, part="answer").get("isError")


@dataclass(frozen=True, slots=True)
class Lines:
    """A server over stdio: each input is a line, and the good call the next one, whatever became of the input."""

    attacker: Attacker
    host: RawHost
    runner: asyncio.Runner

    def strike(self, number: int, attack: Attack) -> str:
        """Send both lines."""
        before = len(self.host.lines)
        self.runner.run(self._line(number, attack))
        return b"".join(self.host.lines[before:]).decode()

    async def _line(self, number: int, attack: Attack) -> None:
        answer = self.host.raw(number, attack.line)
        good = await asyncio.wait_for(self.host.call("list_sessions", limit=1), ANSWER_SECONDS)
        assert not good["result"].get("isError"), good
        if attack.answered:
            await asyncio.wait_for(answer, ANSWER_SECONDS)


@dataclass(frozen=True, slots=True)
class Bodies:
    """A server over HTTP: each input is the body of a request."""

    attacker: Attacker
    served: Served
    era: Era

    def strike(self, number: int, attack: Attack) -> str:
        """Send both requests."""
        del number
        status, told = post(self.served, attack.line, headers(self.era, attack.line))
        assert status < 500, (status, told[:500])
        good = call(self.served, "list_sessions", self.era, limit=1)
        assert not good.get("isError"), good
        return told


def call(served: Served, tool: str, era: Era = "legacy", **arguments: Any) -> dict[str, Any]:
    """Call a tool as a client without a protocol session."""
    params = meta(era) | {"name": tool, "arguments": arguments}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    status, told = post(served, body, headers(era, body))
    assert status == 200, told
    return json.loads(told.split("data: ", 1)[-1])["result"]


def post(served: Served, body: Any, more: dict[str, str] | None = None) -> tuple[int, str]:
    """Post a body, or the pieces of one whose length is not told; gives the status and what was answered."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=ANSWER_SECONDS)
    accepted = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        connection.request("POST", "/mcp", body, accepted | (more or {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def headers(era: Era, body: bytes) -> dict[str, str]:
    """Give the headers of a protocol; in the newer one they repeat what the body says, where it says anything."""
    if era == "legacy":
        return {"MCP-Protocol-Version": LEGACY}
    given = {"MCP-Protocol-Version": MODERN}
    with contextlib.suppress(ValueError, LookupError, RecursionError, AttributeError, TypeError):
        message = json.loads(body)
        given["Mcp-Method"] = encode_header_value(message["method"])[:LONGEST_NAME]
        name = message["params"].get(NAME_BEARING_METHODS.get(message["method"]))
        given |= {"Mcp-Name": encode_header_value(name)} if name and len(name) < LONGEST_NAME else {}
    return given


def meta(era: Era) -> dict[str, Any]:
    """Give what each request of a protocol carries in its parameters."""
    if era == "legacy":
        return {}
    return {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": WHO,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    }
