"""The values that options take: each is read, or refused with what would do."""

import argparse
import re

from companions.errors import InputError
from sessions.principals import LOCAL, read_principal
from sessions.retention import Retention

LAST_PORT = 65_535
MOST_DIGITS = 9
"""Of a number on the command line: more is a slip, and no store can count so far."""


def number(word: str) -> int:
    """Read a whole number of at least 0."""
    return 0 if word == "0" else positive(word)


def positive(word: str) -> int:
    """Read a whole number of at least 1."""
    if not (word.isascii() and word.isdecimal() and len(word) <= MOST_DIGITS) or int(word) < 1:
        raise argparse.ArgumentTypeError(f"it must be a whole number of at least 1, not {word!r}")
    return int(word)


def age(word: str) -> Retention:
    """Read after how long something is deleted, like 90d."""
    try:
        kept = Retention.parse(f"delete={word}")
    except InputError:
        kept = Retention()
    if kept.delete is None or kept.archive is not None:
        raise argparse.ArgumentTypeError(f"it must be 1 or more hours, days or weeks, like 12h or 90d, not {word!r}")
    return kept


def owner(word: str) -> str:
    """Read whose sessions are meant."""
    read = read_principal(word)
    if read is None:
        form = '["https://login.example.com/", "ann"]'
        raise argparse.ArgumentTypeError(
            f"it must be {LOCAL}, or issuer and subject as JSON, like '{form}' (of a development token "
            f"""'["", "ann"]'), not {word!r}"""
        )
    return read


def port(word: str) -> int:
    """Read a port."""
    wanted = positive(word)
    if wanted > LAST_PORT:
        raise argparse.ArgumentTypeError(f"ports go up to {LAST_PORT}, not {word}")
    return wanted


def entry_name(word: str) -> str:
    """Read what an entry in a host's configuration is called."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", word):
        raise argparse.ArgumentTypeError(f"it must be up to 64 letters, digits, - and _, not {word!r}")
    return word
