"""What a step costs beyond a bare FastMCP tool call, when the caller writes the text and nobody has to think.

Draft, critique and revise with about 1 kB of text each, into SQLite in a temporary folder, in turn with a tool of a
one-tool FastMCP server that takes the same arguments and does nothing: in memory, then over HTTP from two processes.
At last, what of it is learning: steps of a server that learns and tells what it has learned, in turn with those of one
that does neither.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastmcp import Client, FastMCP

import server
from benchmarks.bare_server import mcp as bare_mcp
from benchmarks.figures import p99, revised, row, table, timed, verdict, words
from companions.companion import Companion
from companions.entries import Entry
from middleware.convergence import Convergence
from sessions.learning import Learner
from sessions.session import Session
from terminal.serving import log_to_stderr

ROOT = Path(__file__).resolve().parents[1]
MEMORY_BAR, HTTP_BAR, LEARNING_BAR = 2.0, 1.5, 5.0
SIZE = 1_000
WARM = 10
"""Rounds before the first one that counts."""
ERAS = {"auto": "2026-07-28", "legacy": "2025-11-25"}
STEPS = ("draft", "critique", "revise")
BARE, INSERT = "bare tool", "plain insert"
LEARNS, UNLEARNED = "steps with learning", "steps without"
INSERT_PRAGMAS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE entries (seq INTEGER, text TEXT)"

Samples = defaultdict[str, list[float]]
AnyClient = Client[Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """The samples of one comparison, by what was called.

    Attributes:
        elapsed: Seconds.
        computed: Seconds of this process's processor time.
    """

    elapsed: Samples = field(default_factory=lambda: defaultdict[str, list[float]](list))
    computed: Samples = field(default_factory=lambda: defaultdict[str, list[float]](list))

    def timed(self, name: str) -> AbstractContextManager[None]:
        """Take a sample."""
        return timed(self.elapsed[name], self.computed[name])


async def measure(ours: AnyClient, bare: AnyClient, plain: sqlite3.Connection, rounds: int) -> Taken:
    """Take samples in turn: bare call, step, plain insert."""
    taken, draft = Taken(), words(SIZE)
    opened: Any = (await ours.call_tool("draft", {"query": words(60), "text": draft})).structured_content
    session_id: str = opened["session_id"]
    for number in range(WARM + rounds):
        if number == WARM:
            taken = Taken()
        for step in STEPS:
            text = revised(draft) if step == "revise" else words(SIZE)
            draft = text if step == "draft" else draft
            arguments = {"session_id": session_id, "text": text}
            with taken.timed(BARE):
                await bare.call_tool("noop", arguments)
            asked = arguments | ({"query": words(60)} if step == "draft" else {})
            with taken.timed(step):
                await ours.call_tool(step, asked)
            with taken.timed(INSERT):
                plain.execute("INSERT INTO entries VALUES (?, ?)", (1, text))
                plain.commit()
    return taken


def tell(title: str, taken: Taken) -> tuple[float, float]:
    """Tell the samples; returns the medians of all steps and of the bare call."""
    print(f"\n{title}")
    table("ms")
    bare = row(BARE, taken.elapsed[BARE])
    for step in STEPS:
        row(step, taken.elapsed[step])
    together = _steps(taken.elapsed)
    ours = row("all three steps", together)
    row(f"{INSERT} into SQLite, for comparison", taken.elapsed[INSERT])
    print(f"difference at p99: {1000 * (p99(together) - p99(taken.elapsed[BARE])):.2f} ms")
    return ours, bare


class Untold(Learner):
    """A learner that is not told of what is stored, and so learns nothing."""

    def on_entry(self, session: Session, companion: Companion, entries: Sequence[Entry]) -> None:
        """Let it pass."""


def wired(store: Path, *, learns: bool) -> tuple[FastMCP, Learner]:
    """Give a server and its learner, which counts no slot before it is asked to."""
    program = server.Wired.of(server.Settings(store=f"sqlite:///{store}", model="host"))
    sessions, mcp = program.calls.desk.sessions, program.server()
    known = sessions.learner
    if not learns:
        sessions.learner = Untold(counter=known.counter, knowledge=known.knowledge, left=known.left)
        mcp.middleware = [each for each in mcp.middleware if not isinstance(each, Convergence)]
    sessions.learner.pause = float("inf")
    return mcp, sessions.learner


async def thought(client: AnyClient, session_id: str | None, taken: Taken, name: str) -> str:
    """Have a slot thought through, a step each; gives its session."""
    draft, told = words(SIZE), dict[str, Any](session_id=session_id)
    for step in STEPS:
        text = revised(draft) if step == "revise" else draft
        asked = {"session_id": told["session_id"], "text": text} | ({"query": words(60)} if step == "draft" else {})
        with taken.timed(name):
            told = (await client.call_tool(step, asked)).structured_content or {}
    return told["session_id"]


async def learning(folder: Path, rounds: int) -> None:
    """Compare steps with learning and without it, and tell what counting a slot takes beside them."""
    (ours, learner), (plain, _) = wired(folder / "learns.db", learns=True), wired(folder / "not.db", learns=False)
    taken, sessions = Taken(), dict[str, str]()
    async with Client(ours) as learns, Client(plain) as other:
        clients = {LEARNS: learns, UNLEARNED: other}
        for number in range(WARM + rounds):
            if number == WARM:
                await learner.settle()
                taken = Taken()
            for name in sorted(clients, reverse=bool(number % 2)):
                sessions[name] = await thought(clients[name], sessions.get(name), taken, name)
        began = time.perf_counter()
        await learner.settle()
        counting = time.perf_counter() - began
    print("\nLearning, in memory")
    table("ms")
    with_learning, without = (row(name, taken.elapsed[name]) for name in (LEARNS, UNLEARNED))
    verdict("more at the median", 100 * (with_learning / without - 1), LEARNING_BAR, " %")
    busy = [statistics.median(taken.computed[name]) for name in (LEARNS, UNLEARNED)]
    print(f"more processor time: {100 * (busy[0] / busy[1] - 1):.2f} % (steadier where others use the machine)")
    print(f"counting a slot, beside the steps: {1000 * counting / rounds:.2f} ms")


def _steps(samples: Samples) -> list[float]:
    return [sample for step in STEPS for sample in samples[step]]


async def in_memory(folder: Path, era: str, plain: sqlite3.Connection, rounds: int) -> None:
    """Compare over the memory transport."""
    mcp = server.Wired.of(server.Settings(store=f"sqlite:///{folder}/{era}.db", model="host")).server()
    async with Client(mcp, mode=era) as ours, Client(bare_mcp, mode=era) as bare:
        taken = await measure(ours, bare, plain, rounds)
    step, call = tell(f"In memory, protocol {ERAS[era]}", taken)
    verdict("difference of medians", 1000 * (step - call), MEMORY_BAR, " ms")
    busy = statistics.median(_steps(taken.computed)) - statistics.median(taken.computed[BARE])
    print(f"difference in processor time: {1000 * busy:.2f} ms (steadier where others use the machine)")


async def over_http(ours_url: str, bare_url: str, era: str, plain: sqlite3.Connection, rounds: int) -> None:
    """Compare over HTTP."""
    async with Client(ours_url, mode=era) as ours, Client(bare_url, mode=era) as bare:
        taken = await measure(ours, bare, plain, rounds)
    step, call = tell(f"Over HTTP, protocol {ERAS[era]}", taken)
    verdict("ratio of medians", step / call, HTTP_BAR)


@contextlib.contextmanager
def serving(folder: Path, *command: str) -> Generator[str]:
    """Start a server on a free port; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "COMPANIONS_STORE": f"sqlite:///{folder}/http.db",
    }
    run = [sys.executable, *command, str(port)]
    with subprocess.Popen(run, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def main() -> None:
    """Compare in memory and over HTTP, in both protocol eras."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="of draft, critique and revise (200)")
    rounds = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory() as made,
        contextlib.closing(sqlite3.connect(f"{made}/plain.db")) as plain,
        Path(os.devnull).open("w") as nowhere,
    ):
        plain.executescript(INSERT_PRAGMAS)
        with contextlib.redirect_stderr(nowhere):
            log_to_stderr("INFO")  # a call's line is made as when serving; it is only not shown
        folder = Path(made)
        for era in ERAS:
            asyncio.run(in_memory(folder, era, plain, rounds))
        ours = serving(folder, "server.py", "serve", "--http", "--port")
        with ours as ours_url, serving(folder, "benchmarks/bare_server.py") as bare_url:
            for era in ERAS:
                asyncio.run(over_http(ours_url, bare_url, era, plain, rounds))
        asyncio.run(learning(folder, rounds))


if __name__ == "__main__":
    main()
