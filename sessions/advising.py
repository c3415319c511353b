"""What the caller should know of a stored step besides its text: checks that fail, critics that did not answer.

One line each, worded for any surface; what is said of a session or its store is ``steps``'s to add.
"""

from typing import Any

from companions import checks
from companions.companion import version_of
from companions.entries import Entry

SHOWN = 300
"""Most characters that are told of what fails."""


def advice(entry: Entry) -> list[str]:
    """Give the lines that a step's entry calls for."""
    told = [_of_checks(entry), _of_verdict(entry), _of_critics(entry)]
    return [line for line in told if line is not None]


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


def _short(words: str) -> str:
    return words if len(words) <= SHOWN else f"{words[:SHOWN].rstrip()} ..."
