"""What waits in a spool, sealed as a whole: on this machine's disk it holds nobody's words. It reads no file.

A row is bound to its session, its first number and what it says of how the session was opened, which stands beside it
as it does in the store: so an erasure finds what is a person's, also where it does not open. Rows from before there
were keys are taken as they are.
"""

import json

from companions.errors import UnopenedError
from sessions.sealing.cipher import Cipher
from sessions.sealing.keys import SETTING, Keyring

PURPOSE = "spool"
BEGINNING = b"sealed "
"""Of a sealed row, before the key id and a blank; a plain one begins as JSON."""


class SpoolSeal:
    """Seals what is put into a spool, and opens what is taken; without keys it seals nothing."""

    def __init__(self, keyring: Keyring | None = None) -> None:
        self._cipher = None if keyring is None else Cipher(keyring)

    def seal(self, body: bytes, session_id: str, first: int, opening: str | None) -> bytes:
        """Give a row's body as it is kept."""
        if self._cipher is None:
            return body
        key_id = self._cipher.keyring.newest.encode()
        closed = self._cipher.seal(PURPOSE, session_id, body, _bound(session_id, first, opening))
        return b"%b%b %b" % (BEGINNING, key_id, closed)

    def open(self, body: bytes, session_id: str, first: int, opening: str | None) -> bytes:
        """Give a row's body as it was put.

        Raises:
            UnopenedError: It does not open.
        """
        if not body.startswith(BEGINNING):
            return body
        key_id, _, closed = body.removeprefix(BEGINNING).partition(b" ")
        opened = None
        if self._cipher is not None:
            name = key_id.decode("ascii", "replace")
            opened = self._cipher.open(name, PURPOSE, session_id, closed, _bound(session_id, first, opening))
        if opened is None:
            raise UnopenedError(
                f"Entries of session {session_id} in the spool do not open with the keys in {SETTING}.",
                "Put the key back that they were sealed with; they stay where they are until then.",
            )
        return opened


def _bound(session_id: str, first: int, opening: str | None) -> bytes:
    return json.dumps([session_id, first, opening]).encode()
