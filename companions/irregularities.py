"""What is out of the ordinary in a slot, read from what its newest versions recorded when they were judged.

No text is looked at again, so that it costs the same however long the texts are. What makes a version look faulty is
``anomalies``' to say, and whether a loop ends for it ``convergence``'s.
"""

from collections.abc import Sequence

from companions.companion import Slot, version_of
from companions.entries import Entry

TWICE = 2
"""So many revisions in a row that change no word are no accident."""


def anomaly(*, guard: str | None, back_to: int | None, similarities: Sequence[float | None]) -> str | None:
    """Name what is out of the ordinary with a newest version, whatever it is worth.

    Args:
        guard: What it looks like instead of a revision.
        back_to: The version before the last that it went back to.
        similarities: Of each version to the one before it, oldest first, its own last.
    """
    if guard is not None:
        return guard
    if back_to is not None:
        return "oscillation"
    newest = similarities[-TWICE:]
    return "stuck" if len(newest) == TWICE and all(each == 1.0 for each in newest) else None


def irregularities(slot: Slot) -> tuple[str, ...]:
    """Tell what is out of the ordinary with a slot's newest version, a clause each."""
    if slot.revision is None:
        return ()
    return tuple(clause for clause in (_strange(slot, slot.revision), _worse(slot, slot.revision)) if clause)


def _strange(slot: Slot, newest: Entry) -> str | None:
    number, meta = version_of(newest), newest.meta
    similarities = [each.meta.get("similarity") for each in slot.versions if each.kind == "revision"]
    match anomaly(guard=meta.get("guard"), back_to=meta.get("back_to"), similarities=similarities):
        case None:
            return None
        case "oscillation":
            return f"version {number} went back to version {meta['back_to']}"
        case "stuck":
            return f"versions {number - TWICE} to {number} have the same words"
        case kind:
            return f"version {number} looks {kind}"


def _worse(slot: Slot, newest: Entry) -> str | None:
    """Tell that the newest version is worse than the one it was written from, or than the one that was picked.

    Without a mark, a check or a comparison that cannot be known.
    """
    if newest.meta.get("guard"):
        return None
    against_base = None if slot.base is None else _by_score(slot.base, newest) or _by_checks(slot.base, newest)
    return against_base or _by_pick(slot, newest)


def _by_score(before: Entry, newest: Entry) -> str | None:
    was, score = before.meta.get("score"), newest.meta.get("score")
    if was is None or score is None or score >= was:
        return None
    return f"version {version_of(newest)} has a score of {score:g} where version {version_of(before)} has {was:g}"


def _by_checks(before: Entry, newest: Entry) -> str | None:
    was, failing = (len(each.meta.get("checks", ())) for each in (before, newest))
    if failing <= was:
        return None
    return f"version {version_of(newest)} fails {failing} of its checks where version {version_of(before)} fails {was}"


def _by_pick(slot: Slot, newest: Entry) -> str | None:
    picked = None if slot.picked is None else slot.picked.meta
    if picked is None or version_of(newest) not in picked.get("candidates", ()) or picked["version"] >= slot.revisions:
        return None
    return f"version {picked['version']} was picked over version {slot.revisions}"
