"""What a critic may look up by calling a tool: its companion's checks, an attachment, sessions, an earlier version.

Each reads within its bounds and changes nothing. Which of them a critic has is said by its companion's file, how often
it may call them by ``companions.tool_use``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from companions import checks
from companions.companion import Companion
from companions.errors import InputError
from companions.models import Task
from companions.requests import Plan
from companions.tool_calls import Tool, ToolCall, ToolResult
from sessions import searching
from sessions.attached import attached
from sessions.listing import Listed, listing
from sessions.session import Session
from sessions.sessions import Sessions
from sessions.slots import version_at
from sessions.watching import Watcher

SECONDS = 10.0
"""How long one call may take."""
PIECE = 7_500
"""Characters of a text that one call gives; an offset reads on."""
HITS = 5
TITLE = 120

Given = TypeVar("Given", bound="_Arguments")


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _None(_Arguments):
    pass


class _Attachment(_Arguments):
    name: str = Field(min_length=1, max_length=200, description="As the material names it")
    offset: int = Field(default=0, ge=0, le=10_000_000, description="Characters to leave out at its beginning")


class _Version(_Arguments):
    version: int = Field(ge=0, le=1_000_000, description="0 is the draft, k the k-th revision")
    offset: int = Field(default=0, ge=0, le=10_000_000, description="Characters to leave out at its beginning")


class _Words(_Arguments):
    words: str = Field(min_length=1, max_length=200, description="Words that a session must hold, in any order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a critique is written, and for whom.

    Attributes:
        principal: Who asked for it: theirs are the sessions that can be searched. ``None`` is the session's owner.
    """

    sessions: Sessions
    session: Session
    companion: Companion
    principal: str | None
    watcher: Watcher


def with_tools(work: Task, found: Plan, place: Place) -> Task:
    """Give a critique's task with the tools that its companion's file allows; any other's as it is."""
    names = found.configuration.critic_tools if found.step == "critique" and found.mode == "server" else ()
    kit = _Kit(place, found)
    return replace(work, tools=tuple(kit.tool(name) for name in names if name in kit.known))


@dataclass(frozen=True, slots=True)
class _Kit:
    """The tools for one critique."""

    place: Place
    found: Plan

    @property
    def known(self) -> Mapping[str, tuple[str, type[_Arguments], Callable[[Any], Awaitable[ToolResult]]]]:
        """By name, what each is for, what it takes and what it does; a file may name one that is no more."""
        return {
            "run_checks": ("Hold the newest text to the checks of its companion.", _None, self._run_checks),
            "read_attachment": ("Read a text that is attached to the query.", _Attachment, self._read_attachment),
            "search_sessions": ("Search the person's own other sessions for words.", _Words, self._search_sessions),
            "read_version": ("Read an earlier version of the text.", _Version, self._read_version),
        }

    def tool(self, name: str) -> Tool:
        description, arguments, act = self.known[name]

        async def use(call: ToolCall) -> ToolResult:
            with self.place.watcher.using(call) as tell:
                result = await _bounded(arguments, act, call)
                tell(result)
                return result

        return Tool(name=name, description=description, parameters=_schema(arguments), use=use)

    async def _run_checks(self, _: _None) -> ToolResult:
        wanted, base = self.found.configuration.checks, self.found.base
        if not wanted or base is None:
            return ToolResult(text="This companion has no checks.")
        failing = await asyncio.to_thread(checks.failing, wanted, base.text)
        told = checks.told(failing)
        return ToolResult(text=f"It fails {told}." if told else f"It passes all checks: {', '.join(wanted)}.")

    async def _read_attachment(self, given: _Attachment) -> ToolResult:
        slot = self.place.companion.slot
        files = () if slot is None else await attached(self.place.session, slot.query)
        texts = {each.name: each for each in files if each.kind == "text"}
        if given.name not in texts:
            names = ", ".join(texts) or "none"
            return ToolResult(text=f"No text of that name is attached; attached texts: {names}.", failed=True)
        return _piece(texts[given.name].text, given.offset)

    async def _read_version(self, given: _Version) -> ToolResult:
        place, slot = self.place, self.place.companion.slot
        if slot is None or slot.draft is None:
            return ToolResult(text="There is no version yet.", failed=True)
        version = await version_at(place.session, place.companion, slot.number, given.version)
        if version is None or given.version > slot.revisions:
            return ToolResult(text=f"There is no such version; they are 0 to {slot.revisions}.", failed=True)
        return _piece(version.text, given.offset)

    async def _search_sessions(self, given: _Words) -> ToolResult:
        """Search as ``list_sessions`` does, in own sessions; the entry keeps which were found and not their texts.

        Not from a session that others take part in: a text of theirs could ask for it to be quoted to them. Nor in
        one that others share: the critique that quotes it stays when the share ends, and can be shared further.
        """
        place, own = self.place, self.place.session.session_id
        grants = await place.sessions.store.grants.of(own)
        if grants.participants or grants.invitations:
            return ToolResult(text="This session is shared, so no other sessions are searched from it.", failed=True)
        principal = place.principal or place.session.place.owner
        if place.sessions.sealed:
            listed = await listing(place.sessions, principal, search=given.words, limit=HITS + 1, own_only=True)
            hits, whole = tuple(searching.Hit(each) for each in listed), True
        else:
            found = await searching.search(place.sessions, principal, given.words, HITS + 1, own_only=True)
            hits, whole = found.hits, found.whole
        others = [hit for hit in hits if _id(hit.listed) != own][:HITS]
        kept = f"Sessions found: {', '.join(_id(hit.listed) for hit in others) or 'none'}."
        lines = [_line(hit) for hit in others] or ["No other session has all of these words."]
        lines += [] if whole else ["Not all texts could be read in time."]
        return ToolResult(text="\n\n".join(lines), kept=kept)


