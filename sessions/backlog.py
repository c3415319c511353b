"""How much waits to be written, in characters, and whether there is room for more.

It counts and lets wait; what waits, and when it is written, is the writer's.
"""

import asyncio
from dataclasses import dataclass, field

MAX_WAITING = 32_000_000
"""Characters that may wait to be committed; steps that would write more wait before they ask a model."""


@dataclass(slots=True)
class Backlog:
    """What was handed over and has no receipt yet."""

    _weight: int = 0
    _room: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self) -> None:
        """Let steps come: somebody writes."""
        self._room.set()

    def renew(self) -> None:
        """Be ready for another event loop; steps wait until it is opened."""
        self._room = asyncio.Event()

    def weigh(self, characters: int) -> None:
        """Count what was handed over, or below 0 what has its receipt."""
        self._weight += characters
        if self._weight < MAX_WAITING:
            self._room.set()
        else:
            self._room.clear()

    async def room(self) -> None:
        """Wait until there is room."""
        await self._room.wait()
