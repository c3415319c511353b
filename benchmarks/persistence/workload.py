"""The workload, and what a contestant has to do for it: keep sessions whose steps are critiques and revisions in turn.

It measures nothing and stores nothing.
"""

import itertools
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.figures import words
from companions.entries import Kind

CRITIQUE, REVISION = 1_500, 3_000
"""Bytes of a text."""
CONCURRENT = 64
"""Sessions at once; each waits until a step is stored before it makes the next."""
OWNER, COMPANION = "local", "generic"

# As many of one as of the other, and no round number: two sessions rarely store the same text at the same time.
_TEXTS = {"critique": [words(CRITIQUE) for _ in range(97)], "revision": [words(REVISION) for _ in range(97)]}
_offsets = itertools.count()


def kind_of(step: int) -> Kind:
    """Say what a session's step of that number is, counted from 0 behind the draft."""
    return "revision" if step % 2 else "critique"


def text_of(step: int) -> str:
    """Give a text for a step; they are made beforehand, so that none is made while the clock runs."""
    texts = _TEXTS[kind_of(step)]
    return texts[(step // 2 + next(_offsets)) % len(texts)]


def texts_of(count: int) -> list[str]:
    """Give the texts of a session's first steps."""
    return [text_of(step) for step in range(count)]


def columns(session: str, seq: int, text: str) -> dict[str, Any]:
    """Give what a plain insert stores of a step: as much as an entry says."""
    step = seq - 1
    return {
        "session": session,
        "seq": seq,
        "id": f"{secrets.token_hex(6)}-{seq}-1",
        "companion_type": COMPANION,
        "kind": kind_of(step),
        "slot": 0,
        "place": step // 2,
        "author": OWNER,
        "at": time.time(),
        "meta": f'{{"based_on": {step // 2}}}' if step % 2 else "{}",
        "text": text,
    }


class Session(ABC):
    """One session in a contestant."""

    @abstractmethod
    async def step(self, text: str) -> None:
        """Append a text to what was last loaded or written here; returns once it is stored."""

    @abstractmethod
    async def load(self) -> None:
        """Read what is needed before the next step."""

    @abstractmethod
    async def everything(self) -> list[str]:
        """Read all texts, in order."""

    async def grow(self, texts: Sequence[str]) -> None:
        """Append many texts, as fast as may be."""
        for text in texts:
            await self.step(text)

    async def close(self) -> None:  # noqa: B027 (most hold nothing)
        """Let go of what this session alone holds."""


class Contestant(Protocol):
    """Something that keeps sessions."""

    async def session(self, name: str) -> Session:
        """Give the session of that name; it may be made now or by its first step."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A contestant that has come.

    Attributes:
        name: As it is called in tables.
        family: Whose it is: several stores of one library are one family.
        url: Its database.
    """

    name: str
    family: str
    contestant: Contestant
    url: str
