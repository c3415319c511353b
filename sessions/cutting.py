"""Cutting long texts into pages: at a paragraph if one ends in reach, else at a line, else between two characters."""

PAGE_BYTES = 90_000
"""Most bytes of text in one page: a channel carries at most 100 kB, the rest is for what stands around the text."""
_REACH = 0.5
"""How much of a page may be given up to end it at a paragraph."""


def cut(text: str, room: int) -> tuple[str, int | None]:
    """Give as much of a text as fits into ``room`` bytes, and where the rest begins, or ``None`` if all of it fits."""
    raw = text.encode()
    if len(raw) <= room:
        return text, None
    piece = raw[: max(room, 1)].decode(errors="ignore") or text[:1]
    for end in ("\n\n", "\n", " "):
        place = piece.rfind(end)
        if place >= len(piece) * _REACH:
            piece = piece[: place + len(end)]
            break
    return piece, len(piece)