async def _bounded(arguments: type[Given], act: Callable[[Given], Awaitable[ToolResult]], call: ToolCall) -> ToolResult:
    """Carry a call out within its time, if it can be understood."""
    try:
        # Some models send nothing at all where there are no arguments.
        given = arguments.model_validate({} if call.arguments is None and arguments is _None else call.arguments)
    except ValidationError:
        takes = "; ".join(f"{name}: {field.description}" for name, field in arguments.model_fields.items())
        return ToolResult(text=f"These arguments cannot be used. It takes {takes or 'none'}.", failed=True)
    try:
        async with asyncio.timeout(SECONDS):
            return await act(given)
    except TimeoutError:
        return ToolResult(text=f"It took longer than {SECONDS:g} seconds.", failed=True)


def _schema(arguments: type[_Arguments]) -> Mapping[str, Any]:
    """Give the JSON Schema of arguments without what says their names once more."""
    schema = arguments.model_json_schema()
    fields: dict[str, Any] = schema["properties"]
    given = {name: {key: value for key, value in field.items() if key != "title"} for name, field in fields.items()}
    return {"type": "object", "properties": given, "required": schema.get("required", [])}


def _piece(text: str, offset: int) -> ToolResult:
    if offset and offset >= len(text):
        raise InputError(f"It has {len(text):,} characters.", "Read from a smaller offset.")
    end = offset + PIECE
    rest = f"\n[It goes on at offset {end}; it has {len(text):,} characters.]" if end < len(text) else ""
    return ToolResult(text=text[offset:end] + rest)


def _id(listed: Listed) -> str:
    return listed.head.opening.session_id


def _line(hit: searching.Hit) -> str:
    known, found = hit.listed.head.projection, hit.excerpt
    title = "" if known is None else known.title[:TITLE]
    preview = "" if known is None else known.preview
    if found is None:
        return f"{_id(hit.listed)}  {title}\n{preview}"
    where = f"{found.kind} of {found.companion_type}{', corrected since' if found.corrected else ''}: {found.text}"
    return f"{_id(hit.listed)}  {title}\n{where}"
