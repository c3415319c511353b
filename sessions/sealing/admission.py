"""Whether a process may use a store with the keys that it has, looked up again while it runs. It seals nothing.

A rotation may end meanwhile, or a store be sealed that was plain when the process began. What was seen of the store's
seals therefore holds for ``EXPIRY`` seconds; a rotation that makes a key needless waits longer than that.
"""

import asyncio
import time

from sessions.seal_store import SealableStore
from sessions.sealing.cipher import Cipher
from sessions.sealing.refusals import admit, mark

EXPIRY = 5.0
"""Seconds for which a process relies on what it saw of the seals before it writes; more than an append may take."""


class Admission:
    """What one process knows of the keys that a store is sealed with."""

    def __init__(self, store: SealableStore, cipher: Cipher | None) -> None:
        self._store, self._cipher = store, cipher
        self._admitted = False
        self._written_at = float("-inf")

    async def to_read(self) -> None:
        """Compare the keys, before anything else, with what the store was sealed with.

        Raises:
            UnopenedError: A key is missing, or is another one than the store was sealed with.
        """
        if not self._admitted:
            await self._look()

    async def to_write(self) -> None:
        """See to it that the store knows of the key that is about to seal, or is plain if there is none.

        Raises:
            UnopenedError: The store has been sealed, and there is no key; or see ``to_read``.
        """
        if time.monotonic() - self._written_at < EXPIRY:
            return
        # From before the look: what changes during it is not known.
        at = time.monotonic()
        seals = await self._look()
        if self._cipher is not None:
            keyring = self._cipher.keyring
            if seals.get(keyring.newest) != keyring.proof(keyring.newest):
                await mark(self._store, keyring)
        self._written_at = at

    async def _look(self) -> dict[str, str]:
        if not self._admitted and self._cipher is not None:
            await asyncio.to_thread(self._cipher.load)
        seals = await self._store.seals()
        # One who has keys and was let in once can tell for every entry which one is missing.
        if self._cipher is None or not self._admitted:
            admit(None if self._cipher is None else self._cipher.keyring, seals)
            self._admitted = True
        return seals
