"""The pick at a loop's end: which version is the answer, compared by a model or by the caller where it is in doubt.

It takes the companion's lock like any step, and records one entry. Which versions are in doubt is said by
``companions.picking``; when a loop has ended is its caller's to say.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from companions import picking, prompts
from companions.companion import Slot, version_of
from companions.configuration import Configuration
from companions.entries import Note
from companions.errors import InputError
from companions.falling_back import FAILED
from companions.models import Sampling, Task, Written
from companions.next_step import stop_reason
from companions.picking import ORDERS, Choice, Contest, Vote
from companions.planning import check_slot
from companions.requests import SlotName
from sessions.asked import Caller, asking
from sessions.session import Awake, Session
from sessions.standing_in import in_order
from sessions.steps import Desk
from sessions.usage import ASKED, COST, ESTIMATED
from sessions.watching import Doing, watched

KEPT = (ASKED, ESTIMATED, COST, FAILED, "seconds", "first_token_seconds", "retries")
"""What is kept of each comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One pick to be made.

    Attributes:
        text: Which of the two texts that were shown is better, as the caller that compares wrote it.
        sampling: The loop's own choices.
        slot: The loop's slot.
    """

    desk: Desk
    session: Session
    companion_type: str
    caller: Caller
    text: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    slot: SlotName | None = None

    async def make(self) -> Mapping[str, str] | None:
        """Pick a version, or hand out the next comparison as ``system`` and ``user``; ``None`` once it is picked.

        Raises:
            InputError: The caller's text names neither of the two texts; nothing changed.
            SlotLeftError: Another question was put to the companion meanwhile.
            BudgetError: The model may not be asked; a later call picks.
            ModelError: The model failed, likewise.
            StoreError: The store failed; nothing changed.
        """
        awake = await self.session.wake(self.companion_type)
        async with awake.lock:
            await self.session.catch_up(awake)
            slot, configuration = awake.companion.slot, awake.companion.configuration
            check_slot(slot, self.slot)
            if slot is None or configuration is None or slot.picked is not None:
                return None
            ended = stop_reason(awake.companion)
            found = picking.choose(slot, ended)
            mode = configuration.sampling(self.sampling).execution_mode
            if isinstance(found, Contest) and mode == "offline":
                number = slot.current if slot.current is not None else found.later
                why = f"Version {version_of(number)} stands; the offline editor compares no versions ({found.why})."
                found = Choice(version=version_of(number), why=why)
            if isinstance(found, Choice):
                await self._record(awake, slot, found)
                return None
            if mode == "client":
                return await self._by_caller(awake, slot, found)
            doing = Doing(session_id=self.session.session_id, companion_type=self.companion_type, step="compare")
            with watched(self.desk.watcher, doing):
                await self._by_model(awake, slot, found, configuration)
            return None

    async def _by_caller(self, awake: Awake, slot: Slot, contest: Contest) -> Mapping[str, str] | None:
        """Take the caller's vote, and hand out the comparison that is still to be made."""
        known = _votes_so_far(slot, contest)
        votes = known if self.text is None else _with_vote(known, self.text)
        meta = _told(contest, votes) | {"model": self.caller.name}
        if len(votes) == ORDERS:
            await self._record(awake, slot, picking.decide(contest, votes), meta)
            return None
        if len(votes) > len(known):
            await self._store(awake, slot, meta)
        return prompts.instructions_for_caller(_comparison(slot, contest, len(votes), by_caller=True).messages)

    async def _by_model(self, awake: Awake, slot: Slot, contest: Contest, configuration: Configuration) -> None:
        """Have the companion's model make the comparisons that are still to be made, at the same time."""
        desk, known = self.desk, _votes_so_far(slot, contest)
        asked = configuration.sampling(self.sampling, "compare")
        await desk.sessions.writer.room(self.session.session_id)
        with desk.allowance.spending(desk.sessions, self.session, self.caller.loop) as spending:
            choose = in_order(
                desk.models.get, spending, configuration, self.sampling, desk.outages, refusals=desk.refusals
            )
            model = choose(asked.model)
            tasks = [_comparison(slot, contest, number, by_caller=False) for number in range(len(known), ORDERS)]
            with asking(self.caller):
                given = await asyncio.gather(*[model.write(each) for each in tasks], return_exceptions=True)
            written = [each for each in given if isinstance(each, Written)]
            votes = _read(known, given)
            meta = _told(contest, votes) | (_accounts(written) if written else {})
            if len(votes) == ORDERS:
                await self._record(awake, slot, picking.decide(contest, votes), meta)
            elif written:
                await self._store(awake, slot, meta)
        if failed := [each for each in given if isinstance(each, BaseException)]:
            raise failed[0]

    async def _record(self, awake: Awake, slot: Slot, choice: Choice, meta: Mapping[str, Any] | None = None) -> None:
        current = 0 if slot.current is None else version_of(slot.current)
        told = {"version": choice.version, "why": choice.why, "flipped": choice.version != current}
        await self._store(awake, slot, told | dict(meta or {}))

    async def _store(self, awake: Awake, slot: Slot, meta: Mapping[str, Any]) -> None:
        note = Note(companion_type=self.companion_type, kind="pick", slot=slot.number, meta=meta)
        entries = await self.session.record(awake, [note], self.caller.principal)
        await self.desk.sessions.project(self.session, awake.companion, entries)


