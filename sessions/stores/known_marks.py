"""What this process knows of sessions' marks, so that most appends need not read before they write.

Marks never change, so what is remembered of a head is true for ever; whether it still is the head is for the append to
find out. It reads no store.
"""

from collections import OrderedDict
from collections.abc import Mapping

from sessions.stores.trails import Marked, Marks

LIMIT = 4096
"""Sessions remembered, a few hundred bytes each."""


class KnownMarks:
    """By session, what its next entries are marked from, as of the newest head seen; the least used leave first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._known: OrderedDict[str, Marks] = OrderedDict()

    def at(self, session_id: str, head: int) -> Marks | None:
        """Give what entries behind ``head`` are marked from, if it is known."""
        marks = self._known.get(session_id)
        return marks if marks is not None and marks.head == head else None

    def learn(self, session_id: str, marks: Marks) -> None:
        """Remember a newer state of a session."""
        known = self._known.get(session_id)
        if known is None or known.head <= marks.head:
            self._known[session_id] = marks
        self._known.move_to_end(session_id)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def learn_tail(self, session_id: str, found: Mapping[int, Marked]) -> None:
        """Remember what entries of a session tell, its newest among them."""
        marks = Marks.at(found[max(found)])
        self.learn(session_id, marks.reading(found[seq] for seq in marks.unread.values() if seq in found))
