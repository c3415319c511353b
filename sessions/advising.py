"""What the caller should know of a stored step besides its text: a better version, failing checks, missing critics.

One line each, worded for any surface. With it goes what is to be said of the session and its store.
"""

from dataclasses import replace
from typing import Any

from companions import checks
from companions.companion import version_of
from companions.entries import Entry
from companions.falling_back import FAILED
from sessions.answers import Answer
from sessions.session import Session

KEPT = "The store is away: this is kept on the server's own disk and goes into the store when it is back."
UNSEEN = "The store is away: what others wrote to this session lately is not seen here."
SHOWN = 300
"""Most characters that are told of what fails."""


def advised(session: Session, given: Answer) -> Answer:
    """Say what the caller should know besides its step."""
    notices, session.notices = session.notices, []
    if session.kept:
        notices.append(KEPT)
    elif session.writer.keeper.away:
        notices.append(UNSEEN)
    notices += advice(given)
    return replace(given, advice=tuple(notices)) if notices else given


def advice(given: Answer) -> list[str]:
    """Give the lines that a step calls for; none while it is still to be written."""
    entry = given.entry
    if entry is None:
        return []
    told = [_of_score(given, entry), _of_insisting(entry), _of_checks(entry), _of_verdict(entry), _of_critics(entry)]
    told.append(of_fallback(entry))
    return [line for line in told if line is not None]


def _of_score(given: Answer, entry: Entry) -> str | None:
    """Tell of a better version where a revision has brought a worse one, and where the loop leaves it at that."""
    if given.outscored is None:
        return None
    told = f"{given.outscored[0].upper()}{given.outscored[1:]}"
    if given.next.step is None:
        return f"{told}: call refine with this session_id to have the best one picked."
    return f"{told}." if given.step == "revise" and not entry.meta.get("guard") else None


def _of_insisting(entry: Entry) -> str | None:
    meta = entry.meta
    if not meta.get("confirmed"):
        return None
    seen = f"{meta['overruled']} ({meta['overruled_why']})"
    return f"Version {version_of(entry)} was sent again and is taken, although it looks {seen}."


def _of_checks(entry: Entry) -> str | None:
    failing = entry.meta.get("checks") or ()
    if not failing:
        return None
    return (
        f"Version {version_of(entry)} fails {_short(checks.told(failing))}; the loop cannot end as converged with it."
    )


def _of_verdict(entry: Entry) -> str | None:
    if unmet := entry.meta.get("unmet"):
        return f"The critic was satisfied, but the text fails {', '.join(unmet)}: the loop goes on."
    if entry.meta.get("trusted", True):
        return None
    return "The critic was satisfied, but texts that it accepted were improved later more often than harmed: go on."


def _of_critics(entry: Entry) -> str | None:
    critics: list[dict[str, Any]] = entry.meta.get("critics", [])
    failed = [f"{critic['name']} ({critic['error']})" for critic in critics if "error" in critic]
    return f"This critique lacks critics that failed: {_short('; '.join(failed))}." if failed else None


def of_fallback(entry: Entry) -> str | None:
    """Tell that another model wrote than the one in force, or one critic's part, and why."""
    parts: list[dict[str, Any]] = entry.meta.get("critics", [entry.meta])
    for part in parts:
        if failed := part.get(FAILED):
            why = " ".join(each["error"] for each in failed)
            return f"{part.get('model')} wrote in place of {failed[0]['model']}: {_short(why)}"
    return None


def _short(words: str) -> str:
    return words if len(words) <= SHOWN else f"{words[:SHOWN].rstrip()} ..."
