"""Attachments as a store keeps them sealed: the bytes under AES-GCM, and an address that tells nothing of them.

Outside, an attachment is found by the SHA-256 of its bytes. A store that showed that would tell who keeps a file that
somebody else has; so there it is a keyed digest of it, with a key of its own for each owner, behind the id of the key.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from companions.errors import UnopenedError
from sessions.attachment_store import Content
from sessions.seal_store import SealableStore
from sessions.sealing.admission import Admission
from sessions.sealing.cipher import Cipher
from sessions.sealing.keys import SETTING

PURPOSE = "attachment"
ADDRESS = "attachment address"


def address_of(cipher: Cipher, key_id: str, owner: str, digest: str) -> str:
    """Give the address that an owner's bytes have under a key, by their SHA-256."""
    name = json.dumps(["companions", ADDRESS, owner]).encode()
    own = hmac.digest(cipher.keyring.keys[key_id], name, "sha256")
    return f"{key_id}:{hmac.digest(own, digest.encode(), 'sha256').hex()}"


def key_of(address: str) -> str | None:
    """Name the key that something was sealed with; ``None`` if it is plain."""
    key_id, colon, _ = address.partition(":")
    return key_id if colon else None


def sealed(cipher: Cipher, owner: str, data: bytes) -> Content:
    """Seal an owner's bytes with the newest key. They may be many: it is called on threads, as ``opened`` is."""
    address = address_of(cipher, cipher.keyring.newest, owner, hashlib.sha256(data).hexdigest())
    return Content(address=address, data=cipher.seal(PURPOSE, owner, data, address.encode()))


def opened(cipher: Cipher, owner: str, content: Content) -> bytes | None:
    """Open what was sealed; ``None`` if it does not open."""
    key_id = key_of(content.address)
    if key_id is None:
        return content.data
    return cipher.open(key_id, PURPOSE, owner, content.data, content.address.encode())


class SealedAttachments:
    """The ``AttachmentStore`` protocol over another store, whose bytes are sealed; addresses are SHA-256 outside.

    What ``kept`` tells and ``rewrite`` takes are the other store's own addresses.
    """

    def __init__(self, store: SealableStore, admission: Admission, cipher: Cipher | None) -> None:
        """Take the store, what refuses one that is sealed with other keys, and what seals; ``None`` without keys."""
        self._store, self._admission, self._cipher = store, admission, cipher

    async def put(self, session_id: str, seq: int, contents: Sequence[Content]) -> bool:
        """Keep bytes that the session cannot read yet; see ``AttachmentStore.put``."""
        await self._admission.to_write()
        head = await self._store.head(session_id)
        if head is None:
            return False
        kept, owner = await self._store.attachments.kept(session_id), head.opening.owner
        missing = [each for each in contents if kept.keys().isdisjoint(self._addresses(owner, each.address))]
        if (cipher := self._cipher) is not None:
            missing = [await asyncio.to_thread(sealed, cipher, owner, each.data) for each in missing]
        return await self._store.attachments.put(session_id, seq, missing)

    async def get(self, session_id: str, addresses: Sequence[str]) -> Content | None:
        """Read bytes; see ``AttachmentStore.get``.

        Raises:
            UnopenedError: They do not open.
        """
        await self._admission.to_read()
        head = await self._store.head(session_id)
        owner = "" if head is None else head.opening.owner
        for digest in addresses if head is not None else ():
            found = await self._store.attachments.get(session_id, self._addresses(owner, digest))
            if found is not None:
                data = await asyncio.to_thread(self._opened, session_id, owner, found)
                return replace(found, address=digest, data=data)
        return None

    async def kept(self, session_id: str) -> Mapping[str, int]:
        """Read addresses; see ``AttachmentStore.kept``."""
        return await self._store.attachments.kept(session_id)

    async def rewrite(self, session_id: str, address: str, content: Content) -> bool:
        """Put other bytes in their place; see ``AttachmentStore.rewrite``."""
        return await self._store.attachments.rewrite(session_id, address, content)

    def _addresses(self, owner: str, digest: str) -> list[str]:
        """Give all addresses under which the bytes may be kept; plain ones are from before there were keys."""
        cipher = self._cipher
        keys = () if cipher is None else cipher.keyring.keys
        return [*(address_of(cipher, key_id, owner, digest) for key_id in keys if cipher is not None), digest]

    def _opened(self, session_id: str, owner: str, found: Content) -> bytes:
        data = found.data if self._cipher is None else opened(self._cipher, owner, found)
        if data is None:
            raise UnopenedError(
                f"An attachment of session {session_id} does not open with the keys in {SETTING}.",
                "Restore it from a backup, or attach it again.",
            )
        return data
