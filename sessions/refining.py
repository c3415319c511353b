"""The loop as a durable job: step after step until it has ended, then the pick, each stored as it happens.

What is stored is all that there is of a job, so that any process goes on with it after any end of another. It never
writes a step itself: ``steps`` does, and ``picking`` the pick. How long a caller waits is ``calls``'s work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from companions.companion import Companion, Slot
from companions.errors import BudgetError, CompanionsError, ConflictError, InputError, ModelError, UnknownNameError
from companions.next_step import NextStep, stop_reason
from companions.picking import is_vote
from companions.planning import check_slot, name_of
from companions.requests import Request, SlotName
from sessions.answers import Answer
from sessions.asked import Caller, asking
from sessions.bounds import BUDGET, CANCELLED, STOPPED, coming_in, end, loop_of, stopped, take_on, workflow_of
from sessions.budgets import LOOP
from sessions.loops import UNCOUNTED, UNSATISFIED, UNSCORED, Refined, Status, Wish, due, is_stored, progress, told
from sessions.picking import Pick
from sessions.purse import full, purse
from sessions.running import Running
from sessions.session import Session
from sessions.steps import Desk

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
    _slot: SlotName | None = None
    _taken: bool = False
    _uncounted: bool = False
    _failed: tuple[str, ...] = ()
    _not_recorded: str | None = None

    async def go(self) -> Refined:
        """Take the loop as far as it gets; another process at the same job is waited for.

        Raises:
            InputError: Nothing can be refined, or the caller's text does not fit; nothing changed.
            SlotLeftError: Another question was put to the companion meanwhile; what was stored before stays.
            BudgetError: The session or its owner may not spend what a first draft takes.
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
            if stopped(await self._look()):
                self.run.stopping = True  # by another process, while the step was under way
            request = self._request(answer.next)
        if self.run.stopping:
            await self._end(CANCELLED, STOPPED)
        return await self._picked()

    async def _begin(self) -> Request | None:
        """Give the first request of this call, with its bounds recorded; ``None`` if the loop has ended."""
        companion = await self.session.look(self.companion_type)
        if (request := self._opening(companion)) is not None:
            return request
        if companion.slot is not None:
            self._slot = name_of(companion.slot)
        self._uncounted = self.wish.budget_tokens not in (None, loop_of(companion.slot).get("budget_tokens"))
        companion = await take_on(self.desk, self.session, companion, self.wish, self.caller)
        check_slot(companion.slot, self._slot)
        self._sort_out(companion)
        self.caller = replace(self.caller, loop=await purse(self.desk, self.session, companion, self.wish))
        return self._first(companion)

    def _opening(self, companion: Companion) -> Request | None:
        """Give the request that opens a slot, where one is to be opened."""
        slot, wish = companion.slot, self.wish
        if slot is None and wish.query is None:
            raise InputError("A first refine needs a query.", "Call refine with query: the question to think through.")
        if slot is not None and wish.asks(slot.query):
            return None
        self._taken = True
        unfit = {UNSCORED: wish.score is not None, UNSATISFIED: wish.satisfied}
        self._not_recorded = " ".join(said for said, given in unfit.items() if given) or None
        bounds = workflow_of(self.companion_type, wish, {})
        self._uncounted = wish.budget_tokens is not None
        self.caller = replace(self.caller, loop=full(bounds))
        return self._made(step="draft", query=wish.query, attachments=wish.attachments, text=wish.text, workflow=bounds)

    def _sort_out(self, companion: Companion) -> None:
        """Lay aside what was written for another step than the one that comes next."""
        wish, slot, coming = self.wish, companion.slot, due(companion)
        if slot is None:
            return
        if wish.text_for is not None and wish.text_for != coming:
            if wish.text is not None and not is_stored(wish.text, slot):
                stands = "the loop has ended" if coming is None else f"next is {coming}"
                self._not_recorded = f"The text was not recorded: it is for {wish.text_for}, and {stands}."
            self.wish = replace(wish, text=None, satisfied=False, score=None)
        elif wish.satisfied and coming is not None and coming_in(slot).step != "critique":
            self._not_recorded = f"satisfied=true was not taken: it is said of a critique, and next is {coming}."
        elif wish.lacks_revision(slot, coming_in(slot)):
            self._not_recorded = UNSCORED

    def _first(self, companion: Companion) -> Request | None:
        """Give the next step, with what the caller brings for it; a text that is stored already is a repeat."""
        wish, slot = self.wish, companion.slot
        if slot is None or (coming := coming_in(slot)).step is None:
            return None
        self._taken = True
        repeated = slot.newest.kind != "query" and wish.text == slot.newest.text
        if repeated and coming.redo:
            self._not_recorded = "The text was not recorded, since it is the one that was not taken; write another."
        written = None if repeated else wish.text
        satisfied = wish.satisfied and coming.step == "critique"
        score = wish.score if coming.step == "revise" and written is not None else None
        return self._made(step=coming.step, redo=coming.redo, text=written, satisfied=satisfied, score=score)

    def _request(self, coming: NextStep) -> Request | None:
        return None if coming.step is None else self._made(step=coming.step, redo=coming.redo)

    def _made(self, **asked: Any) -> Request:
        return Request(**asked, slot=self._slot, sampling=self.wish.sampling, text_limit=self.wish.text_limit)

    async def _step(self, request: Request) -> Answer | None:
        """Make a step; ``None`` if there is none: a budget does not allow it, or it failed and the loop is to end."""
        try:
            answer = await self.desk.step(self.session, self.companion_type, request, self.caller)
        except CompanionsError as error:
            if self.run.stopping:
                self._failed = (f"The step under way failed: {error.what}",)
            elif isinstance(error, BudgetError):
                await self._refused(error, request)
            else:
                if isinstance(error, ConflictError):
                    await self._look()  # by another question: that says more than who wrote first
                raise
            return None
        self._slot = answer.slot, answer.query
        if answer.not_recorded is not None:
            step = answer.step
            self._not_recorded = (
                f"The text was not recorded, since another {step} is stored already. Call {step} with redo=true to "
                "take it."
            )
        self._newest = answer
        self.run.told = progress(answer, self.caller.loop)
        if self.caller.on_step is not None:
            await self.caller.on_step(answer)
        return answer

    async def _refused(self, error: BudgetError, request: Request) -> None:
        """End the loop by a budget; of one that has no text yet, a refusal by another budget than its own is raised."""
        slot = (await self._look()).slot
        mine = slot is not None and request.asks(slot.query)
        if slot is None or not mine or (error.scope != LOOP.name and slot.draft is None):
            raise error
        self._slot = name_of(slot)
        await self._end(BUDGET, error.what, scope=error.scope)

    async def _end(self, reason: str, why: str, scope: str | None = None) -> None:
        place = (self.desk, self.session, self.companion_type)
        await end(*place, reason, why, caller=self.caller, slot=self._slot, scope=scope)

    async def _look(self) -> Companion:
        """Look at the companion, which must still be at this loop's question."""
        companion = await self.session.look(self.companion_type)
        check_slot(companion.slot, self._slot)
        return companion

    async def _picked(self) -> Refined:
        companion = await self._look()
        slot = companion.slot
        if slot is None or slot.draft is None or stop_reason(companion) == CANCELLED:
            return await self._told("done", advice=self._failed)
        if self.run.pausing:
            return await self._told("running")
        pick = Pick(
            desk=self.desk,
            session=self.session,
            companion_type=self.companion_type,
            caller=self.caller,
            text=self._late(slot),
            sampling=self.wish.sampling,
            slot=self._slot,
        )
        try:
            comparison = await pick.make()
        except (BudgetError, ModelError, UnknownNameError) as error:
            # The text that stands is the answer all the same; a later call compares.
            again = "" if isinstance(error, BudgetError) else " Call refine again to have them compared."
            return await self._told("done", advice=(f"No versions were compared. {error.what}{again}",))
        return await self._told("done" if comparison is None else "write", comparison)

    def _late(self, slot: Slot) -> str | None:
        """Give the caller's text if no step took it and it is none of those that are stored."""
        text = self.wish.text
        return None if text is None or self._taken or is_stored(text, slot) else text

    async def _told(
        self, status: Status, comparison: Mapping[str, str] | None = None, advice: tuple[str, ...] = ()
    ) -> Refined:
        companion = await self._look()
        slot = companion.slot
        if self._uncounted and status == "write":
            advice = (UNCOUNTED, *advice)
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


async def going_on(session: Session, companion_type: str, *, closed: bool) -> Refined:
    """Tell of a loop that goes on; while the program ends, from memory alone: the store is being let go of."""
    return told(session.session_id, await session.look(companion_type, remembered=closed), "running")
