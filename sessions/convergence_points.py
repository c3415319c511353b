"""The points of a convergence chart and what they say in words; how they are drawn is the pictures' work.

Pictures for screens and for terminals share it, so that they show and leave out the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]
"""A body of ``convergence_analysis``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A revision: its number, how similar it is to the version before, and the guard that kept it from being taken."""

    version: int
    similarity: float
    guard: str | None

    def told(self) -> str:
        """Say it in words."""
        guarded = "" if self.guard is None else f"; kept, but not taken ({self.guard})"
        return f"Revision {self.version:,}: similarity {self.similarity:.3f} to version {self.version - 1:,}{guarded}"


def points_of(body: Body) -> list[Point]:
    """Give the revisions that a body tells of."""
    return [
        Point(version=pair["revision_pair"][1], similarity=pair["similarity"], guard=pair.get("guard"))
        for pair in body["similarities"]
    ]


def thinned(points: Sequence[Point], *, most: int, answer: int | None) -> Sequence[Point]:
    """Leave out what lies between the extremes of its stretch, but never the answer, the first or the newest.

    Args:
        points: All of them.
        most: How many there may be.
        answer: The version that is the answer.
    """
    if len(points) <= most:
        return points
    kept = {points[0].version, points[-1].version, answer}
    length = -(-len(points) // (most // 2 - 2))
    for begin in range(0, len(points), length):
        stretch = points[begin : begin + length]
        for extreme in (min, max):
            kept.add(extreme(stretch, key=lambda point: point.similarity).version)
    return [point for point in points if point.version in kept]


def described(body: Body) -> str:
    """Tell in words what the picture shows: for whoever does not see it."""
    pairs = body["similarities"]
    told = [f"{ending(body)}."]
    if pairs:
        similarities = [pair["similarity"] for pair in pairs]
        first, last = pairs[0]["revision_pair"][1], pairs[-1]["revision_pair"][1]
        which = f"Revision {last:,}" if first == last else f"Revisions {first:,} to {last:,}"
        told.append(
            f"{which}: similarity to the version "
            f"before {similarities[-1]:.3f} at last, {min(similarities):.3f} at least, {max(similarities):.3f} at most."
        )
    else:
        told.append("There is no revision yet, so nothing is compared.")
    if body.get("threshold") is not None:
        told.append(f"Threshold {body['threshold']:g} ({body['threshold_source']}).")
    if body.get("answer_version") is not None:
        told.append(f"Version {body['answer_version']:,} {'was picked' if body['picked'] else 'stands'} as the answer.")
    if guarded := [pair["revision_pair"][1] for pair in pairs if "guard" in pair]:
        told.append(f"Kept, but not taken (guarded): {len(guarded):,}.")
    return " ".join(told)


def ending(body: Body) -> str:
    """Say how the loop ended, or that it has not."""
    reason = str(body.get("stop_reason") or "not ended").replace("_", " ")
    return reason[:1].upper() + reason[1:]


def shortened(text: str, most: int) -> str:
    """Give a text as one line of at most so many characters."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else f"{line[: most - 3].rstrip()}..."
