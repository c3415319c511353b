"""What went wrong with Redis, in our own words: whether the same call may go through later, and what to do.

It goes by the driver's names of errors and Redis's own code words, so that it needs no driver; none of their texts
reach a message.
"""

import re
from dataclasses import dataclass

from companions.errors import StoreAwayError, StoreError

_AGAIN = "Call again in a moment."


@dataclass(frozen=True, slots=True)
class _Fault:
    """A kind of failure.

    Attributes:
        names: The driver's classes and Redis's code words for it.
        passes: Whether the same call may go through later.
        what: What is wrong; the server's name stands before it.
        remedy: What to do.
    """

    names: frozenset[str]
    passes: bool
    what: str
    remedy: str


def _fault(*names: str, what: str, remedy: str = _AGAIN, passes: bool = True) -> _Fault:
    return _Fault(frozenset(names), passes, what, remedy)


# The first that fits counts: the driver's errors of authentication and loading are also connection errors.
_FAULTS = (
    _fault(
        "AuthenticationError",
        "AuthorizationError",
        what="does not accept the user or the password",
        remedy="Correct them in COMPANIONS_STORE.",
        passes=False,
    ),
    _fault(
        "NoPermissionError",
        "NOPERM",
        what="does not allow this user all that a store needs",
        remedy="Give the user read and write access to the keys companions:*, and scripts.",
        passes=False,
    ),
    _fault("BusyLoadingError", "LOADING", what="is still loading its data"),
    _fault("MaxConnectionsError", what="has as many connections of this program as its URL allows"),
    _fault("ClusterDownError", "TryAgainError", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", what="is rearranging itself"),
    _fault("AskError", what="is rearranging itself"),
    _fault("ReadOnlyError", "READONLY", what="only reads for now, as a replica does"),
    _fault(
        "OutOfMemoryError",
        "OOM",
        what="has no memory left for writing",
        remedy="Give it more (maxmemory), or forget sessions.",
    ),
    _fault("BUSY", what="is busy with another program's script"),
    _fault(
        "MISCONF",
        "NOREPLICAS",
        what="cannot keep what is written safe and refuses it",
        remedy="Look at its log: its disk or its replicas fail.",
    ),
    _fault(
        "WRONGTYPE",
        what="holds something else under a key of ours",
        remedy="Name a database without foreign keys companions:* in COMPANIONS_STORE.",
        passes=False,
    ),
    _fault("TimeoutError", what="does not answer"),
    _fault(
        "ConnectionError",
        "OSError",
        what="cannot be reached",
        remedy="See that it runs and that COMPANIONS_STORE names it.",
    ),
)
_UNKNOWN = _fault(
    what="refused a command",
    remedy="See that it is Redis 6.2 or later; its log says more.",
    passes=False,
)
_WORDS = re.compile(r"\b[A-Z]{3,}\b")


def told(error: Exception, server: str) -> StoreError:
    """Turn an error of the driver or of Redis into one of ours.

    Args:
        error: What the driver raised.
        server: How the server is called in the message.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    # An error inside a script comes as an unspecific one, with the code word somewhere in its text.
    if "ResponseError" in names:
        names |= set(_WORDS.findall(str(error)))
    fault = next((fault for fault in _FAULTS if fault.names & names), _UNKNOWN)
    kind = StoreAwayError if fault.passes else StoreError
    return kind(f"{server} {fault.what}.", fault.remedy)
