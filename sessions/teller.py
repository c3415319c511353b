"""Tells whoever waits how far something is, again and again, and never waits for them to listen.

What is told, and how often, is its caller's to say.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Teller:
    """Tells one listener at a time one thing; whoever listens slowly is told less often.

    Attributes:
        tell: Tells how far it is by now.
    """

    tell: Callable[[], Coroutine[Any, Any, None]]
    _telling: "asyncio.Task[None] | None" = None

    def again(self) -> None:
        """Tell, unless the listener is at what it was told before.

        Raises:
            Exception: Whatever telling failed with the last time: nobody listens any more.
        """
        if self._telling is not None:
            if not self._telling.done():
                return
            self._telling.result()
        self._telling = asyncio.create_task(self.tell(), name="companions-teller")

    async def end(self) -> None:
        """Tell nothing more; what was not heard by now need not be."""
        if self._telling is None:
            return
        self._telling.cancel()
        await asyncio.gather(self._telling, return_exceptions=True)
