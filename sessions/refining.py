"""The loop as a durable job: step after step until it has ended, then the pick, each stored as it happens.

What is stored is all that there is of a job, so that any process goes on with it after any end of another. It never
writes a step itself: ``steps`` does, and ``picking`` the pick. How long a caller waits is ``calls``'s work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from companions.companion import Companion, Slot
from companions.errors import BudgetError, InputError
from companions.next_step import NextStep, next_step, stop_reason
from companions.picking import is_vote
from companions.requests import Request
from sessions.answers import Answer
from sessions.asked import Caller, asking
from sessions.bounds import CANCELLED, end, loop_of, stopped, take_on, workflow_of
from sessions.budgets import Budget, Loop, Spent
from sessions.loops import Refined, Status, Wish, due, told
from sessions.picking import Pick
from sessions.running import Running
from sessions.session import Session
from sessions.slots import SHOWN, steps_of
from sessions.steps import Desk
from sessions.usage import in_all, sums_after, tokens

GO_ON = "Call refine with a larger max_iterations or another query to go on, or critique to add a step."


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
    _taken: bool = False
    _not_recorded: str | None = None

    async def go(self) -> Refined:
        """Take the loop as far as it gets; another process at the same job is waited for.

        Raises:
            InputError: Nothing can be refined, or the caller's text does not fit; nothing changed.
            ModelError: A model failed; what was stored before stays, and the next call goes on from there.
            StoreError: The store failed, likewise.
        """
        leases, name = self.desk.sessions.leases, f"refine {self.session.session_id} {self.companion_type}"
        if not await leases.take(name):
            self.run.behind = True
            with asking(self.caller):
                await leases.wait(name)
            self.run.behind = False
        async with leases.held(name):
            return await self._loop()

    async def _loop(self) -> Refined:
        request = None if self.run.stopping else await self._begin()
        while request is not None and not self.run.stopping:
            if self.run.pausing:
                return await self._told("running")
            answer = await self._step(request)
            if answer is None:
                break
            if answer.status == "write":
                return await self._told("write")
            if stopped(await self.session.look(self.companion_type)):
                self.run.stopping = True  # by another process, while the step was under way
            request = self._request(answer.next)
        if self.run.stopping:
            await end(self.desk, self.session, self.companion_type, CANCELLED, "It was stopped.")
        return await self._picked()

    async def _begin(self) -> Request | None:
        """Give the first request of this call, with its bounds recorded; ``None`` if the loop has ended."""
        companion = await self.session.look(self.companion_type)
        request = self._opening(companion)
        if request is not None:
            self.caller = replace(self.caller, loop=await self._purse(self.wish.budget_tokens, None))
            return request
        companion = await take_on(self.desk, self.session, companion, self.wish)
        self._sort_out(companion)
        limit = self.wish.budget_tokens or loop_of(companion.slot).get("budget_tokens")
        self.caller = replace(self.caller, loop=await self._purse(limit, companion))
        return self._first(companion)

    def _opening(self, companion: Companion) -> Request | None:
        """Give the request that opens a slot, where one is to be opened."""
        slot, wish = companion.slot, self.wish
        if slot is None and wish.query is None:
            raise InputError("A first refine needs a query.", "Call refine with query: the question to think through.")
        if slot is not None and wish.query in (None, slot.query.text):
            return None
        self._taken = True
        bounds = workflow_of(self.companion_type, wish, {})
        return self._made(step="draft", query=wish.query, text=wish.text, workflow=bounds)

    def _sort_out(self, companion: Companion) -> None:
        """Lay aside what was written for another step than the one that comes next."""
        wish, slot, coming = self.wish, companion.slot, due(companion)
        if slot is None:
            return
        if wish.text_for is not None and wish.text_for != coming:
            if wish.text is not None and not _is_stored(wish.text, slot):
                stands = "the loop has ended" if coming is None else f"next is {coming}"
                self._not_recorded = f"The text was not recorded: it is for {wish.text_for}, and {stands}."
            self.wish = replace(wish, text=None, satisfied=False)
        elif wish.satisfied and coming is not None and next_step(companion).step != "critique":
            self._not_recorded = f"satisfied=true was not taken: it is said of a critique, and next is {coming}."

    def _first(self, companion: Companion) -> Request | None:
        """Give the next step, with what the caller brings for it; a text that is stored already is a repeat."""
        coming, wish, slot = next_step(companion), self.wish, companion.slot
        if coming.step is None or slot is None:
            return None
        self._taken = True
        repeated = slot.newest.kind != "query" and wish.text == slot.newest.text
        if repeated and coming.redo:
            self._not_recorded = "The text was not recorded, since it is the one that was not taken; write another."
        satisfied = wish.satisfied and coming.step == "critique"
        return self._made(step=coming.step, redo=coming.redo, text=None if repeated else wish.text, satisfied=satisfied)

    def _request(self, coming: NextStep) -> Request | None:
        return None if coming.step is None else self._made(step=coming.step, redo=coming.redo)

    def _made(self, **asked: Any) -> Request:
        return Request(**asked, sampling=self.wish.sampling, text_limit=self.wish.text_limit)

    async def _purse(self, limit: int | None, companion: Companion | None) -> Loop | None:
        """Give the loop's budget, with what was used of it for the slot so far, comparisons and lost texts included."""
        if limit is None:
            return None
        slot = None if companion is None else companion.slot
        if companion is None or slot is None:
            return Loop(budget=Budget(tokens=limit))
        made = [entry async for entry in steps_of(self.session, companion, slot.number, kinds=SHOWN)]
        spent = Spent.of(in_all({"": sums_after({}, made)}), self.desk.allowance.prices)
        return Loop(budget=Budget(tokens=limit), spent=spent)

    async def _step(self, request: Request) -> Answer | None:
        """Make a step; ``None`` if the loop's budget does not allow it, and the loop has ended by that."""
        try:
            answer = await self.desk.step(self.session, self.companion_type, request, self.caller)
        except BudgetError as error:
            if error.scope != "loop" or (await self.session.look(self.companion_type)).slot is None:
                raise
            await end(self.desk, self.session, self.companion_type, "budget", error.what)
            return None
        if answer.not_recorded is not None:
            step = answer.step
            self._not_recorded = (
                f"The text was not recorded, since another {step} is stored already. Call {step} with redo=true to "
                "take it."
            )
        self._newest = answer
        self.run.told = _progress(answer, self.caller.loop)
        if self.caller.on_step is not None:
            await self.caller.on_step(answer)
        return answer

    async def _picked(self) -> Refined:
        companion = await self.session.look(self.companion_type)
        slot = companion.slot
        if slot is None or slot.draft is None or stop_reason(companion) == CANCELLED:
            return await self._told("done")
        if self.run.pausing:
            return await self._told("running")
        pick = Pick(
            desk=self.desk,
            session=self.session,
            companion_type=self.companion_type,
            caller=self.caller,
            text=self._late(slot),
            sampling=self.wish.sampling,
        )
        try:
            comparison = await pick.make()
        except BudgetError as error:
            # The text that stands is the answer all the same; a later call that may spend more compares.
            return await self._told("done", advice=(f"No versions were compared. {error.what}",))
        return await self._told("done" if comparison is None else "write", comparison)

    def _late(self, slot: Slot) -> str | None:
        """Give the caller's text if no step took it and it is none of those that are stored."""
        text = self.wish.text
        return None if text is None or self._taken or _is_stored(text, slot) else text

    async def _told(
        self, status: Status, comparison: Mapping[str, str] | None = None, advice: tuple[str, ...] = ()
    ) -> Refined:
        companion = await self.session.look(self.companion_type)
        slot = companion.slot
        late = None if slot is None or status != "done" else self._late(slot)
        if slot is not None and late is not None and not (is_vote(late) and slot.pick and slot.pick.meta.get("votes")):
            self._not_recorded = f"The text was not recorded, since the loop has ended. {GO_ON}"
        return told(
            self.session.session_id,
            companion,
            status,
            answer=self._newest,
            comparison=comparison,
            advice=advice,
            not_recorded=self._not_recorded,
        )


def _is_stored(text: str, slot: Slot) -> bool:
    """Tell whether a text is one of those that a slot was given last."""
    known = (slot.newest, slot.draft, slot.critique, *slot.versions)
    return any(entry is not None and entry.text == text for entry in known)


async def going_on(session: Session, companion_type: str, *, closed: bool) -> Refined:
    """Tell of a loop that goes on; while the program ends, from memory alone: the store is being let go of."""
    return told(session.session_id, await session.look(companion_type, remembered=closed), "running")


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
