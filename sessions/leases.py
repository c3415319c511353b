"""Leases: who is at work on a step or a job right now, so that two processes do not both pay the model for it.

A lease only saves work. It protects nothing: what is stored is decided by the append's compare, which still holds when
a lease was lost, or never taken because the store was away. What is leased under which name is the step's choice.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from companions.errors import StoreError
from sessions.store import Store

log = logging.getLogger("companions.leases")

SECONDS = 10.0
"""How long a lease outlives a process that was killed."""
RENEW = 3.0
"""Seconds between renewals: two may fail before the lease is anybody's."""
MOMENT = 0.25
"""Seconds that leaving waits for the lease to be given back; after that it goes on in the background."""
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.1, 1.0, 1.5


@dataclass(slots=True)
class Held:
    """A lease that is being renewed.

    Attributes:
        lost: Whether another process was seen to hold it: this one was away for longer than the lease lasts.
    """

    lost: bool = False
    _left: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self) -> None:
        """Let the lease be given back."""
        self._left.set()

    async def left(self, within: float) -> bool:
        """Wait until it is left, for so many seconds at most; tells whether it was."""
        try:
            async with asyncio.timeout(within):
                await self._left.wait()
        except TimeoutError:
            return False
        return True


@dataclass(slots=True)
class Leases:
    """The leases of one process. A store that no other process can reach is never asked for one.

    Attributes:
        holder: This process's name among the holders.
        seconds: How long a lease lasts without being renewed.
        renew: Seconds between renewals.
    """

    store: Store
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    seconds: float = SECONDS
    renew: float = RENEW
    _keeping: dict[str, "asyncio.Task[None]"] = field(default_factory=dict[str, "asyncio.Task[None]"])

    async def take(self, name: str) -> bool:
        """Take a lease; ``False`` when another process, or another block of this one, holds it.

        It is also ours when the store cannot say: nobody can agree on anything then, and no step is refused for that.
        """
        if not self.store.shared:
            return True
        if name in self._keeping:
            # Also while it is being given back: that would take the new lease with it.
            return False
        return await self._ask(name, self.seconds) == self.holder

    async def wait(self, name: str) -> None:
        """Wait until a lease was given back or has expired, and take it."""
        pause = FIRST_PAUSE
        while not await self.take(name):
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * GROWTH)

    @asynccontextmanager
    async def held(self, name: str) -> AsyncGenerator[Held]:
        """Renew a lease that was taken until the block is left, then give it back. Nothing of that fails the block."""
        held = Held()
        if not self.store.shared:
            yield held
            return
        keeping = asyncio.create_task(self._keep(name, held), name="companions-lease")
        self._keeping[name] = keeping
        keeping.add_done_callback(lambda _: self._kept(name, keeping))
        try:
            yield held
        finally:
            held.leave()
            await asyncio.wait({keeping}, timeout=MOMENT)

    async def rest(self) -> None:
        """Wait until what was left is given back."""
        while self._keeping:
            await asyncio.wait(set(self._keeping.values()))

    async def _keep(self, name: str, held: Held) -> None:
        """Renew until it is left or lost; a call to the store is never cut off, or a renewal could land behind it."""
        while not await held.left(self.renew):
            held.lost = await self._ask(name, self.seconds) != self.holder
            if held.lost:
                return
        await self._ask(name, 0)

    async def _ask(self, name: str, seconds: float) -> str:
        """Ask the store who holds a lease now; this process, where it does not say."""
        try:
            return await self.store.lease(name, self.holder, seconds)
        except StoreError:
            return self.holder
        except Exception:
            log.exception("the store failed at the lease %s in a way that it does not know", name)
            return self.holder

    def _kept(self, name: str, keeping: "asyncio.Task[None]") -> None:
        if self._keeping.get(name) is keeping:
            del self._keeping[name]
