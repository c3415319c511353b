"""The product's stop rule and what it learns, as a policy that a study of recorded revision histories can score.

Nothing is decided here: histories are put into the shape that ``companions`` looks at, and its answers into the shape
that the evaluation reads: ``factory()`` and ``lossless()`` give objects with ``decide(observed)`` and
``learn(session)``. What was found with them, and how, is told in docs/convergence.md.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from companions import anomalies
from companions.convergence import STATIC_RULE, WINDOW, Trajectory, decide
from companions.irregularities import anomaly
from companions.patterns import gain, hazard, reliability
from companions.patterns.sample import Revised, Sample
from companions.patterns.sums import NOTHING, Sums
from companions.similarity import similarity

Observed = Mapping[str, Any]
VERDICTS = {
    "rewrite": re.compile(r"\b(is|was) (indeed|very|definitely|truly|certainly|already)\b", re.IGNORECASE),
    "code-chat": re.compile(r"^\W*this is good\b", re.IGNORECASE),
    "code-debug": re.compile(r"^\s*$"),
}
"""By type of history, what its critics write when nothing is left to improve.

Recorded critiques hold no structured verdict, which the product asks for. In reviews that are to be made positive, a
critic is content that says so ("the review is very positive"); one of code in a conversation begins with "This is
good"; a debugger that found nothing to say has written nothing. Critics of other types are never content.
"""
CAP = 3


class Policy:
    """What the product does with a loop."""

    def __init__(self, *, economical: bool) -> None:
        self.economical = economical
        self.sums: dict[str, Sums] = defaultdict(lambda: NOTHING)

    def learn(self, session: Observed) -> None:
        """Count a loop that is over."""
        versions, scores = session["versions"], session["scores"]
        steps = tuple(Revised(similarity=similarity(before, after)) for before, after in pairwise(versions))
        accepted = [
            number
            for number, critique in enumerate(session["critiques"] or ())
            if number < len(versions) and _accepts(session["type"], critique)
        ]
        sample = Sample(
            revisions=len(versions) - 1,
            censored=False,
            steps=steps,
            scores=tuple(scores or ()),
            accepted=tuple(accepted),
        )
        self.sums[session["type"]] = self.sums[session["type"]].and_sample(sample, 0.0)

    def decide(self, obs: Observed) -> dict[str, Any]:
        """Answer what the evaluation asks after a step."""
        sums, revisions = self.sums[obs["type"]], len(obs["versions"]) - 1
        most = min(CAP, obs["max_loops"])
        expected = hazard.remaining(sums, revisions, most=obs["max_loops"])
        answer: dict[str, Any] = {"remaining": expected.revisions, "p_last": expected.last_next}
        if obs["event"] == "draft":
            return answer
        guard, trajectory = self._trajectory(obs, sums, most)
        found = decide(trajectory, STATIC_RULE)
        if obs["event"] == "revision":
            seen = anomaly(
                guard=None if guard is None else guard.kind,
                back_to=None if found is None else found.back_to,
                similarities=[similarity(before, after) for before, after in pairwise(obs["versions"][-3:])],
            )
            answer["anomalies"] = [] if seen is None else [seen]
        if found is not None:
            answer |= {"stop": True, "return_index": found.answer}
        return answer

    def _trajectory(self, obs: Observed, sums: Sums, most: int) -> tuple[anomalies.Guard | None, Trajectory]:
        versions: Sequence[str] = obs["versions"]
        number, guard, near = len(versions) - 1, None, None
        if obs["event"] == "revision":
            near = similarity(versions[-2], versions[-1])
            guard = anomalies.guard(versions[-1], good=versions[-2], earlier=versions[:-1], to_good=near)
        verdict = _accepts(obs["type"], obs["critiques"][-1]) if obs["event"] == "critique" else False
        threshold = gain.learned(sums) if self.economical else None
        return guard, Trajectory(
            event=obs["event"],
            iteration=number if obs["event"] == "revision" else number + 1,
            satisfied=verdict and not reliability.verdicts(sums).misleading,
            similarity=near,
            guard=guard,
            texts=tuple(versions[-WINDOW:]),
            numbers=tuple(range(len(versions)))[-WINDOW:],
            threshold=1.0 if threshold is None else threshold.threshold,
            max_iterations=most,
            patience=1 if self.economical else 2,
        )


def factory() -> Policy:
    """Give the economical policy: one still revision ends a loop, and thresholds are learned."""
    return Policy(economical=True)


def lossless() -> Policy:
    """Give the patient policy: two still revisions in a row end a loop, and no threshold is learned."""
    return Policy(economical=False)


def _accepts(kind: str, critique: str | None) -> bool:
    return critique is not None and kind in VERDICTS and VERDICTS[kind].search(critique[:200]) is not None
