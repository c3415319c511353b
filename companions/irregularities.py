"""What is out of the ordinary in a slot, read from what its newest versions recorded when they were judged.

No text is looked at again, so that it costs the same however long the texts are. What makes a version look faulty is
``anomalies``' to say, and whether a loop ends for it ``convergence``'s.
"""

from companions.companion import Slot, version_of
from companions.entries import Entry

THREE = 3
"""So many equal versions in a row are no accident."""


def irregularities(slot: Slot) -> tuple[str, ...]:
    """Tell what is out of the ordinary with a slot's newest version, a clause each."""
    seen = (_faulty(slot), _back(slot), _stuck(slot), _worse(slot))
    return tuple(clause for clause in seen if clause is not None)


def _faulty(slot: Slot) -> str | None:
    kind = None if slot.revision is None else slot.revision.meta.get("guard")
    return None if kind is None else f"version {slot.revisions} looks {kind}"


def _back(slot: Slot) -> str | None:
    if slot.revision is None or slot.revision.meta.get("stop_reason") != "cycle":
        return None
    return f"version {slot.revisions} went back to version {slot.revision.meta['answer']}"


def _stuck(slot: Slot) -> str | None:
    newest = slot.versions[-THREE:]
    if len(newest) < THREE or any(each.meta.get("similarity") != 1.0 for each in newest[1:]):
        return None
    return f"versions {version_of(newest[0])} to {version_of(newest[-1])} have the same words"


def _worse(slot: Slot) -> str | None:
    """Tell that the newest version is worse than the one before it, or than the one that was picked.

    Without a mark, a check or a comparison that cannot be known.
    """
    if slot.revision is None or slot.revision.meta.get("guard") or len(slot.versions) < 2:  # noqa: PLR2004 - a pair
        return None
    before, newest = slot.versions[-2:]
    return _by_score(before, newest) or _by_checks(before, newest) or _by_pick(slot, newest)


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
