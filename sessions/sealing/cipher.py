"""AES-256-GCM, with a key of its own for each session, derived from a key of the keyring by HKDF-SHA256.

Nonces are random and of 96 bits, of which NIST SP 800-38D lets one key see 2**32: that many texts may be sealed in each
session, not in all. It knows neither entries nor stores; what a sealed text is bound to is for its callers to say.
``cryptography`` is loaded when the first key is derived.
"""

import json
import secrets
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from sessions.sealing.keys import LENGTH, Keyring

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
REMEMBERED = 1024
"""Derived keys that are kept, half a kilobyte each."""


class Cipher:
    """Seals with the newest key of a keyring, and opens with any; may be asked on several threads at once."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self._derived: OrderedDict[tuple[str, str, str], AESGCM] = OrderedDict()
        self._deriving = Lock()

    def load(self) -> None:
        """Import what sealing needs. It blocks for some hundredths of a second, once."""
        _derive(bytes(LENGTH), b"")

    def seal(self, purpose: str, name: str, plain: bytes, associated: bytes) -> bytes:
        """Seal bytes with the newest key.

        Args:
            purpose: What is sealed; no key is used for two purposes.
            name: Whose it is, such as a session's id; no key is used for two names either.
            plain: The bytes.
            associated: What they are bound to; not sealed, and not in what is returned.
        """
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._key(self.keyring.newest, purpose, name).encrypt(nonce, plain, associated)

    def open(self, key_id: str, purpose: str, name: str, sealed: bytes, associated: bytes) -> bytes | None:
        """Open what was sealed; ``None`` if there is no such key, or anything is not as it was."""
        if key_id not in self.keyring.keys or len(sealed) <= NONCE:
            return None
        key = self._key(key_id, purpose, name)
        try:
            return key.decrypt(sealed[:NONCE], sealed[NONCE:], associated)
        except _invalid_tag():
            return None

    def _key(self, key_id: str, purpose: str, name: str) -> "AESGCM":
        asked = (key_id, purpose, name)
        with self._deriving:
            found = self._derived.get(asked)
            if found is None:
                info = json.dumps(["companions", purpose, name]).encode()
                found = self._derived[asked] = _derive(self.keyring.keys[key_id], info)
                if len(self._derived) > REMEMBERED:
                    self._derived.popitem(last=False)
            else:
                self._derived.move_to_end(asked)
        return found


def _derive(key: bytes, info: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 -- deferred, see above
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 -- likewise
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 -- likewise

    return AESGCM(HKDF(algorithm=SHA256(), length=LENGTH, salt=None, info=info).derive(key))


def _invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 -- deferred, see above

    return InvalidTag
