"""A provider that takes its time: how long each answer lasts, by who is asked, and whom it refuses.

What it says is the loopback's own writing; drafts and critiques are marked, so that a prompt is known by its answer.
When it is asked, and what must come of it, is not known here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from companions.companion_types import Library
from tests.provider import replies, writer
from tests.provider.replies import Reply

PIECES = 10
"""Of each answer: no model is silent for long."""
REFUSAL = 400
"""A refusal that is not worth another try."""
INSTRUCTIONS = {each.draft: each.name for each in Library.load(None).types}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Answers at a pace.

    Attributes:
        seconds: How long an answer takes.
        drafts: The same for the drafts of some companions, by companion type.
        refused: Companion types whose drafts are refused.
    """

    seconds: float
    drafts: Mapping[str, float] = field(default_factory=dict[str, float])
    refused: frozenset[str] = frozenset()

    def __call__(self, prompt: list[str]) -> Reply:
        """Answer a prompt."""
        name, words = drafting(prompt), writer.write(prompt)
        if name in self.refused:
            return replies.refusal(REFUSAL)
        if name is not None or words == writer.CRITIQUE:
            words = f"Note {hashlib.sha256(repr(prompt).encode()).hexdigest()[:8]}. {words}"
        seconds = self.seconds if name is None else self.drafts.get(name, self.seconds)
        return replies.text(words, pieces=PIECES, seconds=seconds)


def drafting(prompt: list[str]) -> str | None:
    """Say whose draft a prompt asks for; ``None`` if it asks for anything else."""
    return next((name for words, name in INSTRUCTIONS.items() if prompt[0].startswith(words)), None)


def comparing(prompt: list[str]) -> bool:
    """Tell whether a prompt asks which of two versions is better."""
    return writer.COMPARED.search(prompt[-1]) is not None