def _told(contest: Contest, votes: Sequence[Vote]) -> dict[str, Any]:
    return {"candidates": list(contest.versions), "votes": list(votes)}


def _votes_so_far(slot: Slot, contest: Contest) -> list[Vote]:
    """Read back the caller's earlier votes on the same two versions."""
    newest = slot.revision or slot.draft
    known = slot.pick
    if known is None or newest is None or known.seq < newest.seq:
        return []
    votes: list[Vote] = known.meta.get("votes", [])
    return list(votes) if known.meta.get("candidates") == list(contest.versions) else []


def _with_vote(votes: list[Vote], text: str) -> list[Vote]:
    """Take the caller's answer to the comparison that is open; one to an earlier comparison is a repeat."""
    for number in range(len(votes) + 1):
        if (said := picking.said_in(text, number)) is not None:
            return votes if number < len(votes) else [*votes, picking.vote(said, number)]
    one, two = picking.names(len(votes))
    raise InputError("The text names neither of the two.", f"Give {one}, {two} or tie{one}{two} as text.")


def _read(known: Sequence[Vote], given: Sequence[Written | BaseException]) -> list[Vote]:
    """Read a model's comparisons as votes; a vote is known by its place, so none is read behind one that failed."""
    votes = list(known)
    for each in given:
        if isinstance(each, BaseException):
            break
        votes.append(picking.vote(prompts.read_comparison(each.text, picking.names(len(votes))), len(votes)))
    return votes


def _comparison(slot: Slot, contest: Contest, number: int, *, by_caller: bool) -> Task:
    first, second = contest.order(number)
    evidence = "" if slot.critique is None else slot.critique.meta.get("evidence", "")
    messages = prompts.comparison_messages(
        (first.text, second.text),
        query=slot.query.text,
        evidence=evidence,
        names=picking.names(number),
        verdict="argument" if by_caller else "line",
    )
    return Task(step="compare", messages=messages, query=slot.query.text, sampling=Sampling(temperature=0.0))


def _accounts(written: Sequence[Written]) -> dict[str, Any]:
    """Give what is kept of the comparisons' cost."""
    usage = Counter[str]()
    for each in written:
        usage.update(each.usage)
    told = [
        {"model": each.model, "usage": dict(each.usage)} | {name: each.meta[name] for name in KEPT if name in each.meta}
        for each in written
    ]
    return {"model": written[0].model, "usage": dict(usage), "comparisons": told}
