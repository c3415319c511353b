"""The ``refine`` command: the whole loop in the terminal. It has the job done that the tool has done, and shows it.

The loop, its end and its pick are ``sessions``' work, what is seen of it ``watching``'s, and where the answer goes
``jobs``'s.
"""

import argparse
import shlex
from dataclasses import dataclass, field, replace
from typing import Any

from companions.attachments import check_several
from companions.companion import Companion, Slot
from companions.configuration import Configuration
from companions.edits import texts_of
from companions.errors import InputError
from companions.model_catalog import OFFLINE
from companions.models import Sampling
from companions.next_step import next_step, stop_reason
from companions.requests import Request
from sessions import loops
from sessions.bounds import CANCELLED
from sessions.calls import DEFAULT_TYPE, Pending
from sessions.choosing_models import check_set_up
from sessions.session import Session
from terminal.jobs import GIVEN, SIGNED, carry_out, command, session_of
from terminal.program import MakeProgram, Program
from terminal.screen import Screen
from terminal.telling import QUIET, WARNING, tell_convergence, tell_pick, tell_usage
from terminal.watching import Watch
from terminal.wishes import Wish, read_wish

NO_MODEL = (
    "No model is configured for the terminal: the built-in editor works by rules, without a language model. "
    "For one, set OPENAI_API_KEY, or COMPANIONS_MODEL, or give --model."
)
BY_RULES = "The built-in editor works by rules, without a language model."


def refine(chosen: argparse.Namespace, make: MakeProgram) -> int:
    """Run the loop to its end, or until somebody stops it; its session keeps every step either way."""
    wish = read_wish(chosen)
    return carry_out(Loop(make(), Screen.of_process(), wish))


def _asks(wish: loops.Wish, companion: Companion) -> bool:
    """Tell whether a wish makes anything go on."""
    bounded = wish.max_iterations is not None or wish.budget_tokens is not None
    stopped = stop_reason(companion) == CANCELLED
    return wish.query is not None or bounded or stopped or next_step(companion).step is not None


