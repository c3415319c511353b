"""The run_log: entries told as a list of slots, the shape that people and clients read.

It only retells. A page of entries gives a page of the run_log; whoever holds the whole session gives all of it.
"""

from collections.abc import Iterable
from typing import Any

from companions.entries import Entry


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
    slot["query"] = entry.text


def _tell_draft(slot: dict[str, Any], entry: Entry) -> None:
    if "draft" in slot:
        _replace(slot, "draft", 0, str(slot["draft"]))
    slot["draft"] = entry.text
    _tell_step(slot, entry)


def _tell_critique(slot: dict[str, Any], entry: Entry) -> None:
    _tell_item(slot, entry, "critique")
    if evidence := entry.meta.get("evidence"):
        slot.setdefault("evidence", {})[str(entry.index)] = evidence
    _tell_step(slot, entry)


def _tell_revision(slot: dict[str, Any], entry: Entry) -> None:
    place = _tell_item(slot, entry, "revision")
    for key in ("similarity", "guard"):
        values: list[Any] = slot.setdefault(key, [])
        values[place:] = [entry.meta.get(key)]
    _tell_step(slot, entry)


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
    usage = slot.setdefault("usage", {})
    for name, count in meta.get("usage", {}).items():
        usage[name] = usage.get(name, 0) + count
    slot["stop_reason"] = meta.get("stop_reason")


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
    if not any(slot.get("guard", ())):
        slot.pop("guard", None)
    for first in ("first_critique", "first_revision"):
        if slot.get(first) == 0:
            slot.pop(first)
    return told | {name: value for name, value in slot.items() if value not in (None, {}, [])}


_TELLERS = {"query": _tell_query, "draft": _tell_draft, "critique": _tell_critique, "revision": _tell_revision}
