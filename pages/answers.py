"""How the page's requests are answered: headers that hold for every answer, and errors in words of ours.

Which data there is, and who may see it, is decided elsewhere.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from companions.errors import (
    CompanionsError,
    InputError,
    ScopeError,
    SessionNotFoundError,
    StoreAwayError,
    UnknownNameError,
)

log = logging.getLogger("companions.pages")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load, and from where; nothing at all in a frame of somebody else's."""
GUARDING: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STATUSES: tuple[tuple[type[CompanionsError], int], ...] = (
    (SessionNotFoundError, 404),
    (UnknownNameError, 404),
    (InputError, 400),
    (ScopeError, 403),
    (StoreAwayError, 503),
)
"""The first that fits; any other error of ours is a 500."""
UNAUTHENTICATED, TOO_MANY, FAILED = 401, 429, 500


def data(body: object) -> Response:
    """Answer with data, which no cache keeps."""
    return _json(body, 200)


def refused(status: int, code: str, what: str) -> Response:
    """Answer with an error."""
    return _json({"error": {"code": code, "what": what}}, status)


def unauthenticated() -> Response:
    """Answer somebody who shows no token that is taken."""
    error = {"code": "no_token", "what": "An access token is needed, and none that is valid came."}
    return _json({"error": error}, UNAUTHENTICATED, {"WWW-Authenticate": "Bearer"})


def failed(error: Exception) -> Response:
    """Answer for what was raised; of errors that are not ours only the log tells."""
    if not isinstance(error, CompanionsError):
        log.error("the page's data could not be read", exc_info=error)
        return refused(FAILED, "failed", "The server failed unexpectedly; its log says more.")
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), FAILED)
    return refused(status, error.code, error.what)


def _json(body: object, status: int, more: Mapping[str, str] | None = None) -> Response:
    headers: dict[str, Any] = {**GUARDING, "Cache-Control": "no-store", **(more or {})}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    # A text may hold half of a surrogate pair, which no UTF-8 can carry.
    return Response(text.encode("utf-8", "replace"), status, headers, media_type="application/json")
