"""Edits: which texts of a companion were corrected, and which exchanges its later drafts are not shown.

An edit is a ``configure`` entry. Under ``edit`` its ``meta`` says what it does, its text is a corrected one, and under
``edits`` stands where all edits before it are, so that the newest ``configure`` of a companion leads to each of them,
in a long session, a fork or another process alike. The entry that is corrected stays as it is, in its place, so that
no phase changes. Who may edit is for sessions to say, and so is where a correction's text is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, cast

from companions.entries import Entry, Note

EDIT, EDITS = "edit", "edits"
"""Under which names a ``configure`` keeps what it edits itself, and what was edited before it."""
QUERY = "query"
CORRECTED = "corrected"
"""Under this name the ``meta`` of a text tells ``by`` whom it was corrected, ``at`` what time, and in which ``seq``."""
FIRST_TEXT = "first_text"
"""Under this name the ``meta`` of a corrected query keeps its text as it was put; it is never stored."""


class Place(NamedTuple):
    """A text that can be corrected: a slot's query, where ``version`` is ``None``, or one of its versions."""

    slot: int
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """All edits of a companion.

    Attributes:
        corrected: By place, the ``seq`` of the newest correction.
        left_out: The slots that later drafts are not shown.
        newest: The ``seq`` of the newest edit, 0 without any.
    """

    corrected: Mapping[Place, int] = field(default_factory=dict[Place, int])
    left_out: frozenset[int] = frozenset()
    newest: int = 0

    @classmethod
    def after(cls, configured: Entry) -> "Edits":
        """Read what a ``configure`` entry tells of the edits before it, and its own.

        Raises:
            ValueError: It tells what no edit could have written.
        """
        told = _mapping(configured.meta.get(EDITS, {}))
        corrected = {
            Place(int(slot), None if version == QUERY else int(version)): _number(seq)
            for slot, places in _mapping(told.get(CORRECTED, {})).items()
            for version, seq in _mapping(places).items()
        }
        left_out = frozenset(_number(slot) for slot in told.get("left_out", ()))
        newest = _number(told.get("newest", 0))
        if max((newest, *corrected.values())) >= configured.seq:
            raise ValueError(f"entry {configured.seq} tells of edits behind it")
        if (own := configured.meta.get(EDIT)) is None:
            return cls(corrected=corrected, left_out=left_out, newest=newest)
        slot = _number(_mapping(own)["slot"])
        if (place := place_corrected(configured)) is not None:
            corrected[place] = configured.seq
        elif own["left_out"]:
            left_out |= {slot}
        else:
            left_out -= {slot}
        return cls(corrected=corrected, left_out=left_out, newest=configured.seq)

    @property
    def count(self) -> int:
        """How many texts and slots are edited."""
        return len(self.corrected) + len(self.left_out)

    def touches(self, slot: int) -> bool:
        """Tell whether a text of a slot was corrected."""
        return any(place.slot == slot for place in self.corrected)

    def correction_of(self, entry: Entry) -> int | None:
        """Give the ``seq`` of the correction that holds for an entry; one that was made before it does not."""
        place = _place_of(entry)
        seq = None if place is None else self.corrected.get(place)
        return seq if seq is not None and seq > entry.seq else None

    def supersede(self, entry: Entry) -> bool:
        """Tell whether another text stands by now in the place of an entry's, be that a correction itself."""
        place = place_corrected(entry) or _place_of(entry)
        return place is not None and self.corrected.get(place, 0) > entry.seq

    def to_meta(self) -> dict[str, Any]:
        """Give what a ``configure`` keeps of them; nothing if there are none."""
        if not self.newest:
            return {}
        corrected: dict[str, dict[str, int]] = {}
        for place, seq in self.corrected.items():
            name = QUERY if place.version is None else str(place.version)
            corrected.setdefault(str(place.slot), {})[name] = seq
        return {EDITS: {CORRECTED: corrected, "left_out": sorted(self.left_out), "newest": self.newest}}


NO_EDITS = Edits()


def carried(notes: Sequence[Note], edits: Edits) -> Sequence[Note]:
    """Have each ``configure`` among notes lead to the edits that there are, whatever it knew when it was made."""
    if not edits.newest:
        return notes
    return [
        replace(note, meta={**note.meta, **edits.to_meta()}) if note.kind == "configure" else note for note in notes
    ]


def settled(configured: Entry) -> dict[str, Any]:
    """Give a ``configure``'s meta for another entry that edits nothing itself, and leads to the same edits."""
    return without_edits(configured.meta) | Edits.after(configured).to_meta()


def without_edits(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a ``configure`` says without its edits."""
    return {name: value for name, value in meta.items() if name not in (EDIT, EDITS)}


def place_corrected(entry: Entry) -> Place | None:
    """Name the text that an entry corrects; ``None`` if it corrects none."""
    own = entry.meta.get(EDIT) if entry.kind == "configure" else None
    if own is None or "left_out" in _mapping(own):
        return None
    version = own["version"]
    return Place(_number(own["slot"]), None if version is None else _number(version))


def corrected(entry: Entry, edit: Entry) -> Entry:
    """Give an entry with the text of an edit that corrects it; any other as it is."""
    place = _place_of(entry)
    if place is None or place != place_corrected(edit) or edit.seq < entry.seq:
        return entry
    meta = {**entry.meta, CORRECTED: {"by": edit.author, "at": edit.at, "seq": edit.seq}}
    if place.version is None:
        meta.setdefault(FIRST_TEXT, entry.text)
    return replace(entry, text=edit.text, meta=meta)


def texts_of(query: Entry) -> frozenset[str]:
    """Give the texts that a query is known by: the one that it was put with, and what that was corrected to."""
    return frozenset((query.text, query.meta.get(FIRST_TEXT, query.text)))


def written_at(entry: Entry) -> int:
    """Give the ``seq`` of the entry that a text comes from: its correction's, else its own."""
    return entry.meta.get(CORRECTED, {}).get("seq", entry.seq)


def _place_of(entry: Entry) -> Place | None:
    match entry.kind:
        case "query":
            return Place(entry.slot, None)
        case "draft":
            return Place(entry.slot, 0)
        case "revision":
            return Place(entry.slot, entry.index + 1)
        case _:
            return None


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} tells of no edit")  # noqa: TRY004 (what a file holds is wrong, not a program)
    return cast("Mapping[str, Any]", value)


def _number(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no number of a slot, a version or an entry")
    return value
