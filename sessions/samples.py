"""What a slot tells learning: read from its own entries once it is over, as numbers without a word of it.

It reads and counts nothing else: repeats, alternatives and texts that were written again never count. When a slot is
over, and where its sample goes, is ``learning``'s work.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from companions.companion import Companion, Slot
from companions.configuration import Configuration
from companions.entries import Entry
from companions.model_catalog import whole_name
from companions.models import Step
from companions.next_step import stop_reason
from companions.patterns.sample import Effort, Revised, Sample
from sessions.session import Session
from sessions.slots import companion_at, page_of
from sessions.usage import ASKED, tokens

THOUGHT = frozenset({"converged", "cycle", "critic_satisfied"})
"""Ends that came of the thinking itself; any other cut it off."""
STEPS: dict[str, Step] = {"draft": "draft", "critique": "critique", "revision": "revise"}
WITHOUT: dict[str | None, str] = {"client": "host", "offline": "offline"}
"""What stands for models that nobody here asks: those of callers, whichever they are, and none."""


def reviser(configuration: Configuration, slot: Slot | None = None) -> str:
    """Name the model under which a slot is judged and counted: who revised it last, else who is to.

    Who wrote its draft makes no difference: thresholds, verdicts and lengths are about what revisions bring.

    Args:
        configuration: That of the slot, or of one that is to be opened.
        slot: The slot, once it is there.
    """
    if slot is None or slot.revision is None:
        return WITHOUT.get(configuration.execution_mode) or whole_name(configuration.model or "")
    meta = slot.revision.meta
    return WITHOUT.get(meta["sampling"]["execution_mode"]) or str(meta.get(ASKED) or meta["model"])


async def sample_of(session: Session, companion_type: str, slot: int) -> tuple[str, Sample] | None:
    """Read what a slot tells, and the model under which it counts; ``None`` while it has no draft.

    A slot with a corrected text tells nothing: what was written after it says less of the loop than of the correction.
    """
    companion = await companion_at(session, companion_type, slot)
    stands, configuration = companion.slot, companion.configuration
    if stands is None or stands.number != slot or stands.draft is None or configuration is None:
        return None
    if companion.edits.touches(slot):
        return None
    entries = await page_of(session, companion, slot, after=stands.query.seq, kinds=tuple(STEPS))
    newest = {(entry.kind, entry.index): entry for entry in entries}
    return reviser(configuration, stands), _sample(companion, stands, newest)


def _sample(companion: Companion, slot: Slot, entries: Mapping[tuple[str, int], Entry]) -> Sample:
    whole = ("revision", slot.revisions - 1) in entries or not slot.revisions
    pick = None if slot.picked is None else slot.picked.meta
    return Sample(
        revisions=slot.revisions,
        censored=stop_reason(companion) not in THOUGHT,
        steps=tuple(_revised(entries["revision", index]) for index in _first(slot, entries)),
        scores=tuple(_scores(slot, entries, pick)) if whole else (),
        accepted=tuple(
            entry.index
            for (kind, _), entry in sorted(entries.items())
            if kind == "critique" and entry.meta.get("satisfied")
        ),
        picked=None if pick is None or "candidates" not in pick else pick["version"],
        current=None if pick is None or "candidates" not in pick else max(pick["candidates"]),
        efforts=_efforts(entries.values()),
    )


def _first(slot: Slot, entries: Mapping[tuple[str, int], Entry]) -> Sequence[int]:
    """Give the revisions that were read, up to the first that was not."""
    missing = (index for index in range(slot.revisions) if ("revision", index) not in entries)
    return range(next(missing, slot.revisions))


def _revised(entry: Entry) -> Revised:
    return Revised(similarity=entry.meta.get("similarity"), guarded=bool(entry.meta.get("guard")))


def _scores(slot: Slot, entries: Mapping[tuple[str, int], Entry], pick: Mapping[str, Any] | None) -> list[float | None]:
    """Give what each version was scored: by whoever gave a score, else by its checks, else by a comparison."""
    versions = [entries.get(("draft", 0)), *(entries.get(("revision", index)) for index in range(slot.revisions))]
    given = [None if each is None else each.meta.get("score") for each in versions]
    if any(score is not None for score in given):
        return _to_scale(given)
    checked = [
        None if each is None or "checks" not in each.meta else float(not each.meta["checks"]) for each in versions
    ]
    if any(score is not None for score in checked):
        return list(checked)
    if pick is None or "candidates" not in pick:
        return []
    compared = {number: float(number == pick["version"]) for number in pick["candidates"]}
    return [compared.get(number) for number in range(len(versions))]


def _to_scale(given: Sequence[float | None]) -> list[float | None]:
    """Bring scores of any scale to one of 1; those between 0 and 1 are on it."""
    known = [score for score in given if score is not None]
    largest = max(map(abs, known))
    if largest <= 1 and min(known) >= 0:
        return list(given)
    return [None if score is None else score / largest for score in given]


def _efforts(entries: Any) -> dict[Step, Effort]:
    efforts: dict[Step, Effort] = {}
    for entry in entries:
        phase, known = STEPS[entry.kind], efforts.get(STEPS[entry.kind], Effort())
        seconds, used = entry.meta.get("seconds"), tokens(entry.meta.get("usage", {}))
        efforts[phase] = Effort(
            steps=known.steps + (seconds is not None),
            seconds=known.seconds + (seconds or 0.0),
            reported=known.reported + (used > 0),
            tokens=known.tokens + used,
        )
    return efforts
