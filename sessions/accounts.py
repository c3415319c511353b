"""One owner's account in this process: the calls of models that no stored entry tells of, and the day's sums.

Sums of what is stored come from what listings show; this holds what must be added to them. What may be spent is
``budgets``'s to say.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from companions.errors import StoreError
from sessions.budgets import Loop
from sessions.store import Head
from sessions.usage import OTHERS, Counts, Sums, added, calls, date_of, merged, on_day

log = logging.getLogger("companions.accounts")

LOST_SESSIONS = 1_000
"""Sessions whose unstored calls are remembered; the oldest are forgotten first."""
MEASURED = 1_000
"""Models of sessions whose calls are remembered as measures of the next."""
TALLIED = 50
"""Models that are told apart; names of models come from callers."""
LOOK_SECONDS = 60.0
"""How often it is looked for what other processes spent on a day."""
LATE_SECONDS = 120.0
"""How much later than a session's last use a listing may show it."""
LISTED = 100
"""Sessions that are listed at a time."""


class Listing(Protocol):
    """Where an owner's sessions are listed."""

    async def list(self, owner: str, *, search: str | None = None, limit: int = 10, offset: int = 0) -> list[Head]:
        """List an owner's sessions, last used first, as they are now."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One call of a model, until it is stored what it used.

    Attributes:
        prompt: Bytes of what the model is given.
        counts: What it is estimated at; once it has ended, what it used.
        lost: Whether it failed after it may have been paid for.
    """

    session_id: str
    model: str
    day: str
    prompt: int
    counts: Counts
    loop: Loop | None
    under_way: bool = True
    lost: bool = False


@dataclass(slots=True)
class Tally:
    """What this process has seen of a model: its calls that ended, how many of them failed, and how long they took."""

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        """Add what was seen of another."""
        return Tally(self.calls + other.calls, self.failures + other.failures, self.seconds + other.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What earlier calls tell of the next: bytes of prompts, the tokens that they were, the largest reply."""

    prompts: int = 0
    input_tokens: int = 0
    largest: int = 0

    def after(self, prompt: int, usage: Mapping[str, int]) -> "Measured":
        """Give the measure with one call more."""
        return Measured(
            prompts=self.prompts + prompt,
            input_tokens=self.input_tokens + usage.get("input_tokens", 0),
            largest=max(self.largest, usage.get("output_tokens", 0)),
        )


@dataclass(slots=True)
class OwnerDay:
    """What an owner's sessions are known to have used on one day, whichever process served them.

    Sums only grow within a day, so that of two that are known of a companion the one with more calls is newer.

    Attributes:
        date: The day, in UTC.
        looked: When the store was last looked at, in ``time.monotonic`` seconds; ``None`` on a new day.
    """

    date: str = ""
    looked: float | None = None
    _seen: dict[tuple[str, str], Sums] = field(default_factory=dict[tuple[str, str], Sums])
    _since: float = 0.0
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def turn(self, date: str) -> None:
        """Begin a new day if it is one."""
        if date > self.date:
            self.date, self._seen, self.looked, self._since = date, {}, None, 0.0

    def see(self, session_id: str, shown: Mapping[str, Any]) -> None:
        """Take in what listings show of a session."""
        for name, values in shown.items():
            sums, known = on_day(values, self.date), self._seen.get((session_id, name), {})
            if calls(sums) > calls(known):
                self._seen[session_id, name] = sums

    def sums(self) -> Sums:
        """Give the day's sums by model."""
        return merged(self._seen.values())

    async def look(self, listing: Listing, owner: str) -> None:
        """Look, now and then, at what other processes stored.

        Raises:
            StoreError: The store is away, and nothing is known of this day yet.
        """
        async with self._looking:
            if self.looked is not None and time.monotonic() < self.looked + LOOK_SECONDS:
                return
            date, begun = self.date, time.time()
            try:
                await self._list(listing, owner)
            except StoreError as error:
                if self.looked is None:
                    raise
                log.warning("what others spent cannot be looked up now: %s", error)
            if date == self.date:
                self.looked, self._since = time.monotonic(), begun

    async def _list(self, listing: Listing, owner: str) -> None:
        """List what was used since the last look; on the first, all of the day's."""
        offset = 0
        while heads := await listing.list(owner, limit=LISTED, offset=offset):
            for head in heads:
                shown = head.projection
                if shown is None:
                    continue
                if date_of(shown.used_at) >= self.date and shown.used_at >= self._since - LATE_SECONDS:
                    self.see(head.opening.session_id, shown.companions)
                elif not shown.pinned:  # those that are stand first, whenever they were used
                    return
            offset += LISTED


@dataclass(slots=True)
class Account:
    """What this process knows of one owner's spending besides what is stored.

    Attributes:
        open: Calls under way, and those that have ended and are not stored yet.
        day: What the owner's sessions used on the present day.
        tallies: By model.
    """

    open: list[Call] = field(default_factory=list[Call])
    day: OwnerDay = field(default_factory=OwnerDay)
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    _lost: OrderedDict[tuple[str, str], Sums] = field(default_factory=OrderedDict[tuple[str, str], Sums])
    _measured: OrderedDict[tuple[str, str], Measured] = field(default_factory=OrderedDict[tuple[str, str], Measured])

    def tally(self, model: str) -> Tally:
        """Give the tally of a model."""
        name = model if model in self.tallies or len(self.tallies) < TALLIED else OTHERS
        return self.tallies.setdefault(name, Tally())

    def measured(self, session_id: str, model: str) -> Measured:
        """Give what earlier calls of a model in a session tell of the next."""
        return self._measured.get((session_id, model), Measured())

    def measure(self, call: Call, usage: Mapping[str, int]) -> None:
        """Take note of what a call used, as its provider reported it."""
        key = call.session_id, call.model
        self._measured[key] = self.measured(*key).after(call.prompt, usage)
        self._measured.move_to_end(key)
        while len(self._measured) > MEASURED:
            self._measured.popitem(last=False)

    def lose(self, call: Call) -> None:
        """Remember what was used by a call of which nothing is stored."""
        key = call.session_id, call.day
        self._lost[key] = added(self._lost.get(key, {}), call.model, call.counts)
        self._lost.move_to_end(key)
        while len(self._lost) > LOST_SESSIONS:
            self._lost.popitem(last=False)

    def unstored(self, session_id: str | None = None, day: str | None = None) -> Sums:
        """Give what the entries of a session, or of a day, do not tell."""
        sums = [{call.model: call.counts} for call in self.open if _is(call.session_id, call.day, session_id, day)]
        lost = [sums for key, sums in self._lost.items() if _is(*key, session_id, day)]
        return merged([*sums, *lost])


def _is(session_id: str, day: str, wanted_session: str | None, wanted_day: str | None) -> bool:
    return wanted_session in (None, session_id) and wanted_day in (None, day)
