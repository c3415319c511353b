"""The convergence of a run as a chart of letters; where it is shown, and what else is told, is the commands' work."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from sessions.convergence_points import Point, ending, points_of

Body = dict[str, Any]

MOST_BARS = 20
"""Newest revisions that a chart shows: what fits a screen."""
NARROWEST, WIDEST = 10, 60
"""Letters of a bar for a similarity of 1."""
BESIDE = 34
"""Letters of a line beside its bar: number, similarity, and what is said of the version."""
EIGHTHS, FULL, LINE = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589", "\u2588", "\u2502"
"""Blocks of so many eighths of a letter, a full one, and a thin upright line."""


def chart(body: Body, *, width: int, ascii_only: bool) -> Iterator[Text]:
    """Draw how similar each revision was to the version before it, the threshold as a line across the bars.

    Args:
        body: A body of ``convergence_analysis``.
        width: Letters of a line.
        ascii_only: Whether the terminal shows no other letters.
    """
    points = points_of(body)
    wide = max(NARROWEST, min(WIDEST, width - BESIDE))
    yield _heading(body, ascii_only=ascii_only)
    if len(points) > MOST_BARS:
        first = points[-MOST_BARS].version
        yield Text(f"  Earlier ones than revision {first:,} are left out.", style="dim")
    for point in points[-MOST_BARS:]:
        yield _bar(point, body, wide, ascii_only=ascii_only)
    if not points:
        yield Text("  No revision yet: nothing to compare.")
    if body["answer_version"] == 0 and points:
        yield Text(f"  The draft (version 0) {'was picked' if body['picked'] else 'stands'}.")


def _heading(body: Body, *, ascii_only: bool) -> Text:
    told = Text(f"{ending(body)}", style="bold cyan")
    told.append(
        f"  {body['companion_type']}, slot {body['slot']}: similarity to the version before", style="not bold dim"
    )
    if body["threshold"] is not None:
        line = "|" if ascii_only else LINE
        told.append(f"; {line} threshold {body['threshold']:g} ({body['threshold_source']})", style="not bold dim")
    return told


def _bar(point: Point, body: Body, wide: int, *, ascii_only: bool) -> Text:
    told = Text(f"{point.version:>6,}  {point.similarity:.3f}  ")
    drawn = _drawn(point.similarity, wide, ascii_only=ascii_only).ljust(wide)
    place = None if body["threshold"] is None else min(round(body["threshold"] * wide), wide - 1)
    style = "yellow" if point.guard else "cyan"
    if place is None:
        told.append(drawn, style=style)
    else:
        told.append(drawn[:place], style=style)
        told.append("|" if ascii_only else LINE, style="bold magenta")
        told.append(drawn[place + 1 :], style=style)
    if said := _said(point, body):
        told.append(f"  {said}", style="bold" if point.version == body["answer_version"] else "yellow")
    return told


def _drawn(similarity: float, wide: int, *, ascii_only: bool) -> str:
    """Draw a bar; of a letter that it fills in part it takes the eighths, where the terminal has them."""
    if ascii_only:
        return "#" * round(similarity * wide)
    whole, eighths = divmod(round(similarity * wide * 8), 8)
    return FULL * whole + (EIGHTHS[eighths] if eighths else "")


def _said(point: Point, body: Body) -> str:
    if point.version == body["answer_version"]:
        return "picked" if body["picked"] else "stands"
    return "" if point.guard is None else f"guarded: {point.guard}"
