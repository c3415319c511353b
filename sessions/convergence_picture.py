"""The convergence of one query as a picture: an SVG that stands alone, from the body of ``convergence_analysis``.

It draws what was measured, or leaves points out and says so; it measures and decides nothing. No script, nothing
from elsewhere. Where its style is not let through (a page's policy), it takes the colour of the text around it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from xml.sax.saxutils import escape

from sessions.convergence_points import Body, Point, described, ending, points_of, shortened, thinned

STYLE = (
    ".convergence{color:#1f2328;font:13px system-ui,sans-serif}"
    ".convergence .ground{fill:#fff}.convergence .line{stroke:#0a58ca}.convergence .point{fill:#0a58ca}"
    ".convergence .threshold{stroke:#9a5b00}.convergence .guarded{stroke:#b3261e}"
    ".convergence .answer{stroke:#1a7f37}.convergence .over{paint-order:stroke;stroke:#fff;stroke-width:4px}"
    "@media(prefers-color-scheme:dark){.convergence{color:#e6edf3}"
    ".convergence .ground{fill:#0d1117}.convergence .line{stroke:#79b8ff}.convergence .point{fill:#79b8ff}"
    ".convergence .threshold{stroke:#e3b341}.convergence .guarded{stroke:#ff8f87}"
    ".convergence .answer{stroke:#56d364}.convergence .over{stroke:#0d1117}}"
)
"""The same in every picture, so that a page's policy can name its digest."""
WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 616, 84, 244
MOST_POINTS = 160
NUMBERED = 8
"""Points up to which each has its number beside it; of more, the newest has."""
SPACED = 60
"""Points up to which each has room around it."""
MOST_TICKS = 8
TITLE_CHARACTERS = 80
WHY_CHARACTERS = 96
SCALES = ((0.9, 0.02), (0.8, 0.05), (0.5, 0.1), (0.0, 0.2))
"""Where the upward axis begins, and its steps."""

# What XML has no place for, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The points that are drawn, and where versions and similarities lie."""

    points: Sequence[Point]
    first: int
    last: int
    lowest: float
    step: float

    @classmethod
    def of(cls, points: Sequence[Point], threshold: float | None) -> "Plot":
        """Lay a plot out; it begins with the draft where it begins with the first revision."""
        shown = [point.similarity for point in points] + ([] if threshold is None else [threshold])
        least = max(min(shown, default=0.0), 0.0)
        lowest, step = next(scale for scale in SCALES if scale[0] <= least)
        first = points[0].version if points else 0
        last = points[-1].version if points else 1
        return cls(points=points, first=0 if first == 1 else first, last=last, lowest=lowest, step=step)

    def across(self, version: int) -> float:
        """Give the place of a version."""
        share = (version - self.first) / (self.last - self.first) if self.last > self.first else 0.5
        return round(LEFT + 16 + share * (RIGHT - LEFT - 32), 1)

    def up(self, similarity: float) -> float:
        """Give the place of a similarity."""
        share = (min(max(similarity, 0.0), 1.0) - self.lowest) / (1 - self.lowest)
        return round(BOTTOM - share * (BOTTOM - TOP), 1)


def convergence_svg(body: Body) -> str:
    """Draw how similar neighbouring versions were, against the threshold in force.

    Args:
        body: A body of ``convergence_analysis``: of any number of revisions, from any offset.

    Returns:
        One ``svg`` element, at most 64 kB: for a file, an ``img``, or inside a page. Of more than 160 revisions, it
        draws the least and the most similar ones of each stretch, and says so.
    """
    points = points_of(body)
    drawn = thinned(points, most=MOST_POINTS, answer=body.get("answer_version"))
    plot = Plot.of(drawn, body.get("threshold"))
    name = sha256("/".join(str(body[key]) for key in ("session_id", "companion_type", "slot")).encode()).hexdigest()[:8]
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="convergence" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" font-family="sans-serif" font-size="13" '
        f'aria-labelledby="convergence-{name}" aria-describedby="convergence-{name}-told">'
    )
    parts = [
        opened,
        f'<title id="convergence-{name}">{_text(_title(body))}</title>',
        f'<desc id="convergence-{name}-told">{_text(described(body))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" fill="none"/>',
        *_headed(body),
        *_axes(plot),
        *_threshold(body, plot),
        *_answer(body, plot),
        *_drawn(plot),
        *_noted(body, points, drawn),
        "</svg>",
    ]
    return "".join(parts)


def _title(body: Body) -> str:
    query = shortened(body["query"], TITLE_CHARACTERS)
    return (
        f"Convergence of \N{LEFT DOUBLE QUOTATION MARK}{query}\N{RIGHT DOUBLE QUOTATION MARK}"
        if query
        else "Convergence"
    )


def _headed(body: Body) -> Iterator[str]:
    yield _line(20, 30, ending(body), size=17, weight="600")
    if why := body.get("why"):
        yield _line(20, 50, shortened(why, WHY_CHARACTERS), opacity=0.8)


