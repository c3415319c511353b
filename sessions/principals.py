"""Principals: whom sessions belong to and who takes part in them, as an issuer and its subject.

It says how they are written and shown; who is one, and that a call is theirs, is found out by ``middleware``.
"""

import json

LOCAL = "local"
"""The principal on standard input and output, and without authentication; nobody shares anything with it."""


def principal_of(issuer: str, subject: str) -> str:
    """Write a principal: JSON of the issuer and its subject."""
    return json.dumps([issuer, subject], ensure_ascii=False)


def beside(principal: str, subject: str) -> str:
    """Write the principal that the issuer of another one calls by a subject."""
    return principal_of(_parts(principal)[0], subject)


def shown(principal: str, to: str) -> str:
    """Show a principal to another one: the subject alone where both are of one issuer."""
    issuer, subject = _parts(principal)
    return subject if issuer == _parts(to)[0] else principal


def read_principal(word: str) -> str | None:
    """Read a principal as a person writes it; ``None`` if it can be nobody's."""
    found = _pair(word)
    if found is None or not found[1]:
        return LOCAL if word == LOCAL else None
    return principal_of(*found)


def _parts(principal: str) -> tuple[str, str]:
    """Take a principal apart; one that is no issuer's, such as the local one, is its own subject."""
    return _pair(principal) or ("", principal)


def _pair(principal: str) -> tuple[str, str] | None:
    try:
        match json.loads(principal):
            case [str(issuer), str(subject)]:
                return issuer, subject
            case _:
                return None
    except (ValueError, RecursionError):
        return None
