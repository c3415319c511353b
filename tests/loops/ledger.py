"""What was asked of a provider against what is stored: every answer once, and none that was stored asked for again.

It counts and compares, over all lives of a program. What is asked, and when a life ends, is not known here.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from companions.entries import Entry
from companions.errors import StoreAwayError
from companions.picking import names
from companions.prompts import read_verdict
from sessions.store import Store
from tests.provider.server import Exchange, Provider
from tests.survival.checker import TEXTS, Step, check

T = TypeVar("T")
PAGE = 500
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.1
SIDES = ("earlier", "later")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life of the program, as it began.

    Attributes:
        asked: How many requests the provider had had.
        stored: The results that were stored.
    """

    asked: int
    stored: Counter[str]


@dataclass(slots=True, kw_only=True)
class Ledger:
    """The accounts of one query, which nothing else may contain."""

    provider: Provider
    store: Store
    query: str
    _lives: list[Life] = field(default_factory=list[Life])

    async def begins(self) -> None:
        """Note that a life begins: its program is there and has been asked nothing yet."""
        self._lives.append(Life(asked=len(self.exchanges), stored=await self.stored()))

    @property
    def exchanges(self) -> list[Exchange]:
        """All requests so far that are about the query."""
        return [each for each in self.provider.exchanges if any(self.query in text for text in each.prompt)]

    @property
    def present(self) -> list[Exchange]:
        """Those of the present life."""
        return self.exchanges[self._lives[-1].asked :]

    async def grown(self) -> bool:
        """Tell whether anything was stored in the present life."""
        return (await self.stored()) != self._lives[-1].stored

    async def stored(self) -> Counter[str]:
        """Give the results of model calls that are stored, comparisons included."""
        return Counter(text for entries in (await self.sessions()).values() for text in _results(entries))

    async def sessions(self) -> dict[str, list[Entry]]:
        """Read the sessions whose first query it is."""
        return await patiently(self._read)

    async def _read(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for head in await self.store.scan(limit=PAGE):
            session_id = head.opening.session_id
            entries = await self.store.page(session_id, limit=PAGE)
            if next((entry.text for entry in entries if entry.kind == "query"), None) == self.query:
                found[session_id] = entries
        return found

    async def steps(self) -> list[Step]:
        """Give what is stored as steps."""
        return [Step.of(name, entry) for name, entries in (await self.sessions()).items() for entry in entries]

    async def counts(self) -> dict[str, int]:
        """Give the figures that are told of a run."""
        answered = self._answered()
        return {
            "model calls": len(self.exchanges),
            "refused": len(self.exchanges) - len(answered),
            "results stored": (await self.stored()).total(),
            "asked again": len(answered) - len({_key(each) for each in answered}),
            "kills": max(0, len(self._lives) - 1),
        }

    async def findings(self) -> list[str]:
        """Tell what is wrong, once everything has ended."""
        asked = {_key(each): _text(each) for each in self._answered()}
        due, stored = Counter(asked.values()), await self.stored()
        sessions, steps = await self.sessions(), await self.steps()
        return [
            *(f"asked twice: {line}" for line in self._asked_twice()),
            *(f"paid for and not stored: {text[:60]!r}" for text in due - stored),
            *(f"stored and never asked for: {text[:60]!r}" for text in stored - due),
            *([] if len(sessions) == 1 else [f"{len(sessions)} sessions hold the query"]),
            *check([], steps, {*asked.values()}).lines(),
        ]

    def _asked_twice(self) -> Iterator[str]:
        """Tell of requests in a life for what was stored before it, or was asked for in it already."""
        ends = [*(life.asked for life in self._lives[1:]), len(self.exchanges)]
        for number, (life, end) in enumerate(zip(self._lives, ends, strict=True), start=1):
            known = {*life.stored}
            for each in self.exchanges[life.asked : end]:
                key = _key(each)
                if (text := _text(each)) in known or key in known:
                    yield f"in life {number}, though the result was there: {text[:60]!r}"
                known.add(key)

    def _answered(self) -> list[Exchange]:
        return [each for each in self.exchanges if each.reply.status == 200]


async def patiently(look: Callable[[], Awaitable[T]]) -> T:
    """Look into a store until it answers: on a busy machine it may take longer than its deadline."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await look()
        except StoreAwayError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(PAUSE_SECONDS)


def _key(exchange: Exchange) -> str:
    return json.dumps(exchange.prompt)


def _text(exchange: Exchange) -> str:
    return read_verdict(exchange.reply.words)[0]


def _results(entries: list[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.kind in TEXTS or entry.kind == "alternative":
            yield entry.text
    votes = [entry.meta.get("votes", ()) for entry in entries if entry.kind == "pick"][-1:]
    for number, vote in enumerate(votes[0] if votes else ()):
        # The later version stands first in the second comparison.
        yield json.dumps({"better": "tie" if vote == "tie" else names(number)[SIDES.index(vote) ^ number]})
