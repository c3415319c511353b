"""By what calls that ask for the same are known: a call joins what is under way under its key.

What runs, and who waits for it, is ``running``'s.
"""

from dataclasses import replace

from companions.requests import Request
from sessions.loops import Wish
from sessions.running import Key
from sessions.session import Session


def step_key(principal: str, session: Session, companion_type: str, request: Request) -> Key:
    """Say which step somebody asks for; a bare call joins whatever is under way."""
    bare = request == replace(Request(step=request.step), text_limit=request.text_limit)
    return Key((session.session_id, companion_type, request.step), () if bare else (request.described,), principal)


def loop_key(principal: str, session: Session, companion_type: str, wish: Wish | None = None) -> Key:
    """Say which loop somebody asks for; a call that gives nothing joins whatever is under way."""
    bare = wish is None or wish == Wish(text_limit=wish.text_limit)
    return Key((session.session_id, companion_type, "refine"), () if bare else (wish,), principal)
