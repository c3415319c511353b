"""An HTTP client for SDKs that do not ask again by themselves, or not as their provider wishes.

It asks again where that can help, and waits for as long as the provider asked for; what a refusal means is
``model_faults``'s work, and within which bounds a call stands ``patience``'s.
"""

import asyncio
import json
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from random import random
from typing import TYPE_CHECKING, Any

from companions.signs_of_life import note_request, note_response

if TYPE_CHECKING:
    import httpx

RETRIES = 2
"""How often it asks again."""
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 60.0
"""How long it waits before it asks again for the first time; and the longest wish that it follows."""
AGAIN = frozenset({408, 409, 429})
SERVER_FAULT = 500
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def idle() -> dict[str, Any]:
    """Give what an SDK is to make those HTTP clients of, that it makes anyway and nobody asks through.

    Reading certificates for each would take most of the time of opening a line; theirs trust nobody.
    """
    return {"verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}


def open_http(**options: Any) -> "httpx.AsyncClient":
    """Open a client; what it may take is what ``httpx.AsyncClient`` takes. It reads certificates, and so blocks."""
    import httpx  # noqa: PLC0415 -- deferred: it comes with the SDKs that need it

    class RetryingClient(httpx.AsyncClient):
        async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
            for waited in range(RETRIES):
                seconds = FIRST_SECONDS * 2**waited * (1 - random() / 4)  # noqa: S311 -- keeps callers apart, no secret
                try:
                    response = await super().send(request, **how)
                except httpx.TransportError:
                    await asyncio.sleep(seconds)
                    continue
                if not (response.status_code in AGAIN or response.status_code >= SERVER_FAULT):
                    return response
                await response.aread()
                seconds = next(chain(wishes_in(response.headers), _told_in(response.content)), seconds)
                if seconds > LONGEST_SECONDS:
                    return response
                await asyncio.sleep(seconds)
            return await super().send(request, **how)

    ours: dict[str, Any] = {
        "event_hooks": {"request": [note_request], "response": [note_response]},
        "timeout": None,  # bounds are ours: wider than a read's
        "follow_redirects": False,  # a redirected request would take the key along to another host
    }
    return RetryingClient(**options | ours)


def wishes_in(headers: Mapping[str, str]) -> Iterator[float]:
    """Give the seconds that a provider asks for in a header, if it does."""
    milliseconds, header = (headers.get(name, "").strip() for name in ("retry-after-ms", "retry-after"))
    if _is_number(milliseconds):
        yield float(milliseconds) / 1000
    elif _is_number(header):
        yield float(header)
    elif header:
        try:
            until = parsedate_to_datetime(header)
        except ValueError:
            return
        yield max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _told_in(body: bytes) -> Iterator[float]:
    """Read Google's wish: ``error.details`` has a RetryInfo with a ``retryDelay`` like ``12s``."""
    try:
        told: Any = json.loads(body)
        details: list[Any] = told["error"]["details"]
        delays = [str(each["retryDelay"]).removesuffix("s") for each in details if each["@type"] == RETRY_INFO]
    except (ValueError, KeyError, TypeError):
        return
    yield from (float(delay) for delay in delays if _is_number(delay))


def _is_number(word: str) -> bool:
    return word.isascii() and word.replace(".", "", 1).isdigit()
