"""Loops that were told to learning, with numbers that a test can count again by hand."""

import time
from collections.abc import Sequence
from typing import Any

from companions.patterns.sample import PHASES, Effort, Revised, Sample
from sessions.knowledge import Knowledge
from sessions.pattern_store import PatternStore


def told(revisions: int, *, improves: bool | None = None, censored: bool = False, **given: Any) -> Sample:
    """Give a loop whose first revision changed nothing.

    Args:
        revisions: How many it has.
        improves: Whether its last version is scored better than that revision, or worse; ``None`` if nobody scored.
        censored: Whether something else than its thinking ended it.
        given: What else it told.
    """
    scores = () if improves is None else (*[0.5] * revisions, 0.9 if improves else 0.1)
    steps = tuple(Revised(similarity=1.0) for _ in range(revisions))
    return Sample(revisions=revisions, censored=censored, steps=steps, scores=scores, **given)


def took(seconds: float, tokens: int) -> dict[str, Any]:
    """Give what a loop took: as much in each phase, once."""
    return {"efforts": {phase: Effort(steps=1, seconds=seconds, reported=1, tokens=tokens) for phase in PHASES}}


async def teach(
    store: PatternStore,
    samples: Sequence[Sample],
    *,
    model: str = "openai:one",
    companion_type: str = "generic",
    seconds_ago: float = 0.0,
) -> None:
    """Have a process learn from loops that ended at one moment, just now unless a test says otherwise, for a store."""
    knowledge, at = Knowledge(store=store, configured=lambda: {model}), time.time() - seconds_ago
    for sample in samples:
        knowledge.add(companion_type, model, sample, at)
    await knowledge.exchange()
