"""Keys for sealing: read from a setting, checked once, and shown to nobody. Nothing is sealed here."""

import binascii
import hmac
import json
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from companions.errors import InputError

SETTING = "COMPANIONS_ENCRYPTION_KEYS"
LENGTH = 32
"""Bytes of a key: AES-256."""
FORM = '{"ID": "BASE64 OF 32 BYTES"}'
NEW_KEY = "`companions new-key` makes one."
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PROOF = b"companions: this key was used here"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id; the first one seals, all of them open.

    Attributes:
        keys: Of 32 bytes each, at least one.
    """

    keys: Mapping[str, bytes] = field(repr=False, hash=False)

    def __post_init__(self) -> None:
        """Refuse what no text could be sealed with."""
        if not self.keys:
            raise InputError(f"{SETTING} names no key.", f"Write {FORM}; {NEW_KEY}")
        for key_id, key in self.keys.items():
            if not _ID.fullmatch(key_id):
                raise InputError(
                    f"{SETTING} has a key id that is empty, too long or holds other characters.",
                    "Use up to 64 letters, digits, dots, underscores and hyphens.",
                )
            if len(key) != LENGTH:
                raise InputError(
                    f"The key {key_id!r} of {SETTING} has {len(key)} bytes, and AES-256 takes {LENGTH}.", NEW_KEY
                )

    @classmethod
    def read(cls, given: str) -> "Keyring":
        """Read keys as the setting has them: JSON, or the path of a file of it.

        Raises:
            InputError: They cannot be read, an id is there twice, or a key is none. Nothing of them is shown.
        """
        text = given if given.lstrip().startswith("{") else _file(given)
        try:
            pairs = json.loads(text, object_pairs_hook=list)
        except (ValueError, RecursionError):
            pairs = None
        return cls(_keys(pairs))

    @property
    def newest(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def proof(self, key_id: str) -> str:
        """Give what tells a key from another of its id, and nothing else of it."""
        return hmac.digest(self.keys[key_id], _PROOF, "sha256").hex()

    def proves(self, key_id: str, proof: str) -> bool:
        """Tell whether a proof is that of the key of this id."""
        return hmac.compare_digest(self.proof(key_id), proof)


def new_key() -> str:
    """Make a key under an id of its own, as the setting takes it."""
    return json.dumps({f"key-{secrets.token_hex(4)}": b64encode(secrets.token_bytes(LENGTH)).decode()})


def _keys(pairs: Any) -> dict[str, bytes]:
    unreadable = InputError(f"{SETTING} cannot be read as keys.", f"Write {FORM}, or the path of a file of it.")
    if not isinstance(pairs, list):
        raise unreadable
    keys: dict[str, bytes] = {}
    for pair in cast("list[Any]", pairs):
        # Of an object there are pairs; of a list, whatever stood in it.
        key_id, encoded = cast("tuple[str, Any]", pair) if isinstance(pair, tuple) else ("", None)
        if not isinstance(encoded, str):
            raise unreadable
        if key_id in keys:
            raise InputError(f"{SETTING} names a key id twice.", "Give each key an id of its own.")
        try:
            keys[key_id] = b64decode(encoded.encode(), validate=True)
        except (binascii.Error, UnicodeError):
            raise InputError(f"A key of {SETTING} is not base64.", NEW_KEY) from None
    return keys


def _file(given: str) -> str:
    """Read the file that the setting names. The setting is not repeated: it may be a key itself."""
    try:
        return Path(given).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError):
        raise InputError(
            f"{SETTING} is neither JSON nor the path of a file that can be read.", f"Write {FORM}, or its path."
        ) from None
