"""Sharing as a tool: who is in a session, inviting, accepting, taking back. There only where callers are told apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastmcp import FastMCP
from fastmcp.tools import ToolResult
from mcp_types import ToolAnnotations
from pydantic import BeforeValidator, Field

from companions.errors import InputError
from sessions.grant_store import Invitation, Participant, Role
from sessions.principals import shown
from sessions.sharing import Company, Sharing
from tools.arguments import empty_is_none
from tools.replies import next_line, told

Body = dict[str, Any]
MOST_HOURS = 720
SHARES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
RIGHTS = {"reader": "read it", "author": "read it and work on it"}

Given = Annotated[str | None, BeforeValidator(empty_is_none)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingTool:
    """What the tool is made with.

    Attributes:
        owner: Gives the principal of the present request.
    """

    sharing: Sharing
    owner: Callable[[], str]

    def register(self, mcp: FastMCP) -> None:
        """Add the tool to a server."""
        mcp.tool(self.share_session, output_schema=None, annotations=SHARES)

    async def share_session(
        self,
        session_id: Given = None,
        role: Annotated[Role | None, BeforeValidator(empty_is_none), Field(description="Invite somebody as")] = None,
        person: Annotated[Given, Field(description="Only this subject may accept; default: who has the code")] = None,
        hours: Annotated[int, Field(ge=1, le=MOST_HOURS)] = 72,
        invitation: Annotated[Given, Field(description="A code, to accept")] = None,
        remove: Annotated[Given, Field(description="A participant or invitation to take back")] = None,
    ) -> ToolResult:
        """Share a session: tells who takes part, invites, accepts, takes back."""
        if sum(given is not None for given in (role, invitation, remove)) > 1:
            raise InputError("role, invitation and remove are three things to do.", "Give one of them.")
        if person is not None and role is None:
            raise InputError("A person is named to be invited.", "Give role too: reader or author.")
        if invitation is not None:
            return await self._accept(invitation)
        if session_id is None:
            raise InputError("The session_id is missing.", await self.sharing.sessions.newest(self.owner()))
        if role is not None:
            return await self._invite(session_id, role, person, hours)
        return await (self._company(session_id) if remove is None else self._take_back(session_id, remove))

    async def _invite(self, session_id: str, role: Role, person: str | None, hours: int) -> ToolResult:
        made = await self.sharing.invite(self.owner(), session_id, role, person=person, hours=hours)
        expires_at = _moment(made.invitation.expires_at)
        whom = "Whoever has this code" if person is None else f"{person}, and nobody else,"
        tell = f"Call share_session with invitation={made.code!r} before {expires_at}."
        body: Body = {
            "session_id": session_id,
            "invitation": made.code,
            "name": made.invitation.name,
            "role": role,
            "person": person,
            "expires_at": expires_at,
            "tell": tell,
            "next": _nothing("Give the other person the code; it is shown only now."),
        }
        prose = (
            f"{whom} can take part in session {session_id} as {role} until {expires_at}: {made.code}\n"
            f"It is called {made.invitation.name} and is shown only now. Tell them: {tell}\n{next_line(body['next'])}"
        )
        return told(body, prose)

    async def _accept(self, code: str) -> ToolResult:
        joined = await self.sharing.accept(self.owner(), code)
        session_id, title = joined.session.session_id, joined.session.label.title
        coming = {"tool": "show_thinking", "arguments": {"session_id": session_id}, "why": "It shows what stands."}
        body: Body = {
            "session_id": session_id,
            "role": joined.role,
            "title": title,
            "owner": shown(joined.session.place.owner, self.owner()),
            "already_done": joined.already or None,
            "next": coming,
        }
        prose = (
            f"{'You took part before: session' if joined.already else 'Session'} {session_id} "
            f"({title or 'untitled'}) of {body['owner']} is shared with you as {joined.role}: you may "
            f"{RIGHTS[joined.role]}.\n{next_line(coming)}"
        )
        return told(body, prose)

    async def _company(self, session_id: str) -> ToolResult:
        company, caller = await self.sharing.company(self.owner(), session_id), self.owner()
        body: Body = {
            "session_id": session_id,
            **_company(company, caller),
            "next": _nothing("Role invites, remove takes back."),
        }
        lines = [f"Session {session_id} belongs to {body['owner']}."]
        lines += [f"{each['name']}: {each['role']} since {each['since']}" for each in body["participants"]]
        lines += [
            f"invitation {each['name']}: {each['role']}, for {each.get('person', 'whoever has the code')}, "
            f"until {each['expires_at']}"
            for each in body["invitations"]
        ]
        lines += [] if body["participants"] or body["invitations"] else ["It is shared with nobody."]
        return told(body, "\n".join([*lines, next_line(body["next"])]))

    async def _take_back(self, session_id: str, name: str) -> ToolResult:
        caller = self.owner()
        gone = await self.sharing.take_back(caller, session_id, name)
        if isinstance(gone, Invitation):
            what, said = "invitation", f"Invitation {gone.name} of session {session_id} is taken back."
        elif gone.principal == caller:
            what, said = "participant", f"You take part in session {session_id} no more."
        else:
            what, said = "participant", f"{shown(gone.principal, caller)} takes part in session {session_id} no more."
        body: Body = {
            "session_id": session_id,
            "removed": {"what": what, "name": name},
            "next": _nothing("It holds from now on."),
        }
        return told(body, f"{said}\n{next_line(body['next'])}")


def _company(company: Company, caller: str) -> Body:
    return {
        "owner": shown(company.owner, caller),
        "participants": _participants(company.grants.participants, caller),
        "invitations": _invitations(company.grants.invitations, caller),
    }


def _participants(found: Sequence[Participant], caller: str) -> list[Body]:
    return [{"name": shown(part.principal, caller), "role": part.role, "since": _moment(part.since)} for part in found]


def _invitations(found: Sequence[Invitation], caller: str) -> list[Body]:
    return [
        {"name": each.name, "role": each.role}
        | ({} if each.person is None else {"person": shown(each.person, caller)})
        | {"since": _moment(each.invited_at), "expires_at": _moment(each.expires_at)}
        for each in found
    ]


def _nothing(why: str) -> Body:
    return {"tool": None, "arguments": {}, "why": why}


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="minutes")
