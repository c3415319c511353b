"""What loops and consultations came to, as sums by kind: kept with what listings show of a session.

They are made of stored entries, one after the other, so that they are the same in whatever batches the entries come.
It counts and never lists: which workflows a session has, and who takes part in them, is ``workflows``'s to read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from companions.companion import Companion
from companions.entries import Entry
from companions.next_step import end_of, end_told
from sessions.usage import milliseconds_of

Body = dict[str, Any]
DONE = "done"
REPLACED = "replaced"
"""How a workflow ends whose query another one took the place of before anything was written."""
LEFT = "left"
"""How one ends that had no end yet when its companion was given another query."""
NEWEST = 5
"""Workflows that an overview names."""
_BEGINNING: Body = {"slot": 0, "revisions": 0, "iterations": 0}


def workflows_after(before: Mapping[str, Any], entries: Sequence[Entry]) -> Body:
    """Give what is kept of a companion's workflows once these entries were added.

    ``course`` is where its newest slot stands and how many iterations it has made in all, ``workflow`` the newest
    workflow, ``workflows`` the sums by kind. A workflow that a fork has from its parent has a ``base`` in it: the fork
    counts neither its beginning nor its end, and of what it took only what came behind that ``seq``.
    """
    following = _Following(
        course=_BEGINNING | before.get("course", {}),
        newest=dict(before.get("workflow", {})),
        sums={kind: _copied(sums) for kind, sums in before.get("workflows", {}).items()},
    )
    for entry in entries:
        following.take(entry)
    kept = {"course": following.course, "workflow": following.newest, "workflows": following.sums}
    return {name: value for name, value in kept.items() if value}


def inherited(companion: Companion, base: int, at: float) -> Body:
    """Give what a fork begins with of the workflow that its parent began: the parent's to count, but for later steps.

    Args:
        companion: As it is in the fork before the fork's own first step.
        base: The newest ``seq`` that the fork shares.
        at: When the fork was made, in seconds since the epoch.
    """
    slot = companion.slot
    if slot is None or slot.workflow is None:
        return {}
    meta, end = slot.workflow.meta, end_of(slot)
    newest = {name: str(meta.get(name)) for name in ("workflow_id", "workflow")}
    newest |= {"slot": slot.number, "seq": slot.workflow.seq, "until": _milliseconds(at), "base": base}
    newest |= {name: known[name] for name, known in (("state", meta), ("stop_reason", end)) if known.get(name)}
    course = {"slot": slot.number, "revisions": slot.revisions, "stop_reason": slot.newest.meta.get("stop_reason")}
    return {"course": _BEGINNING | course, "workflow": newest}


def told_by_kind(several: Iterable[Mapping[str, Any]]) -> Body:
    """Tell what the workflows of several companions came to, by kind.

    ``seconds`` are from a workflow's beginning to its newest step, ``model_seconds`` those in which models wrote.
    """
    whole: dict[str, Body] = {}
    for values in several:
        for kind, sums in values.get("workflows", {}).items():
            _merge(whole.setdefault(kind, _nothing()), sums)
    return {
        kind: {
            "begun": sums["begun"],
            "ended": dict(sorted(sums["ended"].items())),
            "usage": sums["usage"],
            "seconds": sums["milliseconds"] / 1000,
            "model_seconds": sums["model_milliseconds"] / 1000,
        }
        for kind, sums in sorted(whole.items())
    }


def told_newest(shown: Mapping[str, Any]) -> list[Body]:
    """Tell each companion's newest workflow, of a few companions, the newest first."""
    known = [(values["workflow"], name) for name, values in shown.items() if "workflow" in values]
    known.sort(key=lambda each: each[0]["seq"], reverse=True)
    return [
        {
            "workflow_id": newest["workflow_id"],
            "workflow": newest["workflow"],
            "orchestrator": name,
            "state": newest.get("state") or (DONE if "stop_reason" in newest else "running"),
        }
        | ({"stop_reason": newest["stop_reason"]} if "stop_reason" in newest else {})
        for newest, name in known[:NEWEST]
    ]


def _nothing() -> Body:
    return {"begun": 0, "ended": {}, "usage": {}, "milliseconds": 0, "model_milliseconds": 0}


def _copied(sums: Mapping[str, Any]) -> Body:
    return {**sums, "ended": dict(sums["ended"]), "usage": dict(sums["usage"])}


def _merge(whole: Body, sums: Mapping[str, Any]) -> None:
    for name in ("ended", "usage"):
        _add(whole[name], sums[name])
    _add(whole, {name: sums[name] for name in ("begun", "milliseconds", "model_milliseconds")})


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


