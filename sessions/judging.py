"""Judging a written text without holding up others. What a text is worth is ``outcomes``'s to say."""

import asyncio

from companions.companion import Companion
from companions.entries import Note
from companions.models import Written
from companions.outcomes import judge
from companions.requests import Plan

LARGE = 4_000
"""Characters from which measuring a text is given to a thread: the event loop serves others meanwhile. Checks are held
against a text there whatever its size: a schema may be large, and its library is loaded with the first."""


async def judged(companion: Companion, found: Plan, written: Written) -> Note:
    """Give a text as it is recorded, with what was measured of it."""
    large = len(written.text) > LARGE or (found.base is not None and len(found.base.text) > LARGE)
    if large or found.configuration.checks:
        return await asyncio.to_thread(judge, companion, found, written)
    return judge(companion, found, written)
