"""Texts that another process came before: how they are kept beside what stands, and what their writer is told.

When one has lost, and where it is stored, is ``session``'s to say.
"""

from collections.abc import Sequence

from companions.entries import Note
from companions.errors import ConflictError

TEXTS = frozenset({"draft", "critique", "revision"})


def beside(notes: Sequence[Note]) -> list[Note]:
    """Give the texts among notes as ``alternative`` notes."""
    return [
        Note(
            companion_type=note.companion_type,
            kind="alternative",
            slot=note.slot,
            index=note.index,
            text=note.text,
            meta={**note.meta, "of": note.kind},
        )
        for note in notes
        if note.kind in TEXTS
    ]


def lost(notes: Sequence[Note]) -> ConflictError:
    """Make the error of whoever wrote them."""
    kept = any(note.kind in TEXTS for note in notes)
    return ConflictError(
        "Another process wrote this step first" + ("; this text was kept as an alternative." if kept else "."),
        "Call the same tool again without text to see what stands now.",
    )
