"""Which keys a store lets in, and how it is told that something does not open. It seals and opens nothing.

A store remembers of each key that it was sealed with the id and a proof, from which nothing else of the key follows.
"""

from collections.abc import Mapping

from companions.errors import UnopenedError
from sessions.seal_store import SealableStore
from sessions.sealing.cipher import Cipher
from sessions.sealing.entries import Header
from sessions.sealing.keys import SETTING, Keyring

NAMED = 5


def admit(keyring: Keyring | None, seals: Mapping[str, str]) -> None:
    """Let a program in whose keys are all that a store was sealed with, or more.

    Raises:
        UnopenedError: A key is missing, or is another one than the store was sealed with.
    """
    if keyring is None and seals:
        raise UnopenedError(
            f"The store is sealed, with {_named(seals)}, and no key is set.",
            f"Set {SETTING} to the keys it was sealed with.",
        )
    if keyring is None:
        return
    if missing := [key_id for key_id in seals if key_id not in keyring.keys]:
        raise UnopenedError(
            f"The store is sealed with {_named(missing)}, not among the keys in {SETTING}.",
            "Put every key back; one that is lost is given up by `companions rotate-keys --give-up ID`.",
        )
    for key_id, proof in seals.items():
        _compare(keyring, key_id, proof)


async def mark(store: SealableStore, keyring: Keyring) -> None:
    """Note in a store that the newest key is used from now on.

    Raises:
        UnopenedError: Another key of that id is.
    """
    _compare(keyring, keyring.newest, await store.put_seal(keyring.newest, keyring.proof(keyring.newest)))


async def copy_seals(source: SealableStore, target: SealableStore) -> None:
    """Note in another store the keys that what is copied there is sealed with.

    Raises:
        UnopenedError: The target is sealed with another key of such an id.
    """
    for key_id, proof in (await source.seals()).items():
        if await target.put_seal(key_id, proof) != proof:
            raise UnopenedError(
                f"The two stores are sealed with different keys that are both called {key_id!r}.",
                "Copy to an empty store, or seal one of them with a key of another id by `companions rotate-keys`.",
            )


def unopened(session_id: str, seq: int, header: Header | None, cipher: Cipher | None) -> UnopenedError:
    """Word that an entry does not open."""
    entry = f"Entry {seq} of session {session_id}"
    known: frozenset[str] = frozenset() if cipher is None else frozenset(cipher.keyring.keys)
    if header is not None and header.key_id not in known:
        key = f"the key {header.key_id[:64]!r}"
        return UnopenedError(f"{entry} is sealed with {key}, which is not in {SETTING}.", "Put that key back.")
    before = f"fork the session at {seq - 1} to go on before it" if seq > 1 else "forget the session"
    return UnopenedError(
        f"{entry} does not open: it was changed or moved after it was stored.",
        f"Restore it from a backup, or {before}; other sessions are not affected.",
    )


def _compare(keyring: Keyring, key_id: str, proof: str) -> None:
    if not keyring.proves(key_id, proof):
        raise UnopenedError(
            f"The key {key_id!r} in {SETTING} is not the one of that id that the store was sealed with.",
            "Set the right one; a new key takes a new id.",
        )


def _named(seals: Mapping[str, str] | list[str]) -> str:
    names = [repr(key_id[:64]) for key_id in seals]
    more = "" if len(names) <= NAMED else f" and {len(names) - NAMED} more"
    return f"the {'key' if len(names) == 1 else 'keys'} {', '.join(names[:NAMED])}{more}"
