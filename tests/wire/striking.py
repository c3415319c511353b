"""Sends hostile inputs to a server, each followed by a good call, and says what went wrong.

What is sent is made by ``hostile``; how many inputs are sent is the caller's choice.
"""

import asyncio
import json
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.wire.hostile import LEAKS, Attack, Attacker
from tests.wire.processes import Era, Served, serving_http
from tests.wire.raw_stdio import ANSWER_SECONDS, MODERN, WHO, RawHost, raw_host

SETTINGS = {"COMPANIONS_MODEL": "host", "COMPANIONS_REPLY_SECONDS": "5"}


async def strike_stdio(folder: Path, era: Era, numbers: Iterable[int]) -> list[str]:
    """Send each input as a line of standard input; gives complaints."""
    complaints: list[str] = []
    async with raw_host(folder, era, SETTINGS) as host:
        await host.begin()
        opened = await host.done("draft", query="Q?", text="One.")
        attacker = Attacker(opened["session_id"], meta(era))
        for number in numbers:
            attack, before = attacker.attack(number), len(host.lines)
            try:
                await _line(host, number, attack)
            except TimeoutError:
                complaints.append(f"input {number} ({attack.kind}): no answer in {ANSWER_SECONDS} s")
            told = b"".join(host.lines[before:]).decode()
            complaints += _leaks(number, attack, told)
        await host.done("show_thinking", session_id=opened["session_id"], part="answer")
    return complaints + _logged(host.log)


async def _line(host: RawHost, number: int, attack: Attack) -> None:
    answer = host.raw(number, attack.line)
    good = await asyncio.wait_for(host.call("list_sessions", limit=1), ANSWER_SECONDS)
    assert not good["result"].get("isError"), (number, attack.kind, good)
    if attack.answered:
        await asyncio.wait_for(answer, ANSWER_SECONDS)


def strike_http(folder: Path, numbers: Iterable[int]) -> list[str]:
    """Send each input as the body of a request; gives complaints."""
    complaints: list[str] = []
    with serving_http(folder, SETTINGS | {"COMPANIONS_HTTP_STATELESS": "true"}) as served:
        session_id = call(served, "draft", query="Q?", text="One.")["structuredContent"]["session_id"]
        attacker = Attacker(session_id, {})
        for number in numbers:
            attack = attacker.attack(number)
            try:
                status, told = post(served, attack.line)
            except (OSError, HTTPException) as error:
                complaints.append(f"input {number} ({attack.kind}): {error!r}")
                continue
            if status >= 500:
                complaints.append(f"input {number} ({attack.kind}): status {status}: {told[:500]}")
            complaints += _leaks(number, attack, told)
            if call(served, "list_sessions", limit=1).get("isError"):
                complaints.append(f"input {number} ({attack.kind}): the good call after it failed")
    return complaints + _logged(served.log)


def _leaks(number: int, attack: Attack, told: str) -> list[str]:
    return [f"input {number} ({attack.kind}): tells {leak!r}: {told[:500]}" for leak in LEAKS if leak in told]


def _logged(log: Path) -> list[str]:
    text = log.read_text()
    return [f"the log: {text[text.index('Traceback') :][:3_000]}"] if "Traceback" in text else []


def call(served: Served, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool as a legacy client without a protocol session."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    status, told = post(served, json.dumps(message).encode())
    assert status == 200, told
    return json.loads(told.split("data: ", 1)[-1])["result"]


def post(served: Served, body: Any) -> tuple[int, str]:
    """Post a body, or the pieces of one whose length is not told; gives the status and what was answered."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=ANSWER_SECONDS)
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-06-18",
    }
    try:
        connection.request("POST", "/mcp", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


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
