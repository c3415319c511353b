"""Entries as a store keeps them sealed: the text in one piece, and in another all of ``meta`` that no store reads.

What stays plain is said by a list, so that whatever comes to stand in ``meta`` later is sealed. Everything plain is
bound to the text: an entry opens only with the session, the number and the columns that it was stored with. Which
session may read which one's entries is ``lineages``'s work.
"""

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from companions.entries import Entry
from companions.errors import StoreError
from sessions.seal_store import Stretch
from sessions.sealing.cipher import Cipher

SEALED = "sealed"
"""Under this name the ``meta`` of a sealed entry says how it was sealed."""
PURPOSE = "session"
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Header:
    """How an entry was sealed.

    Attributes:
        key_id: With which key.
        session_id: In which session; a fork reads its parent's as they are.
        before: Who wrote the entry that this session's own begin behind, and its ``seq``; ``None`` without a parent.
        meta: The sealed part of the meta, if there is any.
    """

    key_id: str
    session_id: str
    before: Stretch | None
    meta: str | None

    def told(self) -> dict[str, Any]:
        """Give it as JSON values."""
        told: dict[str, Any] = {"key": self.key_id, "session": self.session_id}
        if self.before is not None:
            told["before"] = [self.before.session_id, self.before.base]
        return told if self.meta is None else told | {"meta": self.meta}


def is_sealed(entry: Entry) -> bool:
    """Tell whether an entry was sealed."""
    return SEALED in entry.meta


def header_of(entry: Entry) -> Header | None:
    """Read how an entry was sealed; ``None`` if that is damaged."""
    match entry.meta.get(SEALED):
        case {"key": str(key_id), "session": str(session_id), **others}:
            pass
        case _:
            return None
    meta, before = others.get("meta"), None
    match others.get("before"):
        case [str(writer), int(base)]:
            before = Stretch(writer, base)
        case None:
            pass
        case _:
            return None
    return Header(key_id, session_id, before, meta) if meta is None or isinstance(meta, str) else None


def sealed(cipher: Cipher, entry: Entry, session_id: str, before: Stretch | None) -> Entry:
    """Seal an entry for the session that writes it.

    Raises:
        StoreError: Its text is not valid Unicode.
    """
    plain = _plain(entry.meta)
    rest = {name: value for name, value in entry.meta.items() if name not in plain or plain[name] is not value}
    header = Header(cipher.keyring.newest, session_id, before, None)
    if rest:
        header = replace(header, meta=_coded(cipher.seal(PURPOSE, session_id, _json(rest), _meta_bound(entry))))
    text = cipher.seal(PURPOSE, session_id, _bytes(entry.text), _bound(entry, header, plain))
    return replace(entry, text=_coded(text), meta=plain | {SEALED: header.told()})


def opened(cipher: Cipher, entry: Entry) -> Entry | None:
    """Open an entry as the session that its header names wrote it; ``None`` if it does not open."""
    header = header_of(entry)
    if header is None:
        return None
    plain = {name: value for name, value in entry.meta.items() if name != SEALED}
    rest: dict[str, Any] = {}
    text = _open(cipher, header, entry.text, _bound(entry, header, plain))
    if text is None:
        return None
    if header.meta is not None:
        part = _open(cipher, header, header.meta, _meta_bound(entry))
        if part is None:
            return None
        rest = json.loads(part)
    return replace(entry, text=text.decode(), meta=plain | rest)


def _plain(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Give what stays plain: that a version was guarded, and which one it was written from. Stores read these."""
    plain: dict[str, Any] = {}
    if meta.get("guard"):
        plain["guard"] = True
    if isinstance(based_on := meta.get("based_on"), int):
        plain["based_on"] = based_on
    return plain


def _bound(entry: Entry, header: Header, plain: Mapping[str, Any]) -> bytes:
    """Give what a sealed text is bound to: everything else about its entry, the sealed meta included."""
    place = (entry.seq, entry.companion_type, entry.kind, entry.slot, entry.index)
    return _json([FORMAT, "text", header.told(), entry.id, *place, entry.author, float(entry.at), plain])


def _meta_bound(entry: Entry) -> bytes:
    """Give what a sealed meta is bound to; to which text it belongs, that one says."""
    return _json([FORMAT, "meta", entry.id])


def _open(cipher: Cipher, header: Header, text: str, associated: bytes) -> bytes | None:
    try:
        closed = a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    return cipher.open(header.key_id, PURPOSE, header.session_id, closed, associated)


def _json(value: Any) -> bytes:
    # Escaped to ASCII, half a character passes, as it does in stores.
    return _JSON.encode(value).encode()


def _coded(closed: bytes) -> str:
    return b2a_base64(closed, newline=False).decode()


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise StoreError("A text holds half a character, a lone surrogate.", "Send it as valid Unicode.") from error
