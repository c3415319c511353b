"""Cutting long texts into pages: at a paragraph if one ends in reach, else at a line, else between two characters."""

import json
from bisect import bisect_right

PAGE_BYTES = 90_000
"""Most bytes of text in one page: a channel carries at most 100 kB, the rest is for what stands around the text."""
BESIDE_BYTES = 2_000
"""Most bytes of a text that stands beside the one that was asked for, such as its query."""
_REACH = 0.5
"""How much of a page may be given up to end it at a paragraph."""


def size(text: str) -> int:
    """Count a text's bytes as it travels: in JSON, where quotes and line ends take two and control characters six."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def cut(text: str, room: int) -> tuple[str, int | None]:
    """Give as much of a text as fits into ``room`` bytes, and where the rest begins, or ``None`` if all of it fits."""
    if size(text) <= room:
        return text, None
    fits = bisect_right(range(1, max(room, 0) + 1), room, key=lambda length: size(text[:length]))
    piece = text[: max(fits, 1)]
    for end in ("\n\n", "\n", " "):
        place = piece.rfind(end)
        if place >= len(piece) * _REACH:
            piece = piece[: place + len(end)]
            break
    return piece, len(piece)
