"""Checking archives: each is gone through once before any of it is stored, and refused as a whole.

How its files are read is ``reading``'s work, what can follow what is ``following``'s. It blocks: it is called on
threads.
"""

from collections import Counter
from collections.abc import Iterable

from companions.errors import InputError
from sessions.archives import layout
from sessions.archives.following import Following
from sessions.archives.reading import Archive
from sessions.archives.values import AGAIN
from sessions.store import Opening

KEPT = frozenset({"configure", "query"})
"""The kinds of entries that a template keeps."""

Place = tuple[str, int]
"""A session, and an entry of its own."""


def check(archive: Archive) -> None:
    """Go through all of an archive's entries.

    Raises:
        InputError: One of them does not fit; the message says which, and why.
    """
    if archive.template:
        _check_template(archive)
    else:
        _check_sessions(archive)
    archive.checked = True


def _check_sessions(archive: Archive) -> None:
    origins = _origins([listed.opening for listed in archive.sessions])
    asked, begun = Counter(origins.values()), dict[Place, Following]()
    for listed in archive.sessions:
        session_id = listed.opening.session_id
        following = _begun(origins[session_id], begun, asked) if listed.opening.base else Following()
        for entries in archive.entries(listed):
            for entry in entries:
                following.follow(layout.session_name(session_id), entry)
                if (session_id, entry.seq) in asked:
                    begun[session_id, entry.seq] = following.copy()


def _begun(origin: Place, begun: dict[Place, Following], asked: Counter[Place]) -> Following:
    """Give what a fork begins with; what no other fork begins with is let go."""
    asked[origin] -= 1
    return begun[origin].copy() if asked[origin] else begun.pop(origin)


def _origins(openings: Iterable[Opening]) -> dict[str, Place]:
    """Give, of each fork, the newest entry that it shares: its parent's own, or one of which that was forked."""
    known = {opening.session_id: opening for opening in openings}
    found = dict[str, Place]()
    for opening in known.values():
        writer = opening
        while writer.parent is not None and opening.base <= writer.base:
            writer = known[writer.parent]
        if opening.base:
            found[opening.session_id] = writer.session_id, opening.base
    return found


def _check_template(archive: Archive) -> None:
    for listed in archive.sessions:
        seq = 0
        for entries in archive.entries(listed):
            for entry in entries:
                seq += 1
                if entry.kind not in KEPT or entry.seq != seq or listed.opening.parent is not None:
                    raise InputError(
                        f"Entry {seq} of {layout.session_name(listed.opening.session_id)} is in no template.", AGAIN
                    )
