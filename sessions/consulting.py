"""A consultation as a durable job: companions draft the same query side by side, then another draws that together.

What is stored is all that there is of it: a contribution is its companion's ordinary draft, and the workflow stands on
the synthesizer's slot. It never writes a step itself: ``steps`` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from companions.companion import Companion, Slot
from companions.edits import texts_of
from companions.entries import Entry
from companions.errors import InputError, SlotLeftError
from sessions.answers import Answer
from sessions.asked import Caller, asking
from sessions.branches import branch_states, brought, parted, query_of
from sessions.calls import Calls, Waiting
from sessions.consultations import Begun, Consulted, begun_on, goes_on, going_on, left, told
from sessions.contributing import Contributing
from sessions.loops import Status
from sessions.questions import Question
from sessions.running import AskingSeveral, Key, Running
from sessions.session import Session
from sessions.workflows import consultation, contributed, contributions, failures

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
            owner: Who asks: the session must be theirs, or shared with them as author.
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
            return await self._run(owner, session, question, waiting, signature)

        if not session_id:
            return await self.calls.in_new(owner, (owner, "consult", question), run)
        session, _ = await self.calls.session(owner, session_id, None)
        self.calls.unanswered.seen(owner, session.session_id)
        return await run(session)

    async def _run(
        self, principal: str, session: Session, question: Question, waiting: Waiting, signature: str
    ) -> Consulted:
        bare = question == Question(synthesizer=question.synthesizer, text_limit=question.text_limit)
        place = (session.session_id, question.synthesizer, "consult")
        key = Key(place, () if bare else (question,), principal)

        async def make(run: Running, caller: Caller) -> Consulted:
            with asking(caller):
                await self.calls.runs.earlier(key, run)
            caller = replace(caller, on_model=AskingSeveral(run))
            parts = Contributing(desk=self.calls.desk, session=session, question=question, caller=caller, run=run)
            return await Consulting(contributing=parts).go()

        done = await self.calls.wait(key, make, waiting, signature)
        return done or await going_on(session, question, closed=self.calls.runs.closed)


@dataclass(slots=True, kw_only=True)
class Consulting:
    """One call's share of a consultation, until it is done, waits for its caller, or is paused."""

    contributing: Contributing
    _late: str | None = None

    @property
    def _session(self) -> Session:
        return self.contributing.session

    @property
    def _question(self) -> Question:
        return self.contributing.question

    async def go(self) -> Consulted:
        """Take it as far as it gets; another process at the same consultation is waited for."""
        leases = self.contributing.desk.sessions.leases
        name = f"consult {self._session.session_id} {self._question.synthesizer}"
        if not await leases.take(name):
            with asking(self.contributing.caller):
                await leases.wait(name)
        async with leases.held(name):
            consulted = await self._go()
        return consulted if self._late is None else replace(consulted, not_recorded=self._late)

    async def _go(self) -> Consulted:
        begun = await self._begun()
        made = await contributions(self._session.look, begun.types, begun.query)
        brings = self._question.text is not None and not begun.stored(made, self._question)
        if begun.draft is None:
            missing = [name for name in begun.types if name not in made]
            text_for = await self._text_for(begun, missing) if brings else None
            answer = await self._written(begun, missing, text_for)
            if answer is None or answer.status == "write":
                return await self._told("running" if answer is None else "write", begun, answer)
            await self.contributing.show(answer)
            begun = replace(begun, draft=answer.entry)
        elif brings:
            self._late = DONE
        return await self._told("done", await self._ended(begun))

    async def _text_for(self, begun: Begun, missing: list[str]) -> str | None:
        """Say whose the caller's text is; one that was written for somebody whose turn it is not is laid aside."""
        meant = self._question.text_for
        if meant in missing:
            return meant
        turn = await self.contributing.turn(begun, missing)
        if meant in (None, turn):
            return turn
        self._late = f"The text was not recorded: it is {meant}'s, and now it is {turn}'s turn."
        return None

    async def _written(self, begun: Begun, missing: list[str], text_for: str | None) -> Answer | None:
        """Have written what is not; gives the synthesis, or what the caller is to write, or ``None`` if it is paused.

        Raises:
            SlotLeftError: The synthesizer was given another query meanwhile.
        """
        parts, query, synthesizer = self.contributing, begun.query.text, begun.synthesizer
        whole = text_for == synthesizer  # it was handed out without those who failed
        waiting = await parts.ask(query, () if whole else missing, text_for, already=len(begun.names) - len(missing))
        if waiting is not None or parts.run.pausing:
            return waiting
        parts.run.told = "contributions done, synthesis next"
        request = parts.request(query, slot=begun.place, text=self._question.text if whole else None)
        try:
            answer = await parts.desk.step(self._session, synthesizer, request, parts.caller)
        except SlotLeftError as error:
            raise left(synthesizer) from error
        if answer.status == "write" and parts.failed:
            await self._record(begun, {**begun.known, "failures": self._failures(begun)})
        return answer

    async def _begun(self) -> Begun:
        """Give the consultation that is asked for; begin it if that is what is asked for."""
        name = self._question.synthesizer
        companion = await self._session.look(name)
        if not goes_on(companion, self._question):
            await self._begin(companion)
            companion = await self._session.look(name)
        begun = begun_on(companion, self._question.query)
        if begun is None:
            raise left(name)
        return begun

    async def _begin(self, companion: Companion) -> None:
        """Store the query and what the consultation is, before anybody is asked."""
        question, slot, desk = self._question, companion.slot, self.contributing.desk
        owner = self._session.place.owner
        principal = self.contributing.caller.principal or owner
        types, branches = await parted(desk.sessions, principal, owner, question.contributors)
        query = query_of(branches) if question.query is None else question.query
        if query is None:
            raise InputError(
                f"The companion {question.synthesizer!r} is at no consultation here.",
                "Call consult with query: the question to ask several companions.",
            )
        same = slot is not None and query in texts_of(slot.query)
        if slot is not None and slot.draft is not None and same:
            raise InputError(
                f"The companion {question.synthesizer!r} has answered this query already, by itself.",
                "Name another synthesizer, or leave out session_id for a session of its own.",
            )
        (await desk.sessions.read_library()).get(question.synthesizer)
        workflow = question.workflow(types, [branch.told() for branch in branches])
        texts = brought(branches, workflow)
        if slot is not None and same:
            seq = slot.query.seq

            def begin(found: Slot) -> Mapping[str, Any] | None:
                return workflow if found.query.seq == seq and found.draft is None else None

            await desk.remark(self._session, question.synthesizer, begin, self.contributing.caller, texts)
        else:
            request = self.contributing.request(query, workflow=workflow, brought=texts)
            await desk.open(self._session, question.synthesizer, request, self.contributing.caller)

    async def _ended(self, begun: Begun) -> Begun:
        """Record that it is done, with how each took part."""
        if begun.known.get("state") == "done":
            return begun
        made, failed = await contributions(self._session.look, begun.types, begun.query), self._failures(begun)
        each = {name: _outcome(made.get(name), failed.get(name)) for name in begun.types} | branch_states(begun.known)
        meta = {name: value for name, value in begun.known.items() if name != "failures"}
        meta |= {"state": "done", "companions": each}
        if begun.draft is not None:
            meta["seconds"] = round(max(0.0, begun.draft.at - begun.known["started_at"]), 3)
        await self._record(begun, meta)
        return replace(begun, known=meta)

    async def _record(self, begun: Begun, meta: Mapping[str, Any]) -> None:
        """Record how it stands now, unless its synthesizer has left it."""
        if meta != begun.known:
            await self.contributing.desk.remark(
                self._session,
                begun.synthesizer,
                lambda slot: meta if consultation(slot) == begun.known else None,
                self.contributing.caller,
            )

    def _failures(self, begun: Begun) -> dict[str, str]:
        """Give who failed, and of what: in this call, or before the synthesis was handed out."""
        return {**failures(begun.known), **{name: error.what for name, error in self.contributing.failed.items()}}

    async def _told(self, status: Status, begun: Begun, answer: Answer | None = None) -> Consulted:
        return await told(self._session, begun, status, answer, self._failures(begun))


def _outcome(entry: Entry | None, failure: str | None) -> dict[str, Any]:
    """Tell how a contributor took part; why it failed is known no more if the program ended before the synthesis."""
    return contributed(entry, failure) if entry or failure else {"status": "failed"}
