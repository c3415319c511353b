"""Checking archives: each is gone through once before any of it is stored, and refused as a whole.

How its files are read is ``reading``'s work, what can follow what is ``following``'s. It blocks: it is called on
threads.
"""

from collections import Counter
from collections.abc import Generator, Iterable

from companions.entries import Entry
from companions.errors import InputError
from sessions.archives import layout
from sessions.archives.attached import CheckedFiles
from sessions.archives.following import Following
from sessions.archives.listing import Listed
from sessions.archives.reading import Archive
from sessions.archives.values import AGAIN
from sessions.store import Opening

KEPT = frozenset({"configure", "query"})
"""The kinds of entries that a template keeps."""

Place = tuple[str, int]
"""A session, and an entry of its own."""


class Checked:
    """An archive that all was gone through of once: there is none that was not.

    Attributes:
        template: Whether it holds questions without answers.
        sessions: What it holds, parents before their forks.
        archive: The archive itself.
    """

    def __init__(self, archive: Archive) -> None:
        """Go through all of an archive's entries.

        Raises:
            InputError: One of them does not fit; the message says which, and why.
        """
        if archive.template:
            _check_template(archive)
        else:
            _check_sessions(archive)
        self.template, self.sessions = archive.template, archive.sessions
        self.archive = archive

    def entries(self, listed: Listed) -> Generator[list[Entry]]:
        """Read a session's entries again, some at a time.

        Raises:
            InputError: The file is another by now.
        """
        return self.archive.entries(listed, again=True)


def check_length(place: str, entry: Entry, most: int) -> None:
    """Refuse an entry with a text of more bytes than callers may give."""
    for text in (entry.text, entry.meta.get("evidence")):
        if isinstance(text, str) and len(text.encode("utf-8", "replace")) > most:
            raise InputError(
                f"{place} has a text of more than {most:,} bytes.",
                "Set COMPANIONS_TEXT_LIMIT to what it was where the file was made.",
            )


def _check_sessions(archive: Archive) -> None:
    origins = _origins([listed.opening for listed in archive.sessions])
    asked, begun, files = Counter(origins.values()), dict[Place, Following](), CheckedFiles(archive)
    for listed in archive.sessions:
        session_id = listed.opening.session_id
        following = _begun(origins[session_id], begun, asked) if listed.opening.base else Following()
        for entries in archive.entries(listed):
            for entry in entries:
                check_length(f"Entry {entry.seq} of {layout.session_name(session_id)}", entry, archive.text_limit)
                following.follow(layout.session_name(session_id), entry)
                files.check(layout.session_name(session_id), entry)
                if (session_id, entry.seq) in asked:
                    begun[session_id, entry.seq] = following.copy()
    files.end()


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
                check_length(
                    f"Entry {seq} of {layout.session_name(listed.opening.session_id)}", entry, archive.text_limit
                )
                if entry.kind not in KEPT or entry.seq != seq or listed.opening.parent is not None:
                    raise InputError(
                        f"Entry {seq} of {layout.session_name(listed.opening.session_id)} is in no template.", AGAIN
                    )
