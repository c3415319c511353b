"""The run_log: entries told as a list of slots, the shape that people and clients read.

It only retells. A page of entries gives a page of the run_log; whoever holds the whole session gives all of it. What
a page says of a slot's answer and end holds until a later page tells more of that slot.
"""

from collections.abc import Iterable
from typing import Any

from companions.companion import version_of
from companions.edits import CORRECTED
from companions.entries import Entry
from companions.next_step import end_told
from companions.tool_use import CALLS, WITHOUT


def run_log(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Tell entries as slots, in order; a later entry of a place replaces the earlier, which goes to ``replaced``.

    A page that begins inside a slot gives that slot without what came before; ``first_critique`` and
    ``first_revision`` then say which number its arrays start from.
    """
    slots: dict[int, dict[str, Any]] = {}
    for entry in entries:
        if entry.kind in _TELLERS:
            slot = slots.setdefault(entry.slot, {"slot": entry.slot})
            _TELLERS[entry.kind](slot, entry)
    return [_ordered(slot) for slot in slots.values()]


def _tell_query(slot: dict[str, Any], entry: Entry) -> None:
    slot["query"], slot["attachments"] = entry.text, [*entry.meta.get("attachments", ())]
    _tell_correction(slot, entry, "query")


def _tell_draft(slot: dict[str, Any], entry: Entry) -> None:
    if "draft" in slot:
        _replace(slot, "draft", 0, str(slot["draft"]))
    slot["draft"] = entry.text
    _tell_version(slot, entry)


def _tell_critique(slot: dict[str, Any], entry: Entry) -> None:
    _tell_item(slot, entry, "critique")
    for key, name in (
        ("evidence", "evidence"),
        ("unmet", "unmet"),
        ("critics", "critics"),
        (CALLS, CALLS),
        (WITHOUT, WITHOUT),
        ("critique_authors", "author"),
    ):
        _tell_beside(slot, key, entry.index, entry.meta.get(name))
    _tell_step(slot, entry)


def _tell_revision(slot: dict[str, Any], entry: Entry) -> None:
    place = _tell_item(slot, entry, "revision")
    for key in ("similarity", "guard"):
        values: list[Any] = slot.setdefault(key, [])
        values[place:] = [entry.meta.get(key)]
    _tell_version(slot, entry)


def _tell_pick(slot: dict[str, Any], entry: Entry) -> None:
    corrected = (told["seq"] for name, told in slot.get("corrected", {}).items() if name != "query")
    if "version" in entry.meta and entry.seq > max(corrected, default=0):
        slot["answer"] = {"version": entry.meta["version"], "why": entry.meta.get("why", "")}
    _add_usage(slot, entry)


def _tell_workflow(slot: dict[str, Any], entry: Entry) -> None:
    slot["loop"] = entry.meta


def _tell_version(slot: dict[str, Any], entry: Entry) -> None:
    """Tell a draft or a revision: its failing checks, its score, what its caller overruled; no pick holds."""
    slot.pop("answer", None)
    for key, name in (("checks", "checks"), ("scores", "score"), ("confirmed", "overruled"), ("authors", "author")):
        _tell_beside(slot, key, version_of(entry), entry.meta.get(name))
    _tell_correction(slot, entry, str(version_of(entry)))
    _tell_step(slot, entry)


def _tell_correction(slot: dict[str, Any], entry: Entry, name: str) -> None:
    """Tell of a corrected text by whom and when it was corrected; what it was before was replaced."""
    told = dict(entry.meta.get(CORRECTED, {}))
    if "was" in told:
        _replace(slot, entry.kind, entry.index, told.pop("was"))
    _tell_beside(slot, "corrected", name, told or None)


def _tell_beside(slot: dict[str, Any], key: str, number: int | str, value: object) -> None:
    """Tell what belongs to one text of a slot, by its number; what is written again leaves nothing of it behind."""
    told: dict[str, Any] = slot.setdefault(key, {})
    told.pop(str(number), None)
    if value is not None and value != []:
        told[str(number)] = value


def _tell_item(slot: dict[str, Any], entry: Entry, array: str) -> int:
    first = int(slot.setdefault(f"first_{array}", entry.index))
    items: list[str] = slot.setdefault(array, [])
    place = entry.index - first
    if place < len(items):
        _replace(slot, array, entry.index, items[place])
    items[place:] = [entry.text]
    return place


def _tell_step(slot: dict[str, Any], entry: Entry) -> None:
    """What the newest step says of the slot: who wrote, with what choices, at what cost, and whether it ended."""
    meta = entry.meta
    slot["variant"], slot["sampling"] = meta.get("model", ""), dict(meta.get("sampling", {}))
    _add_usage(slot, entry)
    slot["stop_reason"] = meta.get("stop_reason")
    slot.pop("loop", None)


def _add_usage(slot: dict[str, Any], entry: Entry) -> None:
    usage = slot.setdefault("usage", {})
    for name, count in entry.meta.get("usage", {}).items():
        usage[name] = usage.get(name, 0) + count


def _replace(slot: dict[str, Any], kind: str, index: int, text: str) -> None:
    slot.setdefault("replaced", []).append({"kind": kind, "index": index, "text": text})


def _ordered(slot: dict[str, Any]) -> dict[str, Any]:
    """Put the contract's keys first and leave out what says nothing."""
    told = {
        "query": slot.pop("query", ""),
        "draft": slot.pop("draft", ""),
        "critique": slot.pop("critique", []),
        "revision": slot.pop("revision", []),
    }
    revisions = slot.get("first_revision", 0) + len(told["revision"])
    slot["stop_reason"] = end_told(slot, slot.pop("loop", {}), revisions).get("stop_reason")
    if not any(slot.get("guard", ())):
        slot.pop("guard", None)
    for first in ("first_critique", "first_revision"):
        if slot.get(first) == 0:
            slot.pop(first)
    return told | {name: value for name, value in slot.items() if value not in (None, {}, [])}


_TELLERS = {
    "query": _tell_query,
    "draft": _tell_draft,
    "critique": _tell_critique,
    "revision": _tell_revision,
    "pick": _tell_pick,
    "workflow": _tell_workflow,
}
