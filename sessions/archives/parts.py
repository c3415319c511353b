"""One session's two files in an archive, as far as they are written: its entries, and the same thinking to be read.

Which sessions an archive holds, and where these files go, is ``writing``'s work.
"""

from collections.abc import Iterable, Iterator

from companions.entries import Entry
from sessions.archives import layout
from sessions.archives.zipping import Part
from sessions.markdown import in_markdown
from sessions.paged_views import moment
from sessions.slots import SHOWN
from sessions.store import Opening
from sessions.titles import title_of


class Parts:
    """One session's two files, as far as they are written."""

    def __init__(self, opening: Opening) -> None:
        """Begin both."""
        self.opening, self.seq = opening, opening.base
        self.session, self.transcript = Part(), Part()
        self._speaker, self._titled = "", False
        self.session.write(layout.first_line(opening))

    def write(self, entries: Iterable[Entry]) -> None:
        """Add entries to both."""
        for entry in entries:
            self.session.write((b",\n" if self.seq > self.opening.base else b"") + layout.entry_json(entry))
            self.seq = entry.seq
            self.transcript.write("".join(self._told(entry)).encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Let go of both."""
        self.session.close()
        self.transcript.close()

    def end(self) -> None:
        """End both."""
        self.session.write(b"\n" + layout.LAST_LINE)

    def _told(self, entry: Entry) -> Iterator[str]:
        if entry.kind not in SHOWN:
            return
        if not self._titled:
            self._titled = True
            yield from self._heading(entry)
        if entry.companion_type != self._speaker:
            self._speaker = entry.companion_type
            yield f"# Companion {entry.companion_type}\n\n"
        yield in_markdown(entry)

    def _heading(self, entry: Entry) -> Iterator[str]:
        opened = self.opening
        yield f"# {title_of(entry.text) if entry.kind == 'query' else opened.session_id}\n\n"
        yield f"Session {opened.session_id}, opened {moment(opened.created_at)}.\n\n"
        if opened.parent is not None:
            yield f"It begins as session {opened.parent} was at entry {opened.base}.\n\n"
