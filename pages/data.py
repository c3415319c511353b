"""The page's data: an address for each body, for the owner whom a request shows itself to be.

Bodies are made in ``sessions``, whoever reads them. Every answer here is behind the same question of who asks.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from companions.errors import CompanionsError, InputError
from pages import answers
from pages.changes import Changes
from sessions.inspecting import Inspecting, Text, is_place, is_slot
from sessions.reading import Reading

Body = dict[str, Any]
Access = Callable[[Request], str | None]
"""Gives the owner of a request that may read; ``None`` where it shows nobody. ``ScopeError`` refuses somebody."""
Give = Callable[[str, Request], Awaitable[object]]

LISTED, MOST_LISTED = 40, 400
"""Sessions of one page, and how many of the first may be read again at once."""
DEEPEST = 100_000
LONGEST_SEARCH = 500
MOST_DIGITS = 18
WAITS = 64
"""How many of one owner's requests may wait for changes; each is an open page."""
OWN_FETCH = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Answers the page's requests.

    Attributes:
        access: Says whose data a request may see.
        at_once: How many reads one owner may have under way.
    """

    reading: Reading
    inspecting: Inspecting
    changes: Changes
    access: Access
    at_once: int
    _reads: Counter[str] = field(default_factory=Counter[str])
    _waits: Counter[str] = field(default_factory=Counter[str])

    def routes(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        """Give what answers each address."""
        companion = "/data/sessions/{session_id}/{companion_type}"
        reads: dict[str, Give] = {
            "/data/sessions": self._listing,
            "/data/sessions/{session_id}": self._overview,
            f"{companion}/steps": self._steps,
            f"{companion}/queries": self._queries,
            f"{companion}/entries/{{seq}}": self._entry,
            f"{companion}/versions": self._versions,
            f"{companion}/convergence": self._convergence,
            "/data/patterns/{companion_type}": self._patterns,
            "/data/companions": self._companions,
        }
        waits: dict[str, Give] = {
            "/data/changes": self._list_changes,
            "/data/changes/{session_id}": self._session_changes,
        }
        found = {path: self._answering(give, self._reads, self.at_once) for path, give in reads.items()}
        return found | {path: self._answering(give, self._waits, WAITS) for path, give in waits.items()}

    def _answering(self, give: Give, under_way: Counter[str], most: int) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            # A page of another origin on this machine is no page of ours, whatever the rules for MCP's clients are.
            if request.headers.get("sec-fetch-site", "none") not in OWN_FETCH:
                return answers.refused(403, "foreign_page", "Only the server's own page may ask for this.")
            try:
                owner = self.access(request)
            except CompanionsError as error:
                return answers.failed(error)
            if owner is None:
                return answers.unauthenticated()
            if under_way[owner] >= most:
                return answers.refused(answers.TOO_MANY, "too_many", "Too many of your requests are under way.")
            with _counted(under_way, owner):
                try:
                    return answers.data(await give(owner, request))
                except Exception as error:  # noqa: BLE001 (no library's text may reach a page)
                    return answers.failed(error)

        return answer

    async def _listing(self, owner: str, request: Request) -> Body:
        search = request.query_params.get("search", "")[:LONGEST_SEARCH]
        offset = min(_number(request, "offset") or 0, DEEPEST)
        most = min(max(1, _number(request, "limit") or LISTED), MOST_LISTED)
        body = await self.reading.listing(owner, search=search or None, limit=most + 1, offset=offset)
        more = len(body["sessions"]) > most and offset < DEEPEST
        shown = body["sessions"][:most]
        return body | {"sessions": shown, "next_offset": offset + most if more else None}

    async def _overview(self, owner: str, request: Request) -> Body:
        session_id = request.path_params["session_id"]
        return await self.reading.overview(owner, session_id) | await self.inspecting.forks(owner, session_id)

    async def _steps(self, owner: str, request: Request) -> Body:
        slot, before, after = _slot(request, "slot"), _number(request, "before"), _number(request, "after")
        return await self.inspecting.steps(owner, **_companion(request), slot=slot, before=before, after=after)

    async def _queries(self, owner: str, request: Request) -> Body:
        return await self.inspecting.queries(owner, **_companion(request), before=_number(request, "before"))

    async def _entry(self, owner: str, request: Request) -> Body:
        text: Text = "evidence" if request.query_params.get("text") == "evidence" else "text"
        seq = _whole(request.path_params["seq"])
        offset = _number(request, "offset") or 0
        return await self.inspecting.entry(owner, **_companion(request), seq=seq, text=text, offset=offset)

    async def _versions(self, owner: str, request: Request) -> Body:
        before, after = _slot(request, "before") or 0, _slot(request, "after") or 0
        slot, offset = _slot(request, "slot"), _number(request, "offset") or 0
        return await self.inspecting.versions(
            owner, **_companion(request), slot=slot, before=before, after=after, offset=offset
        )

    async def _convergence(self, owner: str, request: Request) -> Body:
        slot, offset = _slot(request, "slot"), _number(request, "offset") or 0
        return await self.reading.part(
            owner, **_companion(request), part="convergence_analysis", slot=slot, offset=offset
        )

    async def _patterns(self, _: str, request: Request) -> Body:
        return await self.reading.patterns(request.path_params["companion_type"])

    async def _companions(self, _owner: str, _request: Request) -> Body:
        library = await self.reading.calls.desk.sessions.read_library()
        return {"companions": [{"name": kind.name, "description": kind.description} for kind in library.types]}

    async def _list_changes(self, owner: str, request: Request) -> Body:
        seen = request.query_params.get("seen", "")
        return {"seen": await self.changes.of_list(owner, seen, partial(_gone, request))}

    async def _session_changes(self, owner: str, request: Request) -> Body:
        seen = _number(request, "seen") or 0
        return {
            "seen": await self.changes.of_session(
                owner, request.path_params["session_id"], seen, partial(_gone, request)
            )
        }


def _companion(request: Request) -> dict[str, str]:
    return {name: request.path_params[name] for name in ("session_id", "companion_type")}


def _number(request: Request, name: str) -> int | None:
    given = request.query_params.get(name)
    return None if given is None else _whole(given)


def _slot(request: Request, name: str) -> int | None:
    number = _number(request, name)
    if number is not None and not is_slot(number):
        raise InputError("There is no such slot or version.", "Take one that the page shows.")
    return number


def _whole(given: str) -> int:
    if not (given.isascii() and given.isdecimal() and len(given) <= MOST_DIGITS and is_place(int(given))):
        raise InputError("A number in the address is none.", "Take an address that the page makes.")
    return int(given)


async def _gone(request: Request) -> None:
    """End when whoever asked has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@contextmanager
def _counted(under_way: Counter[str], owner: str) -> Generator[None]:
    under_way[owner] += 1
    try:
        yield
    finally:
        under_way[owner] -= 1
        if not under_way[owner]:
            del under_way[owner]
