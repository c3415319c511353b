"""Revisions that are not revisions: empty, about something else, cut off, run away, or back where they were.

It only names what it sees, with the numbers it saw; whether a loop stops for it is decided in ``convergence``. The
limits are fixed ones, chosen and confirmed on recorded revision histories (docs/convergence.md), and look at texts
alone: that a revision got *worse* cannot be seen from here.
"""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from companions.similarity import cosine, letter_runs, words, words_similarity

GuardKind = Literal["empty", "unrelated", "truncated", "runaway"]
NOBODY_MEANS: GuardKind = "empty"
"""The kind that is never taken, also from a caller who insists on it."""

# Lengths are in words; a ratio is the new length over the old.
_SHORTER, _FRAGMENT, _HALF, _LONGER, _DOUBLE = 0.80, 0.30, 0.5, 1.4, 2.0
_NOTHING, _SOMETHING, _QUARTER = 4, 8, 4
_KEPT = 0.50  # a text that was cut off has at least this share of its words from the old one
_SHORT_TEXT, _SMALL_TEXT, _TIMES = 40, 100, 4  # up to 40 words nothing runs away; below 100 growing is natural
_REPETITIVE, _MORE_REPETITIVE = 0.30, 0.60  # compressed over plain size: alone, and against the old text's
_SAYS_SOMETHING = 15  # fewer words cannot be told apart by their letters
_RELATED = 0.60  # from this similarity on the overlap need not be measured, which is the dearer one
_FOREIGN, _FOREIGN_SHORT = 0.30, 0.40  # below this overlap it is about something else; stricter if much shorter
_STRANGE, _SAME_ORDER = 0.55, 0.25  # or below this overlap, if hardly any words stand in the old order either
_NEAR, _MARGIN = 0.98, 0.02
# A full stop of any script, then perhaps what closes a quotation, a bracket or an emphasis.
_SENTENCE_END = re.compile(r"""[.!?\u2026\u3002\uff01\uff1f\u061f\u0964]["'\u00bb\u201d\u2019)\]*_`]*$""")
_BRACKETS = ("()", "[]", "{}")
_UNFINISHED = re.compile(r"[,:=+&|(\[{\\]$")  # something must follow, in prose as in code


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Why a version must not become the current text.

    Attributes:
        kind: What it looks like.
        why: A short clause with what was measured and where the border is, such as "1 word where the version before has
            134; below 4 it counts as empty".
    """

    kind: GuardKind
    why: str

    def __post_init__(self) -> None:
        """Refuse a kind that no surface knows how to tell."""
        if self.kind not in get_args(GuardKind):
            raise ValueError(f"unknown kind of guard: {self.kind!r}")


@dataclass(frozen=True, slots=True)
class _Pair:
    """The last good version and the new one, cut into words once for all limits."""

    old_text: str
    new_text: str
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """The new length over the old; the 5 keeps versions of a few words from swinging it."""
        return (len(self.new) + 5) / (len(self.old) + 5)

    @property
    def lengths(self) -> str:
        return f"{_count(len(self.new))} where the version before has {len(self.old)}"


def guard(text: str, *, good: str, earlier: Sequence[str], to_good: float | None = None) -> Guard | None:
    """Name what keeps a new version from being accepted, or ``None`` if nothing does.

    Args:
        text: The new version.
        good: The last version that was accepted.
        earlier: All earlier versions that are known, newest last; ``good`` may be among them.
        to_good: The new version's similarity to ``good``, if it was measured already.
    """
    pair = _Pair(good, text, words(good), words(text))
    if pair.old == pair.new:
        return None
    return _empty(pair) or _truncated(pair) or _runaway(pair) or _unrelated(pair, earlier, to_good)


def repeats(text: str, versions: Sequence[str], *, to_last: float | None = None) -> int | None:
    """Find the earlier version that a new one has gone back to.

    Args:
        text: The new version.
        versions: The versions before it, newest last.
        to_last: Its similarity to the last of them, if it was measured already.

    Returns:
        The index in ``versions`` of one with equal words, else of the nearest whose similarity is at least .98 and at
        least .02 above that to the last; the earliest on a tie. ``None`` if there is none, or if the last is equal too:
        that is standing still, not going back.
    """
    if len(versions) < 2:  # noqa: PLR2004 - with fewer than two there is nothing before the last to go back to
        return None
    new = words(text)
    still = words_similarity(words(versions[-1]), new) if to_last is None else to_last
    if still == 1.0:
        return None
    limit = min(max(_NEAR, round(still + _MARGIN, 6)), 1.0)
    near = [words_similarity(words(version), new, at_least=limit) for version in versions[:-1]]
    return near.index(max(near)) if max(near) >= limit else None


def _empty(pair: _Pair) -> Guard | None:
    """Nothing, or next to nothing where there was something.

    The characters are compared too, because scripts without spaces put a whole sentence into one word.
    """
    few = len(pair.new) < _NOTHING and len(pair.old) >= _SOMETHING
    short = _QUARTER * len(pair.new_text.strip()) < len(pair.old_text.strip())
    if pair.new and not (few and short):
        return None
    return Guard(kind="empty", why=f"{pair.lengths}; below {_NOTHING} it counts as empty")


def _truncated(pair: _Pair) -> Guard | None:
    """Much of the old text and clearly less of it, broken off."""
    if pair.ratio >= _SHORTER:
        return None
    kept = sum((Counter(pair.new) & Counter(pair.old)).values())
    if kept < _KEPT * len(pair.new):
        return None
    how = _broken_off(pair)
    if how is None and (pair.ratio >= _FRAGMENT or _drops_lines(pair)):
        return None
    seen, border = (f"{kept} of them the same", _FRAGMENT) if how is None else (how, _SHORTER)
    return Guard(kind="truncated", why=f"{pair.lengths}, {seen}; below {border:.0%} it counts as truncated")


def _broken_off(pair: _Pair) -> str | None:
    if _ends(pair.new_text):
        return None
    if not _ends_a_line(pair) and (_ends(pair.old_text) or _stops_in_a_line(pair)):
        return "ending in mid-sentence"
    if _open(pair.new_text) and not _open(pair.old_text):
        return "with a bracket or fence left open"
    if _goes_on(pair.new_text) and not _goes_on(pair.old_text):
        return "ending where more must follow"
    return None


def _ends(text: str) -> bool:
    return _SENTENCE_END.search(text.rstrip()) is not None


def _ends_a_line(pair: _Pair) -> bool:
    """Whether it ends with a whole line of the old text: what stood behind it may have been dropped on purpose."""
    return _last_line(pair) in _old_lines(pair)


def _stops_in_a_line(pair: _Pair) -> bool:
    """Whether it breaks off inside a line of the old text: the one sign that code gives as well as prose."""
    last = _last_line(pair)
    return any(line.startswith(last) for line in _old_lines(pair))


def _drops_lines(pair: _Pair) -> bool:
    """Whether it only lost lines of a text that is no prose: code may lose its examples."""
    return not _ends(pair.old_text) and _ends_a_line(pair)


def _last_line(pair: _Pair) -> str:
    return pair.new_text.rstrip().rpartition("\n")[2].strip()


def _old_lines(pair: _Pair) -> list[str]:
    return [line.strip() for line in pair.old_text.splitlines()]


def _goes_on(text: str) -> bool:
    return _UNFINISHED.search(text.rstrip()) is not None


def _open(text: str) -> bool:
    """Whether something was opened and not closed; lists like ``a)`` only close, so they do not count."""
    return text.count("```") % 2 == 1 or any(text.count(left) > text.count(right) for left, right in _BRACKETS)


def _runaway(pair: _Pair) -> Guard | None:
    """Much longer than before, by saying the same over and over or by sheer length."""
    if pair.ratio <= _LONGER or len(pair.new) <= _SHORT_TEXT:
        return None
    most = _TIMES * max(len(pair.old), _SMALL_TEXT)
    if len(pair.new) > most:
        return Guard(kind="runaway", why=f"{pair.lengths}; above {most} it counts as a runaway")
    squeezed, border = _squeezed(pair.new_text), min(_REPETITIVE, _MORE_REPETITIVE * _squeezed(pair.old_text))
    if squeezed >= border:
        return None
    how = f"repeating itself: it compresses to {squeezed:.1%}; below {border:.1%} it counts as a runaway"
    return Guard(kind="runaway", why=f"{pair.lengths}, {how}")


def _squeezed(text: str) -> float:
    """The compressed size over the plain one; what repeats itself gets small."""
    plain = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(plain, 1)) / max(len(plain), 1)


def _unrelated(pair: _Pair, earlier: Sequence[str], to_good: float | None) -> Guard | None:
    """About something else than every version before it.

    The overlap, the dearer measure, is taken with the last good version and, if that is not enough, with the one whose
    words stand nearest.
    """
    short = pair.ratio < _HALF and not _drops_lines(pair)
    if not short and len(pair.old) < _SAYS_SOMETHING:
        return None
    in_order = words_similarity(pair.old, pair.new) if to_good is None else to_good
    if in_order >= _RELATED:
        return None
    new, enough = letter_runs(pair.new_text), _FOREIGN_SHORT if short else _STRANGE
    best = cosine(letter_runs(pair.old_text), new)
    others = [version for version in earlier if version != pair.old_text]
    if best < enough and others:
        nearness, nearest = max((words_similarity(words(version), pair.new), version) for version in others)
        in_order, best = max(in_order, nearness), max(best, cosine(letter_runs(nearest), new))
    strange = best < _STRANGE and in_order < _SAME_ORDER and pair.ratio <= _DOUBLE
    if best >= enough or not (short or best < _FOREIGN or strange):
        return None
    return Guard(kind="unrelated", why=_little_in_common(best, in_order, short=short))


def _little_in_common(best: float, in_order: float, *, short: bool) -> str:
    seen, border = f"an overlap of {best:.3f}", f"{_FOREIGN_SHORT if short else _FOREIGN:g}"
    if not short and best >= _FOREIGN:
        seen, border = f"{seen} and a similarity of {in_order:.3f}", f"{_STRANGE:g} and {_SAME_ORDER:g}"
    return f"{seen} with the nearest version before it; below {border} it counts as unrelated"


def _count(number: int) -> str:
    return "1 word" if number == 1 else f"{number} words"
