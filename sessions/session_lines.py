"""A session as lines of JSON, of which digests are made: the same for the same session, whichever store holds it.

It digests nothing and reads no store; what a digest is made over is documented where it is made.
"""

import json

from companions.entries import Entry
from sessions.store import Opening


def opening_line(opening: Opening) -> bytes:
    """Give the line of a session's opening."""
    return _line(opening.session_id, opening.owner, opening.created_at)


def entry_line(entry: Entry) -> bytes:
    """Give the line of an entry."""
    place = (entry.seq, entry.id, entry.companion_type, entry.kind, entry.slot, entry.index)
    return _line(*place, entry.author, entry.at, dict(entry.meta), entry.text)


def _line(*values: object) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode() + b"\n"
