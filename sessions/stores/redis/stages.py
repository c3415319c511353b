"""Parting a batch of appends where one builds on another; nothing is sent here."""

from collections.abc import Iterator, Sequence

from sessions.store import Append


def stages(appends: Sequence[Append]) -> Iterator[list[Append]]:
    """Part a batch where an append builds on an earlier one: its session's, or its parent's if it forks."""
    stage: list[Append] = []
    written: set[str] = set()
    for append in appends:
        parent = None if append.opening is None else append.opening.parent
        if append.session_id in written or parent in written:
            yield stage
            stage, written = [], set()
        stage.append(append)
        written.add(append.session_id)
    if stage:
        yield stage
