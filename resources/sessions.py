"""Sessions and their companions as resources. The bodies are ``sessions.reading``'s; here they get their URIs."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from fastmcp import FastMCP
from fastmcp.resources import ResourceContent, ResourceResult
from mcp_types import Annotations

from companions.companion_types import CompanionType, Library
from companions.errors import InputError
from sessions.attached import find
from sessions.convergence_picture import convergence_svg
from sessions.reading import Part, Reading

JSON = "application/json"
MARKDOWN = "text/markdown"
SVG = "image/svg+xml"
BYTES = "application/octet-stream"
COMPANION = "resource://sessions/{session_id}/{companion_type}"
MOST_DIGITS = 18
NEWEST = 20
"""Sessions that the list of sessions and the listing of resources hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResources:
    """The resource templates.

    Attributes:
        owner: Gives the principal of the present request.
        library: Gives the companion types as their files are now.
    """

    reading: Reading
    owner: Callable[[], str]
    library: Callable[[], Awaitable[Library]]

    def register(self, mcp: FastMCP) -> None:
        """Add the resources to a server."""
        self._add(mcp, "resource://sessions", self.sessions, JSON)
        self._add(mcp, "resource://sessions/{session_id}", self.session, JSON)
        self._add_paged(mcp, "resource://sessions/{session_id}/workflows", self.workflows, JSON)
        self._add_paged(mcp, COMPANION + "/run_log", self.run_log, JSON)
        self._add_paged(mcp, COMPANION + "/run_log/{slot}", self.run_log_slot, JSON)
        self._add(mcp, COMPANION + "/history", self.history, JSON)
        self._add(mcp, COMPANION + "/phase", self.phase, JSON)
        self._add(mcp, COMPANION + "/latest_critique", self.latest_critique, JSON)
        self._add(mcp, COMPANION + "/penultimate_revision", self.penultimate_revision, JSON)
        self._add_paged(mcp, COMPANION + "/convergence_analysis", self.convergence_analysis, JSON)
        self._add(mcp, COMPANION + "/convergence.svg", self.convergence_picture, SVG)
        self._add_paged(mcp, COMPANION + "/answer", self.answer, MARKDOWN)
        self._add_paged(mcp, COMPANION + "/transcript", self.transcript, MARKDOWN)
        self._add(mcp, "resource://sessions/{session_id}/attachments/{sha256}", self.attachment, BYTES)
        self._add(mcp, "resource://companions", self.companions, JSON)
        self._add(mcp, "resource://companions/{companion_type}", self.companion, JSON)

    async def sessions(self) -> ResourceResult:
        """Your newest sessions."""
        return _json(await self.reading.listing(self.owner(), limit=NEWEST))

    async def session(self, session_id: str) -> ResourceResult:
        """One session: its companions, phases, versions and usage."""
        return _json(await self.reading.overview(self.owner(), session_id))

    async def workflows(self, session_id: str, offset: str = "0") -> ResourceResult:
        """The session's loops and consultations, newest first: who takes part, how far each is, time and tokens."""
        return await self._part(session_id, None, "workflows", offset=offset)

    async def run_log(self, session_id: str, companion_type: str, offset: str = "0") -> ResourceResult:
        """Every query with its draft, critiques and revisions, in pages."""
        return await self._part(session_id, companion_type, "run_log", offset=offset)

    async def run_log_slot(self, session_id: str, companion_type: str, slot: str, offset: str = "0") -> ResourceResult:
        """One query with its draft, critiques and revisions."""
        return await self._part(session_id, companion_type, "run_log", slot=_number("slot", slot), offset=offset)

    async def history(self, session_id: str, companion_type: str) -> ResourceResult:
        """The newest queries and answers as messages."""
        return _json(await self.reading.history(self.owner(), session_id, companion_type))

    async def phase(self, session_id: str, companion_type: str) -> ResourceResult:
        """Where the thinking stands and what comes next."""
        return await self._part(session_id, companion_type, "phase")

    async def latest_critique(self, session_id: str, companion_type: str) -> ResourceResult:
        """The newest critique."""
        return await self._part(session_id, companion_type, "latest_critique")

    async def penultimate_revision(self, session_id: str, companion_type: str) -> ResourceResult:
        """The revision before the newest one."""
        return await self._part(session_id, companion_type, "penultimate_revision")

    async def convergence_analysis(self, session_id: str, companion_type: str, offset: str = "0") -> ResourceResult:
        """Measured similarities of neighbouring versions, and why the loop ended."""
        return await self._part(session_id, companion_type, "convergence_analysis", offset=offset)

    async def convergence_picture(self, session_id: str, companion_type: str) -> ResourceResult:
        """The same as a picture, of the newest hundred revisions."""
        body = await self.reading.newest_convergence(self.owner(), session_id, companion_type)
        return ResourceResult(contents=[ResourceContent(convergence_svg(body), mime_type=SVG)])

    async def answer(self, session_id: str, companion_type: str, offset: str = "0") -> ResourceResult:
        """The version that was picked as the answer, else the one that stands."""
        return await self._markdown(session_id, companion_type, "answer", offset)

    async def transcript(self, session_id: str, companion_type: str, offset: str = "0") -> ResourceResult:
        """The whole thinking."""
        return await self._markdown(session_id, companion_type, "transcript", offset)

    async def attachment(self, session_id: str, sha256: str) -> ResourceResult:
        """A file that is attached to a query, by its SHA-256; its own type comes with it."""
        found = await find(self.reading.calls.desk.sessions, self.owner(), session_id, sha256)
        return ResourceResult(contents=[ResourceContent(found.data, mime_type=found.mime_type)])

    async def companions(self) -> ResourceResult:
        """The companion types, and the files that could not be read."""
        library = await self.library()
        return _json(
            {
                "companions": [_described(companion) for companion in library.types],
                "problems": [
                    {"file": problem.file, "line": problem.line, "what": problem.what} for problem in library.problems
                ],
            }
        )

    async def companion(self, companion_type: str) -> ResourceResult:
        """One companion type with its instructions."""
        chosen = (await self.library()).get(companion_type)
        return _json(
            _described(chosen) | {"draft": chosen.draft, "critique": chosen.critique, "revision": chosen.revision}
        )

    async def _part(
        self, session_id: str, companion_type: str | None, part: Part, *, slot: int | None = None, offset: str = "0"
    ) -> ResourceResult:
        place = _number("offset", offset)
        return _json(await self.reading.part(self.owner(), session_id, companion_type, part, slot=slot, offset=place))

    async def _markdown(self, session_id: str, companion_type: str, part: Part, offset: str) -> ResourceResult:
        place = _number("offset", offset)
        body = await self.reading.part(self.owner(), session_id, companion_type, part, offset=place)
        meta = {name: value for name, value in body.items() if name != "text" and value is not None}
        return ResourceResult(contents=[ResourceContent(body["text"], mime_type=MARKDOWN, meta=meta)])

    def _add_paged(self, mcp: FastMCP, uri: str, read: Callable[..., Any], mime_type: str) -> None:
        """Add a resource under its plain URI, which clients compare, and under one that takes a page's offset."""
        self._add(mcp, uri + "{?offset}", read, mime_type)
        self._add(mcp, uri, read, mime_type)

    def _add(self, mcp: FastMCP, uri: str, read: Callable[..., Any], mime_type: str) -> None:
        mcp.resource(uri, mime_type=mime_type, annotations=Annotations(audience=["user", "assistant"]))(read)


def _number(name: str, given: str) -> int:
    """Read a number that stands in a URI; as text until here, since a misfit must be told in our words."""
    if not (given.isascii() and given.isdecimal() and len(given) <= MOST_DIGITS):
        raise InputError(f"The {name} must be a whole number from 0 on.", "Take it from the page before.")
    return int(given)


def _json(body: dict[str, Any]) -> ResourceResult:
    """Give a body as JSON that is not escaped: people read it too."""
    return ResourceResult(contents=[ResourceContent(json.dumps(body, ensure_ascii=False), mime_type=JSON)])


def _described(companion: CompanionType) -> dict[str, Any]:
    return {
        "name": companion.name,
        "description": companion.description,
        "similarity_threshold": companion.similarity_threshold,
        "max_iterations": companion.max_iterations,
        "temperature": companion.temperature,
        "model": companion.model,
        "clear_history": companion.clear_history,
        "sees_session": companion.sees_session,
        "native_session": companion.native_session,
        "checks": companion.checks,
        "critics": [asdict(critic) for critic in companion.critics],
        "critic_tools": [*companion.critic_tools],
        "origin": companion.origin,
    }
