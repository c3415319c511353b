"""A companion in this process's memory, and the loop that takes it from a question to an answer.

The loop has no rules of its own: it makes the step that ``next_step`` names until that names none, with the same
``plan``, ``task``, ``judge`` and ``apply`` as a server's steps. Nothing is stored, and nobody is kept from calling
twice at once: that is the caller's to see to.
"""

import asyncio
import time
import uuid
from dataclasses import dataclass, field, fields
from typing import Any

from companions.companion import Companion, Slot
from companions.configuration import Configuration
from companions.entries import Entry, Note
from companions.models import Model
from companions.next_step import next_step, stop_reason
from companions.outcomes import judge
from companions.planning import plan
from companions.requests import Repeat, Request
from companions.run_log import run_log
from companions.tasks import task
from companions.writing import write

AUTHOR = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """What the newest question has come to.

    Attributes:
        answer: The current text; empty while nothing is written.
        stop_reason: Why the loop ended, such as ``converged`` or ``max_iterations``; ``None`` if an error broke it off.
        why: One sentence: the measured numbers of its end, or what comes next.
        similarities: Of each revision to the version before it, 0 to 1.
    """

    answer: str
    stop_reason: str | None
    why: str
    similarities: tuple[float, ...]


@dataclass(slots=True)
class InMemory:
    """One companion with all its entries.

    Attributes:
        companion: What the entries have made of it.
        entries: All that happened, numbered from 1.
    """

    companion: Companion
    entries: list[Entry] = field(default_factory=list[Entry])
    _id: str = field(default_factory=lambda: uuid.uuid4().hex)

    async def think(self, query: str, wanted: Configuration, model: Model) -> Entry:
        """Think a question through: in a slot of its own, or in the newest if that has it, unfinished.

        Args:
            query: The question.
            wanted: The configuration that a new slot takes.
            model: Who writes.

        Returns:
            The entry whose text is the answer.

        Raises:
            InputError: The question is empty or too long; nothing changed.
            ModelError: The model failed; every step before is kept.
        """
        if not self._goes_on(query):
            # redo, because a question that was answered once is thought through again in a slot of its own
            await self._step(Request(step="draft", query=query, redo=True), wanted, model)
        while (coming := next_step(self.companion)).step is not None:
            await self._step(Request(step=coming.step, redo=coming.redo), wanted, model)
        if self.companion.slot is None or self.companion.slot.current is None:
            raise ValueError("a loop has ended without a text")
        return self.companion.slot.current

    def last(self) -> Thought | None:
        """Tell what the newest question has come to; ``None`` before the first."""
        slot = self.companion.slot
        if slot is None:
            return None
        return Thought(
            answer="" if slot.current is None else slot.current.text,
            stop_reason=stop_reason(self.companion),
            why=next_step(self.companion).why,
            similarities=tuple(self.run_log()[-1].get("similarity", ())),
        )

    def run_log(self) -> list[dict[str, Any]]:
        """Tell everything it wrote, slot by slot; made anew from the entries."""
        return run_log(list(self.entries))

    def slots(self) -> list[Slot]:
        """Give every slot, each with its newest versions; made anew from the entries."""
        companion, slots = Companion(self.companion.companion_type), dict[int, Slot]()
        for entry in list(self.entries):
            companion.apply(entry)
            if companion.slot is not None:
                slots[companion.slot.number] = companion.slot
        return list(slots.values())

    def _goes_on(self, query: str) -> bool:
        slot = self.companion.slot
        return slot is not None and slot.query.text == query and next_step(self.companion).step is not None

    async def _step(self, request: Request, wanted: Configuration, model: Model) -> None:
        found = plan(self.companion, request, wanted)
        if isinstance(found, Repeat):
            raise TypeError(f"the next step was done already: {found.entry.kind} {found.entry.index}")
        for note in found.notes_before(self.companion.companion_type):
            self._record(note)
        # Who was given writes, also for a critic that names a model of its own: there is no catalog to find that in.
        written = await write(found, task(self.companion, found), lambda _: model)
        # In a thread, since measuring 200 kB takes a while and others may use this event loop.
        self._record(await asyncio.to_thread(judge, self.companion, found, written))

    def _record(self, note: Note) -> None:
        seq = len(self.entries) + 1
        values = {name.name: getattr(note, name.name) for name in fields(Note)}
        entry = Entry(**values, seq=seq, id=f"{self._id}-{seq}", author=AUTHOR, at=time.time())
        self.companion.apply(entry)
        self.entries.append(entry)
