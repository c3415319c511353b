"""What loops and consultations came to, as sums by kind: kept with what listings show of a session.

They are made of stored entries, one after the other, so that they are the same in whatever batches the entries come.
It counts and never lists: which workflows a session has, and who takes part in them, is ``workflows``'s to read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from companions.entries import Entry
from companions.next_step import end_told
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
    workflow, ``workflows`` the sums by kind.
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
            self._finish(meta)
        else:
            self._settle(meta)

    def _begin(self, entry: Entry) -> None:
        kept = {name: str(entry.meta.get(name)) for name in ("workflow_id", "workflow")}
        self.newest = kept | {"slot": entry.slot, "seq": entry.seq, "until": _milliseconds(entry.at)}
        self.sums.setdefault(kept["workflow"], _nothing())["begun"] += 1

    def _count(self, entry: Entry) -> None:
        """Count what a step or a pick took for the workflow that it belongs to."""
        newest = self.newest
        if not self._at(entry.slot):
            return
        if newest["workflow"] == "consult" and (entry.kind != "draft" or newest.get("state") == DONE):
            return  # of the synthesizer's slot, only the synthesis is the consultation's
        sums = self.sums[newest["workflow"]]
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
        ended, known = self.sums[self.newest["workflow"]]["ended"], self.newest.pop("stop_reason", None)
        if known is not None:
            ended[known] -= 1
            if not ended[known]:
                del ended[known]
        if reason is not None:
            _add(ended, {reason: 1})
            self.newest["stop_reason"] = reason

    def _leave(self, state: str) -> None:
        """Count the newest workflow among those that another query came before the end of."""
        _add(self.sums[self.newest["workflow"]]["ended"], {state: 1})
        self.newest["state"] = state

    def _finish(self, meta: Mapping[str, Any]) -> None:
        """Count a consultation as done, once, with what its contributions took."""
        if self._known(meta) and self.newest.get("state") == DONE:
            return
        sums = self.sums.setdefault(str(meta.get("workflow")), _nothing())
        for each in meta.get("companions", {}).values():
            _add(sums["usage"], each.get("usage", {}))
            sums["model_milliseconds"] += _milliseconds(each.get("seconds", 0))
        sums["milliseconds"] += _milliseconds(meta.get("seconds", 0))
        _add(sums["ended"], {DONE: 1})
        if self._known(meta):
            self.newest["state"] = DONE

    def _known(self, meta: Mapping[str, Any]) -> bool:
        """Tell whether what was recorded is of the newest workflow."""
        return self.newest.get("workflow_id") == str(meta.get("workflow_id"))

    def _at(self, slot: int) -> bool:
        """Tell whether the newest workflow is at this slot still."""
        return self.newest.get("slot") == slot and self.newest.get("state") != REPLACED


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
