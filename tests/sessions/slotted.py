"""Notes as the program makes them, slot after slot, for tests that read slots back.

What may be written next is ``building``'s to say; here it gets what the program keeps beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from companions.companion import VERSIONS, version_of
from companions.configuration import Configuration, Defaults
from companions.entries import Entry, Note
from companions.models import Sampling
from sessions.slots import JUDGED_BY
from tests.sessions.building import Wish, fulfil, next_place, note
from tests.sessions.faults import LIBRARY


def configured(threshold: float) -> Configuration:
    defaults = Defaults(execution_mode="client", similarity_threshold=threshold)
    return Configuration.choose(LIBRARY.get("generic"), defaults, Sampling())


def told_by_program(entries: Sequence[Entry], wish: Wish) -> list[Note]:
    """Give the notes that the program would make of a wish: what they are judged by stands beside them."""
    mine = [entry for entry in entries if entry.companion_type == wish.companion]
    before = next((entry for entry in reversed(mine) if entry.kind == "configure"), None)
    if before is None or wish.action == "configure":
        slot = max((entry.slot for entry in mine if entry.kind == "query"), default=-1)
        kind, slot, index = next_place(mine, slot, "query")
        configuration = configured(wish.number / 100)
        first = note("configure", companion=wish.companion, slot=slot, **configuration.to_meta())
        return [first, queried(note(kind, companion=wish.companion, slot=slot, index=index), configuration)]
    made = fulfil(entries, wish)
    if made.kind == "query":
        return [queried(made, Configuration.from_meta(before.meta))]
    if made.kind in ("pick", "workflow"):
        return [replace(made, meta=said(mine, made, wish.number))]
    beside = {"revision": {"similarity": 0.5}, "critique": {"based_on": 0}}.get(made.kind, {})
    stop = {"stop_reason": "guard"} if wish.number % 5 == 0 else {}
    return [replace(made, meta={**made.meta, **beside, **stop})]


def said(mine: Sequence[Entry], made: Note, number: int) -> dict[str, Any]:
    """Give what a loop would say of a slot: how it ended, or which of the newest versions was picked."""
    if made.kind == "workflow":
        return {"workflow": "refine"} | ({"stop_reason": "budget", "why": "It was spent."} if number % 2 else {})
    here = [entry for entry in mine if entry.slot == made.slot]
    versions = sorted({version_of(entry) for entry in here if entry.kind in ("draft", "revision")})[-VERSIONS:]
    if not versions or number % 3 == 0:
        return {"candidates": [0, 1], "votes": ["later"]}
    return {"version": versions[number % len(versions)], "why": "It is the best."}


def queried(made: Note, configuration: Configuration) -> Note:
    return replace(made, meta={name: getattr(configuration, name) for name in JUDGED_BY})


def thinking(slots: Iterable[int], companion_type: str = "generic") -> Iterator[Note]:
    """Give the notes of slots of so many iterations each."""
    yield note("configure", companion=companion_type, **configured(1.0).to_meta())
    for slot, iterations in enumerate(slots):
        yield queried(note("query", companion=companion_type, slot=slot), configured(1.0))
        yield note("draft", companion=companion_type, slot=slot)
        for index in range(iterations):
            # Of four revisions the last two are guarded.
            based_on = index - max(index % 4 - 2, 0) if index % 4 else max(index - 2, 0)
            given: dict[str, Any] = {"companion": companion_type, "slot": slot, "index": index, "based_on": based_on}
            yield note("critique", **given)
            yield note("revision", **given, similarity=0.5, guard="unrelated" if index % 4 > 1 else None)
