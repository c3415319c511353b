"""The loop as a durable job: step after step until it has ended, then the pick, each stored as it happens.

What is stored is all that there is of a job, so that any process goes on with it after any end of another. It never
writes a step itself: ``steps`` does, and ``picking`` the pick. How long a caller waits is ``calls``'s work.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from companions.companion import Companion, Slot
from companions.entries import Entry, Note
from companions.errors import BudgetError, InputError
from companions.next_step import NextStep, next_step, stop_reason
from companions.requests import Request
from sessions.answers import Answer
from sessions.asked import Caller
from sessions.budgets import Budget, Loop, Spent
from sessions.loops import BOUNDS, Refined, Status, Wish, told
from sessions.picking import Pick
from sessions.running import Running
from sessions.session import Session
from sessions.slots import steps_of
from sessions.steps import Desk
from sessions.usage import in_all, sums_after, tokens


@dataclass(slots=True, kw_only=True)
class Refining:
    """One call's share of a job, until the job has ended, waits for its caller, or is paused.

    Attributes:
        run: How it is told to pause or stop, and tells how far it is.
    """

    desk: Desk
    session: Session
    companion_type: str
    wish: Wish
    caller: Caller
    run: Running
    _newest: Answer | None = None

    async def go(self) -> Refined:
        """Take the loop as far as it gets; another process at the same job is waited for.

        Raises:
            InputError: Nothing can be refined, or the caller's text does not fit; nothing changed.
            ModelError: A model failed; what was stored before stays, and the next call goes on from there.
            StoreError: The store failed, likewise.
        """
        leases, name = self.desk.sessions.leases, f"refine {self.session.session_id} {self.companion_type}"
        if not await leases.take(name):
            await leases.wait(name)
        async with leases.held(name):
            return await self._loop()

    async def _loop(self) -> Refined:
        companion = await self.session.look(self.companion_type)
        request = self._opening(companion)
        if request is None:
            companion = await self._bounded(companion)
            request = self._first(companion)
        self.caller = replace(self.caller, loop=await self._purse(companion))
        while request is not None:
            if self.run.stopping:
                await self._end("cancelled", "It was stopped.")
                break
            if self.run.pausing:
                return await self._told("running")
            try:
                answer = await self.desk.step(self.session, self.companion_type, request, self.caller)
            except BudgetError as error:
                if error.scope != "loop" or (await self.session.look(self.companion_type)).slot is None:
                    raise
                await self._end("budget", error.what)
                break
            self._newest = answer
            if answer.status == "write":
                return await self._told("write")
            self.run.told = _progress(answer, self.caller.loop)
            request = self._request(answer.next)
        return await self._picked()

    def _opening(self, companion: Companion) -> Request | None:
        """Give the request that opens a slot, where one is to be opened."""
        slot, wish = companion.slot, self.wish
        if slot is None and wish.query is None:
            raise InputError("A first refine needs a query.", "Call refine with query: the question to think through.")
        if slot is not None and wish.query in (None, slot.query.text):
            return None
        return self._made(step="draft", query=wish.query, text=wish.text, workflow=self._workflow({}))

    async def _bounded(self, companion: Companion) -> Companion:
        """Record what the loop is bounded by from now on, if that is new, and that it goes on if it was stopped."""
        slot = companion.slot
        known: Mapping[str, Any] = {} if slot is None or slot.workflow is None else slot.workflow.meta
        wanted = self._workflow(known)
        changed = any(wanted.get(name) != known.get(name) for name in BOUNDS)
        if known and not changed and known.get("stop_reason") != "cancelled":
            return companion
        await _record(self.desk, self.session, self.companion_type, lambda _: wanted)
        return await self.session.look(self.companion_type)

    def _workflow(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """Give what is recorded of a loop that begins or goes on."""
        bounds = {name: getattr(self.wish, name) or known.get(name) for name in BOUNDS}
        kept = {"workflow_id": known.get("workflow_id") or secrets.token_hex(8), "workflow": "refine"}
        return kept | {"orchestrator": self.companion_type} | {name: each for name, each in bounds.items() if each}

    def _first(self, companion: Companion) -> Request | None:
        """Give the first request of this call; a text that is stored already is a repeat."""
        coming, wish, slot = next_step(companion), self.wish, companion.slot
        if coming.step is None or slot is None:
            return None
        text = None if wish.text == slot.newest.text and slot.newest.kind != "query" else wish.text
        satisfied = wish.satisfied and coming.step == "critique"
        return self._made(step=coming.step, redo=coming.redo, text=text, satisfied=satisfied)

    def _request(self, coming: NextStep) -> Request | None:
        return None if coming.step is None else self._made(step=coming.step, redo=coming.redo)

    def _made(self, **asked: Any) -> Request:
        return Request(**asked, sampling=self.wish.sampling, text_limit=self.wish.text_limit)

    async def _purse(self, companion: Companion) -> Loop | None:
        """Give the loop's budget, with what the slot's steps have used of it."""
        slot = companion.slot
        stored = None if slot is None or slot.workflow is None else slot.workflow.meta.get("budget_tokens")
        limit = self.wish.budget_tokens or stored
        if limit is None:
            return None
        made: list[Entry] = []
        if slot is not None and self.wish.query in (None, slot.query.text):
            made = [entry async for entry in steps_of(self.session, companion, slot.number)]
        spent = Spent.of(in_all({"": sums_after({}, made)}), self.desk.allowance.prices)
        return Loop(budget=Budget(tokens=limit), spent=spent)

    async def _end(self, reason: str, why: str) -> None:
        await end_loop(self.desk, self.session, self.companion_type, reason, why)

    async def _picked(self) -> Refined:
        companion = await self.session.look(self.companion_type)
        if companion.slot is None or companion.slot.draft is None or stop_reason(companion) == "cancelled":
            return await self._told("done")
        written = self.wish.text if self._newest is None else None
        text = None if written is None or _stored(companion.slot, written) else written
        pick = Pick(
            desk=self.desk,
            session=self.session,
            companion_type=self.companion_type,
            caller=self.caller,
            text=text,
            sampling=self.wish.sampling,
        )
        try:
            comparison = await pick.make()
        except BudgetError as error:
            if error.scope != "loop":
                raise
            return await self._told("done")  # there is nothing left to compare with: the current text stands
        return await self._told("done" if comparison is None else "write", comparison)

    async def _told(self, status: Status, comparison: Mapping[str, str] | None = None) -> Refined:
        companion = await self.session.look(self.companion_type)
        return told(self.session.session_id, companion, status, answer=self._newest, comparison=comparison)


async def end_loop(desk: Desk, session: Session, companion_type: str, reason: str, why: str) -> None:
    """Record that a loop has ended for a reason that its steps do not tell; wherever it runs, it stops there."""

    def ended(slot: Slot) -> Mapping[str, Any] | None:
        known: Mapping[str, Any] = {} if slot.workflow is None else slot.workflow.meta
        if known.get("stop_reason"):
            return None
        return {"workflow_id": secrets.token_hex(8), "workflow": "refine", **known, "stop_reason": reason, "why": why}

    await _record(desk, session, companion_type, ended)


async def _record(
    desk: Desk, session: Session, companion_type: str, say: Callable[[Slot], Mapping[str, Any] | None]
) -> None:
    """Record what is to be said of a companion's newest slot, if there is anything."""
    awake = await session.wake(companion_type)
    async with awake.lock:
        await session.catch_up(awake)
        slot = awake.companion.slot
        meta = None if slot is None else say(slot)
        if slot is None or meta is None:
            return
        note = Note(companion_type=companion_type, kind="workflow", slot=slot.number, meta=meta)
        await desk.sessions.project(session, awake.companion, await session.record(awake, [note]))


def _stored(slot: Slot, text: str) -> bool:
    return any(entry is not None and entry.text == text for entry in (slot.newest, slot.draft, slot.revision))


def _progress(answer: Answer, loop: Loop | None) -> str:
    """Tell how far a loop is: phase, iteration, similarity, tokens."""
    said = [f"{answer.step} done", f"iteration {answer.iteration}"]
    entry = answer.entry
    if entry is not None and entry.meta.get("similarity") is not None:
        said.append(f"similarity {entry.meta['similarity']:.3f}")
    if loop is not None:
        said.append(f"{loop.spent.tokens:,} of {loop.budget.tokens:,} tokens")
    elif entry is not None and (used := tokens(entry.meta.get("usage", {}))):
        said.append(f"{used:,} tokens")
    return ", ".join(said)
