"""The loopback provider as several models, of which some are down, and a companion to which others stand in."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from companions.entries import Entry
from companions.model_catalog import ModelCatalog
from companions.patience import Bounds
from sessions.answers import Answer
from tests.provider import replies
from tests.provider.replies import Reply
from tests.provider.server import Provider
from tests.sessions.faults import Process

Catalog = Callable[..., ModelCatalog]
BOUNDS = Bounds(total_seconds=30, silence_seconds=20)
HASTY = Bounds(total_seconds=30, silence_seconds=2)
FIRST, SECOND, THIRD = "openai:first", "openai:second", "openai:third"
FALLBACKS = f"fallback_models: [{SECOND}, {THIRD}]\n"
WORDS = "A short text."


@dataclass(frozen=True, slots=True)
class Scripted:
    """The loopback provider, which answers each model as a test says, and all others with the same text."""

    provider: Provider

    @classmethod
    def of(cls, provider: Provider, **answers: Reply | str) -> "Scripted":
        provider.author = lambda _: replies.text(WORDS)
        provider.by_model = {
            name: replies.text(given) if isinstance(given, str) else given for name, given in answers.items()
        }
        return cls(provider)

    @property
    def asked(self) -> list[str]:
        """The models in the order in which they were asked; the client's own repeats are one."""
        return [name for name, _ in groupby(body["model"] for body in self.provider.bodies)]


async def drafted(process: Process, **given: Any) -> Answer:
    return await process.step("draft", companion_type="own", query="Q?", **given)


def entry_of(answer: Answer) -> Entry:
    assert answer.entry is not None
    return answer.entry
