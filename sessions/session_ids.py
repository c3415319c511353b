"""Session ids: made here and nowhere else, and known by their form. Whose session an id names is not to be seen."""

import secrets
import string

ALPHABET = string.ascii_lowercase + string.digits
LENGTH = 20
"""36 ** 20 ids: 103 bits."""


def new_id() -> str:
    """Make an id that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def is_id(name: str) -> bool:
    """Tell whether a name has the form of an id."""
    return len(name) == LENGTH and all(letter in ALPHABET for letter in name)
