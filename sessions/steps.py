"""The one function that makes every step, whoever writes it and whoever asked.

It takes the companion's lock, catches up with the store, lets ``planning`` check the phase, lets the writer (a model,
the caller, the offline editor) write, hands the entry over, applies it on its receipt and answers. It never calls the
next step: loops do that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from companions import prompts
from companions.companion import Companion, Slot
from companions.companion_types import CompanionType
from companions.configuration import Configuration
from companions.entries import Entry, Note
from companions.errors import InputError
from companions.falling_back import Outages
from companions.models import Sampling, Task, Written
from companions.next_step import next_step
from companions.planning import plan
from companions.requests import Brought, Plan, Repeat, Request, workflow_notes
from companions.tool_use import ToolRefusals
from companions.writing import Choose, write
from sessions.advising import advised
from sessions.allowance import Allowance
from sessions.answers import Answer, answer
from sessions.asked import Caller, again, asking, given, not_recorded, opens_slot
from sessions.attached import check_room, keep
from sessions.choosing_models import Models, chosen
from sessions.critic_tools import Place, with_tools
from sessions.judging import judged
from sessions.samples import reviser
from sessions.seeing import task_of
from sessions.session import Awake, Session
from sessions.sessions import Sessions
from sessions.standing_in import in_order
from sessions.watching import UNWATCHED, Doing, Watcher, watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What steps are made with: the sessions and the models of this process, what these may spend, and who watches."""

    sessions: Sessions
    models: Models
    allowance: Allowance = field(default_factory=Allowance)
    outages: Outages = field(default_factory=Outages)
    refusals: ToolRefusals = field(default_factory=ToolRefusals)
    watcher: Watcher = UNWATCHED

    def __post_init__(self) -> None:
        """Have what is learned told apart by the models that have a price."""
        self.sessions.priced = self.allowance.prices.table.keys()

    async def step(self, session: Session, companion_type: str, request: Request, caller: Caller) -> Answer:
        """Make one step of one companion.

        Returns:
            The stored step, a repeat of one that was made before, or what the caller is to write.

        Raises:
            InputError: The request cannot be carried out; nothing changed.
            ModelError: The model failed; a new query stays, nothing else changed.
            StoreError: The store failed; nothing was applied.
        """
        if companion_type not in session.awake and companion_type not in session.shown:
            # A name that nobody has is refused before anything is kept for it.
            (await self.sessions.read_library()).get(companion_type)
        doing = Doing(session_id=session.session_id, companion_type=companion_type, step=request.step)
        with watched(self.watcher, doing) as tell:
            awake = await session.wake(companion_type)
            async with awake.lock:
                await session.catch_up(awake)
                try:
                    made = await self._make(session, awake, request, caller)
                finally:
                    self.sessions.open.weigh(session)
            tell(made)
            return advised(session, made)

    async def open(self, session: Session, companion_type: str, request: Request, caller: Caller) -> None:
        """Store the query of a draft that is to be written later, with the workflow that it opens.

        Raises:
            InputError: The draft cannot be made; nothing changed.
            StoreError: The store failed; nothing was applied.
        """
        awake = await session.wake(companion_type)
        async with awake.lock:
            await session.catch_up(awake)
            found = await self._found(awake.companion, request)
            await self.sessions.writer.room(session.session_id)
            notes = [] if isinstance(found, Repeat) else found.notes_before(companion_type)
            await self._note(session, awake, notes, caller)

    async def remark(
        self,
        session: Session,
        companion_type: str,
        say: Callable[[Slot], Mapping[str, Any] | None],
        caller: Caller,
        brought: Sequence[Brought] = (),
    ) -> None:
        """Record what is to be said of the workflow on a companion's newest slot, if there is anything."""
        awake = await session.wake(companion_type)
        async with awake.lock:
            await session.catch_up(awake)
            slot = awake.companion.slot
            meta = None if slot is None else say(slot)
            if slot is not None and meta is not None:
                notes = workflow_notes(companion_type, slot.number, meta, brought)
                await self._note(session, awake, notes, caller)

    async def _make(self, session: Session, awake: Awake, request: Request, caller: Caller) -> Answer:
        found = await self._found(awake.companion, request)
        if isinstance(found, Repeat):
            return self._repeat(session, awake.companion, request, found.entry)
        choose = chosen(self.models, found)
        await self.sessions.writer.room(session.session_id)
        check_room(session, request.attachments)
        notes = found.notes_before(awake.companion.companion_type)
        if choose is None or given(found, caller) is not None:
            await self._note(session, awake, notes, caller)
            return await self._write(session, awake, found, caller, choose)
        if session.place.opening is not None:
            # Its query is what other processes can know it by.
            await self._note(session, awake, notes, caller)
            notes = ()
        return await self._ask_alone(session, awake, found, caller, notes)

    async def _ask_alone(
        self, session: Session, awake: Awake, found: Plan, caller: Caller, notes: Sequence[Note]
    ) -> Answer:
        """Let a model write, unless another process has it write the same: then what that one wrote is the answer."""
        leases, name = self.sessions.leases, f"step {session.session_id} {awake.companion.companion_type}"
        waited = not await leases.take(name)
        if waited:
            with asking(caller):
                await leases.wait(name)
        async with leases.held(name):
            again: Plan | Repeat = found
            if waited:
                await session.catch_up(awake)
                again = await self._found(awake.companion, found.request)
            if isinstance(again, Repeat):
                return self._repeat(session, awake.companion, found.request, again.entry)
            before = again.notes_before(awake.companion.companion_type) if waited else notes
            await self._note(session, awake, before, caller)
            choose = chosen(self.models, again)
            with self.allowance.spending(self.sessions, session, caller.loop) as spending:
                asked, call = again.configuration, again.request.sampling
                paid = choose and in_order(choose, spending, asked, call, self.outages, refusals=self.refusals)
                return await self._write(session, awake, again, caller, paid)

    async def _note(self, session: Session, awake: Awake, notes: Sequence[Note], caller: Caller) -> None:
        """Store what comes before a text: a new configuration, a new query."""
        if notes:
            entries = await session.record(awake, notes, caller.principal)
            await self.sessions.project(session, awake.companion, entries)

    async def _found(self, companion: Companion, request: Request) -> Plan | Repeat:
        return plan(companion, request, await self.wanted(companion, request))

    async def instructions(self, session: Session, companion_type: str) -> dict[str, str]:
        """Give what a caller that writes needs for the next step, as ``system`` and ``user``."""
        companion = await session.look(companion_type)
        coming = next_step(companion)
        if coming.step is None:
            raise InputError("Nothing is to be written: the loop has ended.", coming.why)
        request = Request(step=coming.step, redo=coming.redo, sampling=Sampling(execution_mode="client"))
        found = await self._found(companion, request)
        if isinstance(found, Repeat):
            raise InputError("Nothing is to be written.", coming.why)
        return prompts.instructions_for_caller((await task_of(session, companion, found)).messages)

    async def type_of(self, name: str) -> CompanionType:
        """Give the companion type that a new slot is configured by. Raises ``UnknownNameError``."""
        return (await self.sessions.read_library()).get(name)

    async def wanted(self, companion: Companion, request: Request) -> Configuration:
        """Choose the configuration that a new slot would take; within a slot the one that it began with holds.

        The sampling of the call that opens a companion is the session's; that of a later call is its own.
        """
        known, slot = companion.configuration, companion.slot
        if known is not None and (request.step != "draft" or not opens_slot(slot, request)):
            return known
        asked = request.sampling if known is None else Sampling(**known.asked)
        own, defaults = await self.type_of(companion.companion_type), self.sessions.defaults
        await self.sessions.learner.ready()
        model = reviser(Configuration.choose(own, defaults, asked))
        learned = self.sessions.learner.knowledge.learned(companion.companion_type, model)
        return Configuration.choose(own, defaults, asked, learned)

    async def _write(
        self, session: Session, awake: Awake, found: Plan, caller: Caller, choose: Choose | None
    ) -> Answer:
        mode = found.mode
        if awake.companion.slot is not None and found.request.attachments:
            await keep(session, awake.companion.slot.query, found.request.attachments)
        place = Place(
            sessions=self.sessions,
            session=session,
            companion=awake.companion,
            principal=caller.principal,
            watcher=self.watcher,
        )
        work = with_tools(await task_of(session, awake.companion, found), found, place)
        written = given(found, caller) or await self._ask(found, work, choose, caller)
        if written is None:
            return self._hand_out(session, awake.companion, found, work)
        note = await judged(awake.companion, found, written)
        (entry,) = await session.record(awake, [note], caller.principal)
        await self.sessions.project(session, awake.companion, (entry,))
        by_caller = found.request.text is not None
        return answer(session.session_id, awake.companion, found.step, mode, entry, written_by_caller=by_caller)

    async def _ask(self, found: Plan, work: Task, choose: Choose | None, caller: Caller) -> Written | None:
        """Let models write; in client mode nobody here does."""
        if choose is None:
            return None
        with asking(caller):
            return await write(found, work, choose, caller.on_text)

    def _hand_out(self, session: Session, companion: Companion, found: Plan, work: Task) -> Answer:
        return answer(
            session.session_id,
            companion,
            found.step,
            "client",
            None,
            instructions=prompts.instructions_for_caller(work.messages),
            again=again(found, companion.slot),
            attachments=work.messages[-1].attachments,
        )

    def _repeat(self, session: Session, companion: Companion, request: Request, entry: Entry) -> Answer:
        session.last_type = companion.companion_type
        configuration = companion.configuration
        mode = "client" if configuration is None else configuration.sampling(request.sampling).execution_mode
        return answer(
            session.session_id,
            companion,
            request.step,
            mode or "client",
            entry,
            already_done=True,
            not_recorded=not_recorded(request, entry),
        )
