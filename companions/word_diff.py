"""What changed from one version to the next, word by word.

It shows, it does not measure: how similar two versions are is ``similarity``'s to say. Colours are the terminal's.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import LCSseq

MOST_CELLS = 100_000_000
"""Pairs of words that are compared, a bit each. A larger rewriting is shown as out with this, in with that."""
UNCHANGED_LINES = 2
"""From how many lines on an unchanged run is only counted."""

# A word with the white space behind it; scripts that set no spaces are compared letter by letter.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]\s*|[^\s{_UNSPACED}]+\s*|\s+")

MARKS = {"same": ("", ""), "removed": ("[-", "-]"), "added": ("{+", "+}"), "left out": ("", "")}

Change = Literal["same", "removed", "added", "left out"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text with one fate; ``left out`` stands for lines that did not change."""

    change: Change
    text: str


def word_diff(before: str, after: str) -> list[Piece]:
    """Compare two versions: first by lines, which is cheap, then by words where lines differ.

    White space alone makes no difference; unchanged text is shown as the later version has it.
    """
    pieces: list[Piece] = []
    for removed, added, same in _regions(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        pieces += _words_changed("".join(removed), "".join(added))
        pieces += _unchanged(same)
    return pieces


def laid_out(pieces: Sequence[Piece]) -> Iterator[tuple[Change, str, str]]:
    """Give of each piece its fate, its words, and the white space behind them as it is shown."""
    for place, piece in enumerate(pieces):
        body = piece.text.rstrip()
        replaced = piece.change == "removed" and place + 1 < len(pieces) and pieces[place + 1].change == "added"
        yield piece.change, body, " " if replaced else piece.text[len(body) :]


def marked(pieces: Sequence[Piece]) -> str:
    """Lay a comparison out as text, with ``[-removed-]`` and ``{+added+}``."""
    told: list[str] = []
    for change, body, gap in laid_out(pieces):
        before, behind = MARKS[change] if body else ("", "")
        told.append(f"{before}{body}{behind}{gap}")
    return "".join(told)


def _regions(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[Sequence[str], ...]]:
    """Give what was removed, what was added, and what follows unchanged, until the end of both."""
    ours, theirs = [part.strip() for part in before], [part.strip() for part in after]
    if len(ours) * len(theirs) > MOST_CELLS:
        yield before, after, ()
        return
    here = there = 0
    for block in LCSseq.editops(ours, theirs).as_matching_blocks():
        end = block.b + block.size
        yield before[here : block.a], after[there : block.b], after[block.b : end]
        here, there = block.a + block.size, end


def _words_changed(before: str, after: str) -> Iterator[Piece]:
    for removed, added, same in _regions(_WORD.findall(before), _WORD.findall(after)):
        found: tuple[tuple[Change, Sequence[str]], ...] = (("removed", removed), ("added", added), ("same", same))
        yield from (Piece(change, "".join(words)) for change, words in found if words)


def _unchanged(lines: Sequence[str]) -> Iterator[Piece]:
    full = sum(bool(line.strip()) for line in lines)
    if full >= UNCHANGED_LINES:
        yield Piece("left out", f"({full} lines unchanged)\n")
    elif lines:
        yield Piece("same", "".join(lines))
