"""A consultation as a durable job: companions draft the same query side by side, then another draws that together.

What is stored is all that there is of it: a contribution is its companion's ordinary draft, and the workflow stands on
the synthesizer's slot. It never writes a step itself: ``steps`` does.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from companions.companion import Companion, Slot
from companions.entries import Entry
from companions.errors import CompanionsError, InputError, StoreError
from companions.requests import Request
from sessions.answers import Answer
from sessions.asked import Caller, asking
from sessions.calls import Calls, Waiting
from sessions.consultations import Consulted, Question, all_failed, goes_on, told
from sessions.loops import Status
from sessions.running import AskingSeveral, Key, Running
from sessions.session import Session
from sessions.steps import Desk
from sessions.workflows import consultation, contributed, contributions

DONE = (
    "Not recorded: the consultation is done. Call draft with the synthesizer's companion_type and redo=true to take it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultations:
    """Has consultations made, for any surface."""

    calls: Calls

    async def consult(
        self, owner: str, session_id: str | None, question: Question, *, waiting: Waiting, signature: str
    ) -> Consulted:
        """Take a consultation on, or wait for it where it is under way.

        Args:
            owner: Whose session it is.
            session_id: ``None`` for a new session, or the one that an unanswered call just like this got.
            question: What is asked.
            waiting: How long to wait; what takes longer goes on in the background.
            signature: How a text that the caller wrote is signed.

        Raises:
            InputError: It cannot be held as it was asked for; nothing changed.
            ModelError: All contributors failed, or the synthesizer did; what was stored before stays.
            StoreError: The store failed, likewise.
        """

        async def run(session: Session) -> Consulted:
            return await self._run(session, question, waiting, signature)

        if not session_id:
            return await self.calls.in_new(owner, (owner, "consult", question), run)
        session, _ = await self.calls.session(owner, session_id, None)
        self.calls.unanswered.seen(session.session_id)
        return await run(session)

    async def _run(self, session: Session, question: Question, waiting: Waiting, signature: str) -> Consulted:
        bare = question == Question(synthesizer=question.synthesizer, text_limit=question.text_limit)
        place = (session.session_id, question.synthesizer, "consult")
        key = Key(place, () if bare else (question,), session.place.owner)

        async def make(run: Running, caller: Caller) -> Consulted:
            with asking(caller):
                await self.calls.runs.earlier(key, run)
            caller = replace(caller, on_model=AskingSeveral(run))
            desk = self.calls.desk
            return await Consulting(desk=desk, session=session, question=question, caller=caller, run=run).go()

        done = await self.calls.wait(key, make, waiting, signature)
        return done or await told(session, question.synthesizer, "running", closed=self.calls.runs.closed)


@dataclass(slots=True, kw_only=True)
class Consulting:
    """One call's share of a consultation, until it is done, waits for its caller, or is paused."""

    desk: Desk
    session: Session
    question: Question
    caller: Caller
    run: Running
    _failures: dict[str, CompanionsError] = field(default_factory=dict[str, CompanionsError])
    _late: str | None = None

    async def go(self) -> Consulted:
        """Take it as far as it gets; another process at the same consultation is waited for."""
        leases, name = self.desk.sessions.leases, f"consult {self.session.session_id} {self.question.synthesizer}"
        if not await leases.take(name):
            with asking(self.caller):
                await leases.wait(name)
        async with leases.held(name):
            consulted = await self._go()
        return consulted if self._late is None else replace(consulted, not_recorded=self._late)

    async def _go(self) -> Consulted:
        slot, known = await self._begun()
        made = await contributions(self.session.look, known["companion_types"], slot.query)
        text = self._text([*made.values(), *([] if slot.draft is None else [slot.draft])])
        if slot.draft is None:
            missing = [name for name in known["companion_types"] if name not in made]
            text = self._fitting(text, turn=[*missing, self.question.synthesizer][0])
            waiting = await self._contribute(slot.query.text, missing, text, already=len(made))
            if waiting is not None:
                return await self._told("write", waiting)
            if self.run.pausing:
                return await self._told("running")
            self.run.told = "contributions done, synthesis next"
            request = self._draft_of(slot.query.text, text=None if missing else text)
            answer = await self.desk.step(self.session, self.question.synthesizer, request, self.caller)
            if answer.status == "write":
                return await self._told("write", answer)
            await self._show(answer)
            text = None
        await self._end()
        consulted = await self._told("done")
        return consulted if text is None else replace(consulted, not_recorded=DONE)

    def _fitting(self, text: str | None, turn: str) -> str | None:
        """Lay aside a text that was written for another companion than the one whose turn it is."""
        meant = self.question.text_for
        if text is None or meant in (None, turn):
            return text
        self._late = f"The text was not recorded: it is {meant}'s, and now it is {turn}'s turn."
        return None

    async def _begun(self) -> tuple[Slot, Mapping[str, Any]]:
        """Give the consultation's slot and what is recorded of it; begin it if that is what is asked for."""
        question, name = self.question, self.question.synthesizer
        companion = await self.session.look(name)
        if not goes_on(companion, question):
            await self._begin(companion)
            companion = await self.session.look(name)
        known = consultation(companion.slot)
        if companion.slot is None or known is None:
            raise InputError(f"The companion {name!r} was given another query meanwhile.", "Call consult again.")
        return companion.slot, known

    async def _begin(self, companion: Companion) -> None:
        """Store the query and what the consultation is, before anybody is asked."""
        question, slot = self.question, companion.slot
        if question.query is None:
            raise InputError(
                f"The companion {question.synthesizer!r} is at no consultation here.",
                "Call consult with query: the question to ask several companions.",
            )
        same = slot is not None and slot.query.text == question.query
        if slot is not None and slot.draft is not None and same:
            raise InputError(
                f"The companion {question.synthesizer!r} has answered this query already, by itself.",
                "Name another synthesizer, or leave out session_id for a session of its own.",
            )
        library = await self.desk.sessions.read_library()
        for name in (question.synthesizer, *question.contributors):
            library.get(name)
        workflow = question.workflow()
        if same:
            await self.desk.remark(self.session, question.synthesizer, lambda _: workflow)
        else:
            request = self._draft_of(question.query, workflow=workflow)
            await self.desk.open(self.session, question.synthesizer, request)

    async def _contribute(self, query: str, missing: list[str], text: str | None, *, already: int) -> Answer | None:
        """Have those who have not contributed draft, all at once; gives the first draft that the caller is to write.

        Raises:
            CompanionsError: All failed: the first one's. One that fails among others is only told.
        """
        requests: list[Request] = []
        for number, name in enumerate(missing):
            await self.session.wake(name)  # one after the other: with the store away, none can be read beside a write
            slot = (await self.session.look(name)).slot
            earlier = slot is not None and slot.draft is not None and slot.query.text == query
            requests.append(self._draft_of(query, text=text if number == 0 else None, redo=earlier))
        drafts = map(self._contribution, missing, requests)
        given = await asyncio.gather(*drafts, return_exceptions=True)
        if (broken := next((each for each in given if isinstance(each, BaseException)), None)) is not None:
            raise broken
        if self._failures and not already and len(self._failures) == len(missing):
            raise all_failed([self._failures[name] for name in missing])
        return next((each for each in given if isinstance(each, Answer) and each.status == "write"), None)

    async def _contribution(self, name: str, request: Request) -> Answer | None:
        """Have one contributor draft; ``None`` if it failed."""
        caller = replace(self.caller, on_text=partial(self.run.hear, name))
        try:
            answer = await self.desk.step(self.session, name, request, caller)
        except StoreError:
            raise
        except CompanionsError as error:
            self._failures[name] = error
            if self.caller.on_failure is not None:
                await self.caller.on_failure(name, error)
            return None
        if answer.status == "done":
            self.run.told = f"{name} has drafted"
            await self._show(answer)
        return answer

    async def _show(self, answer: Answer) -> None:
        if self.caller.on_step is not None:
            await self.caller.on_step(answer)

    def _draft_of(self, query: str, **asked: Any) -> Request:
        question = self.question
        return Request(step="draft", query=query, sampling=question.sampling, text_limit=question.text_limit, **asked)

    def _text(self, made: list[Entry]) -> str | None:
        """Give the text that came with the call, unless it is the newest one stored: then the call is a repeat."""
        newest = max(made, key=lambda entry: entry.seq, default=None)
        return None if newest is not None and newest.text == self.question.text else self.question.text

    async def _end(self) -> None:
        """Record that it is done, with how each took part."""
        companion = await self.session.look(self.question.synthesizer)
        known = consultation(companion.slot)
        if companion.slot is None or known is None or known.get("state") == "done":
            return
        made = await contributions(self.session.look, known["companion_types"], companion.slot.query)
        each = {name: self._outcome(name, made.get(name)) for name in known["companion_types"]}
        meta = dict(known) | {"state": "done", "companions": each}
        if companion.slot.draft is not None:
            meta["seconds"] = round(max(0.0, companion.slot.draft.at - known["started_at"]), 3)
        await self.desk.remark(
            self.session, self.question.synthesizer, lambda slot: meta if consultation(slot) == known else None
        )

    def _outcome(self, name: str, entry: Entry | None) -> dict[str, Any]:
        if entry is not None:
            return contributed(entry)
        failure = self._failures.get(name)
        return {"status": "failed"} | ({} if failure is None else {"error": failure.what})

    async def _told(self, status: Status, answer: Answer | None = None) -> Consulted:
        return await told(self.session, self.question.synthesizer, status, answer)
