"""The ``consult`` command: several companions on one question, which the tool's job puts to them. It shows that job.

The consultation is ``sessions``' work, what is seen of it ``contributing``'s, and where the answer goes ``jobs``'s.
"""

import argparse
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from companions.edits import texts_of
from companions.errors import InputError
from companions.model_catalog import OFFLINE
from companions.models import Sampling
from companions.requests import Request
from sessions.branches import branch_states, parted, query_of
from sessions.choosing_models import check_set_up
from sessions.consultations import Consulted, begun_on, goes_on
from sessions.consulting import Consultations
from sessions.questions import SYNTHESIZER, Question
from sessions.session import Session
from sessions.workflows import consultation, contributions
from terminal.contributing import ConsultationWatch, Part
from terminal.jobs import SIGNED, carry_out, command, session_of
from terminal.program import MakeProgram, Program
from terminal.records import found
from terminal.screen import Screen
from terminal.telling import QUIET, tell_usage
from terminal.wishes import check_model


def consult(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Hold a consultation to its end, or until somebody stops it; its session keeps every text either way."""
    check_model(chosen.model)
    if chosen.query is None and chosen.session is None and chosen.branches is None:
        raise InputError("There is nothing to consult on.", "Give a question or --session ID.")
    wish = Wish(
        query=chosen.query,
        companion_types=tuple(chosen.companion or ()),
        branches=tuple(chosen.branches or ()),
        synthesizer=chosen.synthesizer,
        session_id=chosen.session,
        model=chosen.model,
    )
    return carry_out(Consultation(make(), Screen.of_process(), wish))


def _no_model() -> InputError:
    return InputError(
        "A consultation needs a language model: the built-in editor has no views of its own.",
        "Set OPENAI_API_KEY, or COMPANIONS_MODEL to openai:NAME, or give --model openai:NAME.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked: the words of the command line."""

    query: str | None
    companion_types: tuple[str, ...]
    branches: tuple[str, ...]
    synthesizer: str | None
    session_id: str | None
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a consultation stands before anything is asked.

    Attributes:
        begun: Whether it is one to go on with.
        names: Who drafts for it.
        branches: The sessions whose answers are taken as they are.
        made: Who has drafted.
        ended: Whether there is a synthesis.
    """

    begun: bool = False
    query: str | None
    names: Sequence[str]
    branches: Sequence[str] = ()
    made: Collection[str] = ()
    ended: bool = False


@dataclass(slots=True)
class Consultation:
    """One run of a consultation.

    Attributes:
        session: Found or minted when it starts.
        synthesizer: Who draws the contributions together.
        begun: Whether there was something to go on with when it started.
    """

    program: Program
    screen: Screen
    wish: Wish
    session: Session | None = None
    synthesizer: str = SYNTHESIZER
    begun: bool = False

    @property
    def resume(self) -> str | None:
        """The command that goes on with it; ``None`` while there is nothing to go on with."""
        session = self.session
        if session is None or not session.stored:
            return None
        awake = session.awake.get(self.synthesizer)
        begun = self.begun or (awake is not None and consultation(awake.companion.slot) is not None)
        return command("consult", session, self.wish.model) if begun or self.wish.session_id is None else None

    async def run(self) -> str:
        """Take it to its end; gives the synthesis."""
        wish = self.wish
        self.session = session = await session_of(self.program, wish.session_id, wish.model)
        self.synthesizer = wish.synthesizer or await self._synthesizer(session)
        for branch in wish.branches:
            await found(self.program, branch)
        question = Question(
            query=wish.query,
            companion_types=(*wish.companion_types, *wish.branches) or None,
            synthesizer=self.synthesizer,
            text_limit=self.program.text_limit,
        )
        stands = await self._standing(session, question)
        self.begun = stands.begun
        written = {*stands.made, *stands.branches}
        everybody = (*stands.names, *stands.branches)
        parts = {name: Part("written before" if name in written else "waiting") for name in everybody}
        if stands.ended:
            self.screen.say(f"Session {session.session_id}: this consultation has ended; nothing is asked for anew.")
        else:
            question = replace(question, sampling=await self._asked(session, stands))
        with ConsultationWatch(self.screen, parts).waiting() as waiting:
            done = await Consultations(calls=self.program.calls).consult(
                self.program.owner, session.session_id, question, waiting=waiting, signature=SIGNED
            )
        return await self._conclude(done)

    async def _synthesizer(self, session: Session) -> str:
        """Give who is to draw it together: whoever does so in the session's newest consultation that the wish fits."""
        if self.wish.session_id is None:
            return SYNTHESIZER
        newest, synthesizer = 0, SYNTHESIZER
        for name in (await self.program.reading.overview(self.program.owner, session.session_id))["companions"]:
            slot = (await session.look(name)).slot
            if slot is None or consultation(slot) is None:
                continue
            if self.wish.query in (None, *texts_of(slot.query)) and slot.query.seq > newest:
                newest, synthesizer = slot.query.seq, name
        return synthesizer

    async def _standing(self, session: Session, question: Question) -> Standing:
        companion = await session.look(self.synthesizer)
        begun = begun_on(companion, question.query) if goes_on(companion, question) else None
        if begun is not None:
            made = await contributions(session.look, begun.types, begun.query)
            return Standing(
                begun=True,
                query=begun.query.text,
                names=begun.types,
                branches=[*branch_states(begun.known)],
                made=made.keys(),
                ended=begun.draft is not None,
            )
        if question.query is None and not self.wish.branches:
            raise InputError(
                "This session has no consultation to go on with.",
                f"Give a question beside --session {session.session_id}.",
            )
        # So that nothing is announced that would be refused.
        sessions, owner = self.program.calls.desk.sessions, self.program.owner
        _, branches = await parted(sessions, owner, session.opening.owner, question.contributors)
        if question.query is None:
            query_of(branches)
        names = [name for name in question.contributors if name not in self.wish.branches]
        return Standing(query=question.query, names=names, branches=self.wish.branches)

    async def _asked(self, session: Session, stands: Standing) -> Sampling:
        """Say who is asked and which model writes: the one that is named, else each one's own, else the configured."""
        left = [name for name in stands.names if name not in stands.made]
        desk = self.program.calls.desk
        draft = Request(step="draft", query=stands.query, redo=True, text_limit=self.program.text_limit)
        each = [await desk.wanted(await session.look(name), draft) for name in (*left, self.synthesizer)]
        sampling = Sampling()
        if self.wish.model not in (None, OFFLINE):
            sampling = Sampling(model=self.wish.model, execution_mode="server")
        elif self.wish.model or any(known.execution_mode != "server" for known in each):
            if self.wish.model or desk.sessions.defaults.execution_mode != "server":
                return self._offline(session, left, stands)
            sampling = Sampling(execution_mode="server")
        models = dict.fromkeys(sampling.model or known.model or desk.sessions.defaults.model or "" for known in each)
        for known in each:
            name = sampling.model or known.model or desk.sessions.defaults.model
            check_set_up(desk.models, name, known.fallback_models)
        writes = f"{' and '.join(models)} {'writes' if len(models) == 1 else 'write'}"
        self.screen.say(f"Session {session.session_id}; {writes}.", QUIET)
        asked = f"Asking {', '.join(left)}" if left else "All have contributed"
        asked += f"; merging {', '.join(stands.branches)}" if stands.branches else ""
        self.screen.say(f"{asked}; {self.synthesizer} joins the answers.", QUIET)
        return sampling

    def _offline(self, session: Session, left: Sequence[str], stands: Standing) -> Sampling:
        """Leave a synthesis to the built-in editor, which nobody else is left to write for.

        Raises:
            InputError: Somebody is to have views of its own.
        """
        if left or not stands.branches:
            raise _no_model()
        self.screen.say(f"Session {session.session_id}; no language model is used.", QUIET)
        self.screen.say(f"Putting the answers of {', '.join(stands.branches)} one behind another.", QUIET)
        return Sampling(execution_mode="offline")

    async def _conclude(self, done: Consulted) -> str:
        """Tell what it has cost, and give the synthesis."""
        overview = await self.program.reading.overview(self.program.owner, done.session_id)
        tell_usage(self.screen, overview["usage"])
        if done.shown is None:
            raise InputError("There is no answer yet.", "Call the same tool again.")
        return done.shown.text
