"""The page itself: one document, and the styles and scripts beside it, all of them ours. It holds nobody's data.

Which files there are is a fixed list: no part of an address ever names a path.
"""

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from pages.answers import GUARDING, refused

FOLDER = Path(__file__).parent / "static"
DOCUMENT = "index.html"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FILES = (
    "page.css",
    "steps.css",
    "start.js",
    "address.js",
    "analysis.js",
    "asking.js",
    "chart.js",
    "comparison.js",
    "elements.js",
    "figures.js",
    "heading.js",
    "learned.js",
    "live.js",
    "session.js",
    "sessions.js",
    "settling.js",
    "step.js",
    "theme.js",
    "words.js",
    "icon.svg",
)
NOT_FOUND, UNCHANGED = 404, 304


@dataclass(slots=True)
class Files:
    """Serves them to whoever passes the checks of host and origin; read once, on first use."""

    _held: dict[str, bytes] = field(default_factory=dict[str, bytes])

    async def document(self, request: Request) -> Response:
        """Give the page."""
        return await self._give(request, DOCUMENT)

    async def file(self, request: Request) -> Response:
        """Give a file of the list."""
        name = request.path_params["name"]
        if name not in FILES:
            return refused(NOT_FOUND, "unknown_file", "There is no such file.")
        return await self._give(request, name)

    async def _give(self, request: Request, name: str) -> Response:
        if name not in self._held:
            self._held[name] = await asyncio.to_thread((FOLDER / name).read_bytes)
        held = self._held[name]
        # Asked for anew each time and mostly not sent: after an update no old script meets a new page.
        headers = {**GUARDING, "Cache-Control": "no-cache", "ETag": f'"{sha256(held).hexdigest()[:32]}"'}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=UNCHANGED, headers=headers)
        return Response(held, headers=headers, media_type=KINDS[Path(name).suffix])
