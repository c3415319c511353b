"""What listings show of a session, as a store keeps it sealed: plain are only its companion types and dates.

They stand where a title and a preview would, so that a store's own search finds them; the rest is one sealed piece.
"""

import json
from binascii import a2b_base64, b2a_base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sessions.sealing.cipher import Cipher
from sessions.sealing.entries import FORMAT, PURPOSE
from sessions.store import Projection

SEALED = ":sealed"
"""Stands in the place of companion types; none has such a name."""


def is_sealed(shown: Projection) -> bool:
    """Tell whether a projection was sealed."""
    return SEALED in shown.companions


def key_of(shown: Projection) -> str:
    """Name the key that a projection was sealed with; empty if that is damaged."""
    match shown.companions.get(SEALED):
        case {"key": str(key_id)}:
            return key_id
        case _:
            return ""


def sealed(cipher: Cipher, shown: Projection) -> Projection:
    """Seal a projection."""
    words = " ".join([*sorted(shown.companions), f"{datetime.fromtimestamp(shown.used_at, UTC):%Y-%m-%d}"])
    body = json.dumps([shown.title, shown.preview, dict(shown.companions)]).encode()
    bare = replace(shown, title="", preview=words, companions={})
    closed = cipher.seal(PURPOSE, shown.session_id, body, _bound(bare))
    told = {"key": cipher.keyring.newest, "body": b2a_base64(closed, newline=False).decode()}
    return replace(bare, companions={SEALED: told})


def opened(cipher: Cipher, shown: Projection) -> Projection | None:
    """Open a projection; ``None`` if it does not open."""
    match shown.companions:
        case {":sealed": {"key": str(key_id), "body": str(body)}} if len(shown.companions) == 1:
            pass
        case _:
            return None
    try:
        closed = a2b_base64(body, strict_mode=True)
    except ValueError:
        return None
    told = cipher.open(key_id, PURPOSE, shown.session_id, closed, _bound(shown))
    if told is None:
        return None
    title, preview, companions = json.loads(told)
    return replace(shown, title=title, preview=preview, companions=companions)


def _bound(shown: Projection) -> bytes:
    values: list[Any] = [
        FORMAT,
        "head",
        shown.session_id,
        shown.seq,
        float(shown.last_used),
        shown.title,
        shown.preview,
    ]
    return json.dumps(values).encode()