@dataclass(slots=True)
class _Following:
    """One companion's workflows, followed entry by entry; its values are JSON."""

    course: Body
    newest: Body
    sums: dict[str, Body]

    def take(self, entry: Entry) -> None:
        match entry.kind:
            case "query":
                self._open(entry)
            case "draft" | "critique" | "revision":
                self._step(entry)
            case "pick":
                self._count(entry)
            case "workflow":
                self._hear(entry)
            case _:  # a text that lost is no workflow's step
                return

    def _open(self, entry: Entry) -> None:
        newest = self.newest
        if self._at(entry.slot):  # a query that waited for its draft was replaced
            self._settle_as(None)
            self._leave(REPLACED)
        elif newest and "stop_reason" not in newest and "state" not in newest:
            self._leave(LEFT)
        self.course = _BEGINNING | {"slot": entry.slot, "iterations": self.course["iterations"]}

    def _step(self, entry: Entry) -> None:
        if entry.kind == "revision":
            self.course["revisions"] = entry.index + 1
        if entry.kind == "critique" and "attempt" not in entry.meta:
            self.course["iterations"] += 1
        self.course["stop_reason"] = entry.meta.get("stop_reason")
        self._count(entry)
        self._settle({})

    def _hear(self, entry: Entry) -> None:
        meta, done = entry.meta, entry.meta.get("state") == DONE
        if not done and not self._known(meta):
            self._begin(entry)
        if done:
            self._finish(entry)
        else:
            self._settle(meta)

    def _begin(self, entry: Entry) -> None:
        kept = {name: str(entry.meta.get(name)) for name in ("workflow_id", "workflow")}
        self.newest = kept | {"slot": entry.slot, "seq": entry.seq, "until": _milliseconds(entry.at)}
        self._of(kept["workflow"])["begun"] += 1

    def _count(self, entry: Entry) -> None:
        """Count what a step or a pick took for the workflow that it belongs to."""
        newest = self.newest
        if not self._at(entry.slot):
            return
        if newest["workflow"] == "consult" and (entry.kind != "draft" or newest.get("state") == DONE):
            return  # of the synthesizer's slot, only the synthesis is the consultation's
        sums = self._of(newest["workflow"])
        _add(sums["usage"], entry.meta.get("usage", {}))
        sums["model_milliseconds"] += milliseconds_of(entry)
        if newest["workflow"] != "consult":  # which tells itself how long it took
            until = max(newest["until"], _milliseconds(entry.at))
            sums["milliseconds"] += until - newest["until"]
            newest["until"] = until

    def _settle(self, loop: Mapping[str, Any]) -> None:
        """Count a loop among those that ended, or no longer: it may be given more, or a step be made by hand."""
        newest = self.newest
        if not self._at(self.course["slot"]) or newest["workflow"] == "consult":
            return
        self._settle_as(end_told(self.course, loop, self.course["revisions"]).get("stop_reason"))

    def _settle_as(self, reason: str | None) -> None:
        known = self.newest.pop("stop_reason", None)
        if known is not None:
            self._end(known, -1)
        if reason is not None:
            self._end(reason)
            self.newest["stop_reason"] = reason

    def _leave(self, state: str) -> None:
        """Count the newest workflow among those that another query came before the end of."""
        self._end(state)
        self.newest["state"] = state

    def _end(self, reason: str, count: int = 1) -> None:
        """Count the newest workflow's end, or that it has none any more; one that was begun elsewhere ends there."""
        if "base" in self.newest:
            return
        ended = self.sums[self.newest["workflow"]]["ended"]
        _add(ended, {reason: count})
        if not ended[reason]:
            del ended[reason]

    def _finish(self, entry: Entry) -> None:
        """Count a consultation as done, once, with what its contributions took."""
        meta, known = entry.meta, self._known(entry.meta)
        if known and self.newest.get("state") == DONE:
            return
        sums, base = self._of(str(meta.get("workflow"))), self.newest.get("base", 0) if known else 0
        for each in meta.get("companions", {}).values():
            if each.get("seq", 0) > base:
                _add(sums["usage"], each.get("usage", {}))
                sums["model_milliseconds"] += _milliseconds(each.get("seconds", 0))
        if base:
            sums["milliseconds"] += max(0, _milliseconds(entry.at) - self.newest["until"])
        else:
            sums["milliseconds"] += _milliseconds(meta.get("seconds", 0))
        if known:
            self._end(DONE)
            self.newest["state"] = DONE
        else:
            _add(sums["ended"], {DONE: 1})

    def _of(self, kind: str) -> Body:
        return self.sums.setdefault(kind, _nothing())

    def _known(self, meta: Mapping[str, Any]) -> bool:
        """Tell whether what was recorded is of the newest workflow."""
        return self.newest.get("workflow_id") == str(meta.get("workflow_id"))

    def _at(self, slot: int) -> bool:
        """Tell whether the newest workflow is at this slot still."""
        return self.newest.get("slot") == slot and self.newest.get("state") != REPLACED


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