def _axes(plot: Plot) -> Iterator[str]:
    value = plot.lowest
    while value <= 1 + plot.step / 2:
        height = plot.up(value)
        yield f'<path d="M{LEFT} {height}H{RIGHT}" stroke="currentColor" stroke-opacity=".16"/>'
        yield _line(LEFT - 8, height + 4, f"{value:.2f}", anchor="end", size=11, opacity=0.8)
        value += plot.step
    for version in _ticks(plot):
        told = "draft" if version == 0 else f"{version:,}"
        yield _line(plot.across(version), BOTTOM + 18, told, anchor="middle", size=11, opacity=0.8)


def _ticks(plot: Plot) -> Sequence[int]:
    """Give the versions that are numbered: the first, and then round ones."""
    step = 1
    for factor in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000):
        step = factor
        if (plot.last - plot.first) / step < MOST_TICKS:
            break
    round_ones = range(-(-plot.first // step) * step, plot.last + 1, step)
    return round_ones or (plot.first,)


def _threshold(body: Body, plot: Plot) -> Iterator[str]:
    threshold = body.get("threshold")
    if threshold is not None:
        height = plot.up(threshold)
        told = f"threshold {threshold:g} ({body['threshold_source']})"
        dashed = 'stroke="currentColor" stroke-width="1.5" stroke-dasharray="6 4"'
        yield f'<path class="threshold" d="M{LEFT} {height}H{RIGHT}" {dashed}/>'
        # Named above the plot: beside the line, its name would lie under the points.
        yield f'<path class="threshold" d="M{LEFT} {TOP - 16}h32" {dashed}/>'
        yield _line(LEFT + 40, TOP - 12, shortened(told, 60), size=12)


def _answer(body: Body, plot: Plot) -> Iterator[str]:
    version = body.get("answer_version")
    if version is not None and plot.first <= version <= plot.last:
        place = plot.across(version)
        yield (
            f'<path class="answer" d="M{place} {TOP}V{BOTTOM + 4}" stroke="currentColor" stroke-width="6" '
            'stroke-opacity=".3"/>'
        )
        yield _line(place, BOTTOM + 34, "picked" if body.get("picked") else "stands", anchor="middle", weight="600")


def _drawn(plot: Plot) -> Iterator[str]:
    points = plot.points
    if not points:
        middle = (LEFT + RIGHT) / 2
        yield _line(middle, BOTTOM - 20, "No revision yet: nothing to compare.", anchor="middle", over=True)
        return
    places = [(plot.across(point.version), plot.up(point.similarity)) for point in points]
    way = " ".join(f"{across},{up}" for across, up in places)
    yield f'<polyline class="line" points="{way}" fill="none" stroke="currentColor" stroke-width="2"/>'
    radius = 4 if len(points) <= SPACED else 1.5
    for point, (across, up) in zip(points, places, strict=True):
        yield _marked(point, across, up, radius)
    for point, (across, up) in list(zip(points, places, strict=True))[-1 if len(points) > NUMBERED else 0 :]:
        yield _line(across, up + 20, f"{point.similarity:.3f}", anchor="middle", size=12, over=True)


def _marked(point: Point, across: float, up: float, radius: float) -> str:
    told = f"<title>{_text(point.told())}</title>"
    if point.guard is not None:
        cross = f"M{across - 5} {up - 5}l10 10m-10 0l10-10"
        return f'<path class="guarded" d="{cross}" stroke="currentColor" stroke-width="2.5">{told}</path>'
    return f'<circle class="point" cx="{across}" cy="{up}" r="{radius:g}" fill="currentColor">{told}</circle>'


def _noted(body: Body, points: Sequence[Point], drawn: Sequence[Point]) -> Iterator[str]:
    """Say what the picture leaves out, and what its crosses mean."""
    told: list[str] = []
    if len(drawn) < len(points):
        told.append(f"{len(drawn):,} of {len(points):,} drawn: the extremes of each stretch.")
    if points and points[0].version > 1:
        told.append(f"Earlier ones than revision {points[0].version:,} are left out.")
    if body.get("next_offset") is not None:
        told.append("Later ones are left out.")
    if any(point.guard is not None for point in drawn):
        told.append("A cross: kept, but not taken (guarded).")
    words = "Similarity of each revision to the version before it. " + " ".join(told)
    yield _line(20, HEIGHT - 14, words.rstrip(), size=11, opacity=0.8)


def _line(
    across: float,
    up: float,
    told: str,
    *,
    anchor: str = "start",
    size: int = 13,
    weight: str = "400",
    opacity: float = 1,
    over: bool = False,
) -> str:
    named = ' class="over"' if over else ""
    return (
        f'<text{named} x="{across}" y="{up}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="currentColor" fill-opacity="{opacity:g}">{_text(told)}</text>'
    )


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", text))