@dataclass(slots=True)
class Loop:
    """One run of the loop.

    Attributes:
        session: Found or minted when it starts.
        sampling: What each step is asked for.
    """

    program: Program
    screen: Screen
    wish: Wish
    session: Session | None = None
    companion_type: str = DEFAULT_TYPE
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def resume(self) -> str | None:
        """The command that goes on with what was asked; ``None`` while nothing of it is stored."""
        if self.session is None or not self.session.stored:
            return None
        awake = self.session.awake.get(self.companion_type)
        slot = None if awake is None else awake.companion.slot
        query, _ = self._question(slot, offline=self._offline)
        asked = query is None or (slot is not None and query in texts_of(slot.query))
        if self.wish.session_id is not None and not asked:
            return None
        return self._command(self.session, slot)

    def _command(self, session: Session, slot: Slot | None) -> str:
        named = "" if self.wish.companion_type is None else f" --companion {shlex.quote(self.companion_type)}"
        given = GIVEN if self._offline and slot is not None and slot.draft is None else ""
        return command("refine", session, self.wish.model) + named + given

    @property
    def _offline(self) -> bool:
        return self.sampling.execution_mode == OFFLINE

    def _question(self, slot: Slot | None, *, offline: bool) -> tuple[str | None, str | None]:
        """Give the query and its draft; a text that brings no question is for the one that waits, or was given it."""
        query, text = self.wish.question(offline=offline)
        if slot is None or text is None or self.wish.asks or (slot.draft is not None and slot.draft.text != text):
            return query, text
        return slot.query.text, text

    async def run(self) -> str:
        """Take the loop to its end; gives the answer."""
        check_several(self.wish.attachments, self.program.attachment_limit)
        self.session = session = await session_of(self.program, self.wish.session_id, self.wish.model)
        self.companion_type = self.wish.companion_type or session.last_type or DEFAULT_TYPE
        companion = await session.look(self.companion_type)
        known = await self._configuration(companion)
        self.sampling, who = self._choose(known)
        wish, again = self._asked(session, companion)
        asks = again is not None or _asks(wish, companion)
        if asks and not self._offline:
            model = self.sampling.model or known.model
            check_set_up(self.program.calls.desk.models, model, known.fallback_models)
        self.screen.say(f"Session {session.session_id}, companion {self.companion_type}.", QUIET)
        if asks:
            self.screen.say(who, WARNING if self._offline else QUIET)
        watch = Watch(self.screen, session, self.companion_type)
        done = await self._refine(session, wish, again, watch)
        if not asks:
            self.screen.say("This loop has ended; nothing was asked for anew.")
        return await self._conclude(session, done)

    async def _configuration(self, companion: Companion) -> Configuration:
        """Give what the next step is made with: a new question may have another than the one before."""
        query, _ = self._question(companion.slot, offline=False)
        request = Request(step="draft", query=query, text_limit=self.program.text_limit)
        return await self.program.calls.desk.wanted(companion, request)

    def _choose(self, known: Configuration) -> tuple[Sampling, str]:
        """Say who writes: who is named, else the session's own model, else the configured one, else the editor."""
        defaults = self.program.calls.desk.sessions.defaults
        if self.wish.model not in (None, OFFLINE):
            return Sampling(model=self.wish.model, execution_mode="server"), f"{self.wish.model} writes."
        if self.wish.model == OFFLINE or known.execution_mode == "offline":
            return Sampling(execution_mode="offline"), BY_RULES
        if known.execution_mode == "server":
            return Sampling(), f"{known.model or defaults.model} writes."
        if defaults.execution_mode == "server":
            return Sampling(model=defaults.model, execution_mode="server"), f"{defaults.model} writes."
        return Sampling(execution_mode="offline"), NO_MODEL

    def _asked(self, session: Session, companion: Companion) -> tuple[loops.Wish, Request | None]:
        """Say what is asked of the job, and which draft is to be written again before it."""
        slot = companion.slot
        query, text = self._question(slot, offline=self._offline)
        if query is None and slot is None:
            raise InputError(
                f"This session has no companion {self.companion_type!r} to go on with.",
                "Give it a question, or name another with --companion.",
            )
        if query is None and self._offline and slot is not None and slot.draft is None:
            raise InputError(
                "The session waits for the draft of its question, and the built-in editor, which works by rules, "
                "writes none.",
                f"Give the text: `{self._command(session, slot)}`; or name a model with --model.",
            )
        asked = Request(
            step="draft", query=query, attachments=self.wish.attachments, text_limit=self.program.text_limit
        )
        draft = slot.draft if slot is not None and query is not None and asked.asks(slot.query) else None
        if query is None or (draft is not None and text in (None, draft.text)):
            return self._wished(), None
        if draft is None:
            return self._wished(query=query, attachments=self.wish.attachments, text=text), None
        # The same file in another state is a new question; without redo it would be taken for a call made twice.
        again = replace(asked, text=text, redo=True, sampling=self.sampling)
        return self._wished(), again

    def _wished(self, **asked: Any) -> loops.Wish:
        return loops.Wish(
            **asked,
            max_iterations=self.wish.max_iterations,
            budget_tokens=self.wish.budget,
            sampling=self.sampling,
            text_limit=self.program.text_limit,
        )

    async def _refine(self, session: Session, wish: loops.Wish, again: Request | None, watch: Watch) -> loops.Refined:
        calls, owner, session_id = self.program.calls, self.program.owner, session.session_id
        coming = next_step(await session.look(self.companion_type)).step
        with watch.waiting("draft" if wish.query is not None or again is not None else coming) as waiting:
            if again is not None:
                answer = await calls.step(
                    owner, session_id, self.companion_type, again, waiting=waiting, signature=SIGNED
                )
                if not isinstance(answer, Pending):
                    await watch.made(answer)
            return await calls.refine(owner, session_id, self.companion_type, wish, waiting=waiting, signature=SIGNED)

    async def _conclude(self, session: Session, done: loops.Refined) -> str:
        """Tell how it ended and which version was picked, and give that version."""
        reading, owner = self.program.reading, self.program.owner
        analysis: dict[str, Any] = {"similarities": [], "next_offset": 0}
        while (offset := analysis["next_offset"]) is not None:
            page = await reading.part(
                owner, session.session_id, self.companion_type, "convergence_analysis", offset=offset
            )
            analysis = page | {"similarities": [*analysis["similarities"], *page["similarities"]]}
        tell_convergence(self.screen, analysis)
        tell_pick(self.screen, done)
        tell_usage(self.screen, (await reading.overview(owner, session.session_id))["usage"])
        spent = done.stop_reason == "budget"
        if done.shown is None:
            raise InputError(
                "There is no answer yet.", "Give a larger --budget." if spent else "Call the same tool again."
            )
        if spent:
            self.screen.say(f"With a larger budget, `{self.resume} --budget N` goes on from there.", WARNING)
        elif done.stop_reason == "max_iterations":
            self.screen.say(f"`{self.resume} --max-iterations N` goes on from there.", QUIET)
        return done.shown.text
