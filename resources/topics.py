"""Which resources change with what becomes of a session: for each URI that a client may watch, what it hears of.

It reads addresses only: whether there is such a resource, and whose it is, others find out. What is too much is
harmless, since a notification only says that reading again may be worth it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from sessions.news import Change

SCHEME = "resource://"
MOST_DIGITS = 18
TEXTS = frozenset({"query", "draft", "critique", "revision"})
ENDS = frozenset({"workflow", "pick"})
ALL = TEXTS | ENDS | {"configure"}
PARTS: Mapping[str, frozenset[str]] = {
    "run_log": TEXTS | ENDS,
    "history": TEXTS - {"critique"} | {"pick"},
    "phase": TEXTS | ENDS,
    "latest_critique": frozenset({"query", "critique"}),
    "penultimate_revision": TEXTS - {"critique"},
    "convergence_analysis": ALL,
    "convergence.svg": ALL,
    "answer": TEXTS - {"critique"} | {"pick"},
    "transcript": ALL | {"alternative"},
}
"""By resource of a companion, the kinds of entries that change it."""
LISTED = ALL
"""The kinds that change what is said of a whole session: the list, its overview, its workflows, the owner's numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What somebody watches who watches a URI.

    Attributes:
        session_id: Of the session; empty for what is about all of an owner's sessions, or about none.
        companion_type: Of the companion; empty for all of them.
        kinds: The kinds of entries that change it.
        slot: Of the query; ``None`` for all.
        still: Whether nothing that becomes of sessions changes it.
    """

    session_id: str = ""
    companion_type: str = ""
    kinds: frozenset[str] = LISTED
    slot: int | None = None
    still: bool = False

    def changed_by(self, change: Change) -> bool:
        """Tell whether a change of a session that the watcher may see changes this."""
        if self.still or change.what != "entry":
            return not self.still
        return (
            change.kind in self.kinds
            and self.companion_type in {"", change.companion_type}
            and self.slot in {None, change.slot}
        )


def topic(uri: str) -> Topic:
    """Say what is watched under a URI; a page's ``offset`` plays no part."""
    path = uri.removeprefix(SCHEME).partition("?")[0] if uri.startswith(SCHEME) else ""
    match [unquote(segment) for segment in path.split("/")]:
        case ["sessions"] | ["metrics"]:
            return Topic()
        case ["sessions", str(session_id)] | ["sessions", str(session_id), "workflows"]:
            return Topic(session_id=session_id)
        case ["sessions", str(session_id), str(companion_type), str(part)] if part in PARTS:
            return Topic(session_id=session_id, companion_type=companion_type, kinds=PARTS[part])
        case ["sessions", str(session_id), str(companion_type), "run_log", str(slot)] if _is_number(slot):
            return Topic(session_id=session_id, companion_type=companion_type, kinds=PARTS["run_log"], slot=int(slot))
        case ["sessions", str(session_id), *_]:
            return Topic(session_id=session_id, still=True)
        case _:
            return Topic(still=True)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def lists(change: Change) -> bool:
    """Tell whether a change adds to an owner's list of resources, or takes from it."""
    return change.what != "entry" or change.kind == "configure"
