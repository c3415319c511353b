"""How far a provider was asked to delete what it keeps of a session: a mark beside what listings show of it.

It holds no text. Where it is lost, as when a projection is rebuilt, the provider is asked once more; who asks, and
when, is ``provider_copies``'s work.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sessions.store import Projection

MARK = "deleted_at_provider"
"""Among a companion's shown values: the ``seq`` up to which nothing of the session is at its provider any more."""


def deleted_until(shown: Projection | None) -> int:
    """Give the ``seq`` up to which it was deleted; 0 if it never was."""
    return 0 if shown is None else max((values.get(MARK, 0) for values in shown.companions.values()), default=0)


def marked(shown: Projection, seq: int) -> Projection:
    """Give what is shown of a session once it was deleted up to ``seq``."""
    companions = {name: {**values, MARK: seq} for name, values in shown.companions.items()}
    return replace(shown, companions=companions)


def mark_of(values: Mapping[str, Any]) -> dict[str, int]:
    """Give the mark alone, which stays when the companion goes on."""
    return {MARK: values[MARK]} if MARK in values else {}
