"""What is said of a slot beside its steps, in words: which version was picked and why, and how its loop was bounded.

It words an entry as it is. Whether a pick still stands is said by ``companions.companion``.
"""

from collections.abc import Sequence

from companions.entries import Entry


def in_words(entry: Entry) -> str:
    """Tell a ``pick`` or a ``workflow`` in one line, and under it the text that a workflow was brought."""
    return _pick(entry) if entry.kind == "pick" else _workflow(entry)


def _pick(entry: Entry) -> str:
    meta = entry.meta
    votes = _votes(meta.get("candidates", ()), meta.get("votes", ()))
    if "version" not in meta:
        return f"Compared: {votes}." if votes else "Versions were compared."
    told = f"Picked version {meta['version']}: {meta.get('why', '')}".rstrip(": ")
    return f"{told} Votes: {votes}." if votes else told


def _votes(candidates: Sequence[int], votes: Sequence[str]) -> str:
    """Give the votes in the order of the comparisons, each as the version that was preferred."""
    names: dict[str, str] = {
        vote: f"version {number}" for vote, number in zip(("earlier", "later"), candidates, strict=False)
    }
    return ", ".join(names.get(vote, vote) for vote in votes)


def _workflow(entry: Entry) -> str:
    meta = entry.meta
    name = meta.get("workflow", "workflow")
    if branch := meta.get("branch"):
        where = f"slot {branch['slot']}, version {branch['version']}"
        return f"Brought from session {branch['session_id']} ({branch['companion_type']}, {where}):\n\n{entry.text}"
    if name == "consult":
        done = "Drew together" if meta.get("state") == "done" else "Asked for"
        sessions = [f"session {branch['session_id']}" for branch in meta.get("branches", ())]
        return f"{done} what {', '.join([*meta['companion_types'], *sessions])} answer to the same query."
    if reason := meta.get("stop_reason"):
        return f"The loop was ended ({reason}): {meta.get('why', '')}".rstrip(": ")
    if meta.get("state") == "done":
        return f"Done by {name}."
    given = [", ".join(meta.get("companion_types", ()))]
    given += [
        f"at most {meta[key]:,} {what}"
        for key, what in (("max_iterations", "iterations"), ("budget_tokens", "tokens"))
        if key in meta
    ]
    return f"Run by {name}: {', '.join(filter(None, given))}".rstrip(": ") + "."
