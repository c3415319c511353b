"""Appends in turns: what can be stored together in PostgreSQL, and what it means that one of them was not.

It reads and writes nothing.
"""

from collections.abc import Mapping, Sequence

from sessions.store import Append, Conflict, Gone, Outcome


def turns(appends: Sequence[Append]) -> list[dict[int, Append]]:
    """Part appends, by their places, so that no turn holds two of one session, or a fork before its parent's."""
    turns: list[dict[int, Append]] = []
    taken: dict[str, int] = {}
    for place, each in enumerate(appends):
        # Forks are the last of their turn.
        turn = max(taken.get(each.session_id, 0), taken.get(reads(each), 0) - (reads(each) != each.session_id))
        taken[each.session_id] = turn + 1
        while len(turns) <= turn:
            turns.append({})
        turns[turn][place] = each
    return turns


def mints(append: Append) -> bool:
    """Tell whether an append opens a session that is no fork."""
    return append.opening is not None and append.opening.parent is None


def reads(append: Append) -> str:
    """Name the session that holds what an append follows: a new fork's parent, else its own."""
    return append.opening.parent if append.opening and append.opening.parent else append.session_id


def refusal(append: Append, states: Mapping[str, tuple[bool, int]]) -> Outcome:
    """Say why an append was not stored, by whether the sessions that it needs live, and their newest seqs."""
    if append.session_id in states:
        living, seq = states[append.session_id]
        return Conflict(seq) if living else Gone()
    if append.opening is None:
        return Gone()
    living, seq = states.get(append.opening.parent, (False, 0)) if append.opening.parent else (True, 0)
    return Conflict(min(seq, append.opening.base)) if living else Gone()
