"""Clients that write, read back what they wrote, and race; and what must be in the store when they are done.

It counts, and collects what is wrong. It never stops at the first wrong: how many of how many is the finding.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from companions.entries import Entry
from sessions.store import Store
from tests.wire.processes import Connection
from tests.wire.reading import run_log, show
from tests.wire.scripted_caller import prose_of

Body = dict[str, Any]
KINDS = {"draft": "draft", "critique": "critique", "revise": "revision"}
SHOWN = {"draft": ("answer", "text"), "critique": ("latest_critique", "critique"), "revise": ("answer", "text")}
"""By step, the part and its key that show what the step wrote."""
KEPT = "kept as an alternative"


def texts_of(name: str, step: str, number: int) -> str:
    """Make a text that nobody else writes, near enough to the others of its session to be a version of them."""
    return f"The store keeps every step, so nothing that was answered is lost. Session {name}: {step} number {number}."


@dataclass(slots=True)
class Found:
    """What was counted, what is wrong, and what the store must hold.

    Attributes:
        written: By session, the kind and text of each step that was answered, in order.
        beside: By session, the texts of losers that were told to be kept.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    written: dict[str, list[tuple[str, str]]] = field(default_factory=dict[str, list[tuple[str, str]]])
    beside: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def check(self, holds: bool, complaint: str) -> bool:
        """Note a complaint unless something holds."""
        if not holds:
            self.wrong.append(complaint)
        return holds

    async def call(self, client: Connection, tool: str, arguments: Body) -> tuple[Body, str]:
        """Call a tool; gives the body, empty if it was refused, and the text."""
        self.counts["calls"] += 1
        try:
            result = await client.call_tool(tool, arguments, raise_on_error=False)
        except Exception as error:  # noqa: BLE001 - whatever a client sees here is a finding
            self.wrong.append(f"{tool} failed on the wire: {error!r}")
            return {}, ""
        return ({} if result.is_error else result.structured_content), prose_of(result)

    async def step(self, client: Connection, session_id: str | None, step: str, text: str, **given: Any) -> str:
        """Make a step with a text and read it back at once, from whichever process answers; gives the session's id."""
        place = {} if session_id is None else {"session_id": session_id}
        body, told = await self.call(client, step, {**place, "text": text, **given})
        done = body.get("status") == "done" and not body.get("already_done")
        if not self.check(done, f"{step} was not done: {told}"):
            return session_id or ""
        self.counts["steps"] += 1
        self.written.setdefault(body["session_id"], []).append((KINDS[step], text))
        await self.reads(client, body["session_id"], step, text)
        return body["session_id"]

    async def reads(self, client: Connection, session_id: str, step: str, text: str) -> None:
        """Check that whichever process answers shows a text."""
        part, key = SHOWN[step]
        body, told = await self.call(client, "show_thinking", {"session_id": session_id, "part": part})
        self.counts["read back"] += 1
        self.check(body.get(key) == text, f"{part} of {session_id} does not show {text!r} but {told[:300]!r}")

    async def think(self, client: Connection, name: str, steps: int) -> str:
        """Drive one session for so many steps: a draft, then critiques and revisions in turn."""
        query = f"What does {name} keep?"
        session_id = await self.step(client, None, "draft", texts_of(name, "draft", 0), query=query)
        for number in range(1, steps if session_id else 0):
            step = "critique" if number % 2 else "revise"
            await self.step(client, session_id, step, texts_of(name, step, number))
        self.counts["sessions"] += bool(session_id)
        return session_id

    async def race(self, clients: Sequence[Connection], session_id: str, step: str, name: str) -> None:
        """Let clients write the same step at once, each another text: one wins, the others are told what became."""
        texts = [texts_of(name, f"{step} by {number}", len(self.written[session_id])) for number in range(len(clients))]
        given = [{"session_id": session_id, "text": text} for text in texts]
        answers = await asyncio.gather(*(self.call(c, step, g) for c, g in zip(clients, given, strict=True)))
        self.counts["races"] += 1
        winners = [n for n, (body, _) in enumerate(answers) if body and not body.get("already_done")]
        told = [text for _, text in answers]
        if not self.check(len(winners) == 1, f"a race for {step} had {len(winners)} winners: {told}"):
            return
        stands = texts[winners[0]]
        self.written[session_id].append((KINDS[step], stands))
        for number, (body, words) in enumerate(answers):
            if number != winners[0]:
                self._lost(session_id, body, words, texts[number], stands)
        await asyncio.gather(*(self.reads(client, session_id, step, stands) for client in clients))

    def _lost(self, session_id: str, body: Body, words: str, text: str, stands: str) -> None:
        """Check that a loser was told what became of its text."""
        if body:
            self.counts["losers told not recorded"] += 1
            told = "text" in str(body.get("not_recorded")) and body.get("text") == stands
            self.check(told, f"the loser in {session_id} was not told: {words}")
        elif self.check(KEPT in words, f"the loser in {session_id} was told: {words}"):
            self.counts["losers told kept beside"] += 1
            self.beside.setdefault(session_id, []).append(text)

    async def settled(self, store: Store) -> None:
        """Compare the store's entries with what was answered."""
        for session_id, written in self.written.items():
            entries = await store.page(session_id, limit=10_000)
            self.counts["entries"] += len(entries)
            seqs = [entry.seq for entry in entries]
            self.check(seqs == list(range(1, len(seqs) + 1)), f"the entries of {session_id} have gaps: {seqs}")
            self.check(len({entry.id for entry in entries}) == len(entries), f"{session_id} holds an entry twice")
            stored = [(entry.kind, entry.text) for entry in entries if entry.kind in KINDS.values()]
            self.check(stored == written, f"{session_id} holds {stored} and not {written}")
            kept = sorted(_alternatives(entries))
            beside = sorted(self.beside.get(session_id, []))
            self.check(kept == beside, f"{session_id} holds the alternatives {kept} and not {beside}")

    async def shown(self, client: Connection) -> None:
        """Compare each session's whole run_log, read page by page, with what was answered."""
        for session_id, written in self.written.items():
            log = await run_log(client, session_id)
            for kind in KINDS.values():
                mine = [text for each, text in written if each == kind]
                texts = [each.text for each in log[kind]]
                self.check(texts == mine, f"the run_log of {session_id} shows {texts} and not {mine}")


def _alternatives(entries: Sequence[Entry]) -> list[str]:
    return [entry.text for entry in entries if entry.kind == "alternative"]


async def phase(client: Connection, session_id: str) -> str:
    """Give the phase that a session shows."""
    return (await show(client, session_id, "phase"))["phase"]
