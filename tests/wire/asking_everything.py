"""Every tool, resource, subscription, completion, prompt and listing of a server, asked once as one caller.

It says what came of each; what must come of it is the matrix's.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from fastmcp.exceptions import ToolError
from mcp import MCPError
from mcp.client.subscriptions import listen
from mcp_types import Prompt, PromptReference
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from tests.wire.processes import Connection

Outcome = Literal["yes", "unknown", "scope", "role"]
ATTACHED = "Ann has met the others before."
"""The text that is attached to the session's query."""
UNKNOWN = "There is no session"
LACKS = "lacks the scope"
ROLE = ("not work on it", "for its owner alone")
KIND = "generic"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "draft": {"query": "When?", "text": "This.", "companion_type": KIND},
    "critique": {"text": "Say when.", "companion_type": KIND},
    "revise": {"text": "This, on Friday.", "companion_type": KIND},
    "refine": {"stop": True, "companion_type": KIND},
    "consult": {"query": "What then?", "companion_types": ["marketing", "bug_triage"]},
    "show_thinking": {},
    "list_sessions": {},
    "edit_history": {"slot": 0, "edit": "leave_out", "companion_type": KIND},
    "fork_session": {},
    "share_session": {},
}
"""By tool, in an order in which each is possible, what it is called with beside the session."""
WATCHED = ("resource://sessions", "resource://sessions/{session_id}")
LAST = "forget_session"
WITHOUT_SESSION = {"list_sessions"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request came to.

    Attributes:
        text: The answer or the error, as text.
    """

    what: str
    outcome: Outcome
    text: str


async def ask_everything(client: Connection, session_id: str, names: "Names") -> AsyncGenerator[Asked]:
    """Ask for everything there is.

    Args:
        client: The caller's.
        session_id: Of the session that everything is asked of.
        names: All that the server has, as somebody who may see everything was told.
    """
    for tool in sorted({*names.tools} - {LAST}, key=list(ARGUMENTS).index):
        given = ARGUMENTS[tool] | ({} if tool in WITHOUT_SESSION else {"session_id": session_id})
        yield await _came_to(f"tool `{tool}`", client.call_tool(tool, given))
    inviting = client.call_tool("share_session", {"session_id": session_id, "role": "reader"})
    yield await _came_to("tool `share_session`, to invite", inviting)
    for uri in names.resources:
        filled = re.sub(r"\{\?.*\}", "", uri).format(
            session_id=session_id, companion_type=KIND, slot=0, sha256=sha256(ATTACHED.encode()).hexdigest()
        )
        yield await _came_to(f"`{uri}`", client.read_resource(filled))
    for prompt, given in names.prompts.items():
        filled = {name: session_id if name == "session_id" else "0" for name in given}
        yield await _came_to(f"prompt `{prompt}`", client.get_prompt(prompt, filled))
    for uri in WATCHED:
        watching, filled = _watching(client), uri.format(session_id=session_id)
        yield await _came_to(f"{watching.__name__.strip('_').replace('_', ' ')} `{uri}`", watching(client, filled))
    for argument in ("session_id", "companion_type"):
        completing = client.complete(PromptReference(name="continue_session"), {"name": argument, "value": ""})
        yield await _came_to(f"completion of `{argument}`", completing)
    for what in ("tools", "resources", "resource_templates", "prompts"):
        yield await _came_to(f"list of {what.replace('_', ' ')}", getattr(client, f"list_{what}")())
    yield await _came_to(f"tool `{LAST}`", client.call_tool(LAST, {"session_id": session_id}))


def _watching(client: Connection) -> Callable[[Connection, str], Awaitable[str]]:
    return _listen_to if client.session.protocol_version in MODERN_PROTOCOL_VERSIONS else _subscribe_to


async def _listen_to(client: Connection, uri: str) -> str:
    """Listen to a resource; one that there is not is left out of what the server agrees to."""
    async with listen(client.session, resource_subscriptions=[uri]) as stream:
        honored = stream.honored.resource_subscriptions or []
    if honored != [uri]:
        raise ToolError(f"{UNKNOWN} that {uri} belongs to.")
    return str(honored)


async def _subscribe_to(client: Connection, uri: str) -> str:
    return str(await client.session.subscribe_resource(uri))


async def _came_to(what: str, request: Any) -> Asked:
    try:
        return Asked(what, "yes", str(await request))
    except (ToolError, MCPError) as error:
        text = str(error)
    if LACKS in text:
        return Asked(what, "scope", text)
    if any(said in text for said in ROLE):
        return Asked(what, "role", text)
    assert UNKNOWN in text, f"{what}: {text}"
    return Asked(what, "unknown", text)


@dataclass(frozen=True, slots=True)
class Names:
    """All that a server has.

    Attributes:
        prompts: By name, the names of their arguments.
    """

    tools: tuple[str, ...]
    resources: tuple[str, ...]
    prompts: dict[str, list[str]]

    @classmethod
    async def of(cls, client: Connection) -> "Names":
        """Ask somebody's client, who has no session yet."""
        listed = [str(known.uri) for known in await client.list_resources()]
        templates = [known.uri_template for known in await client.list_resource_templates()]
        listing: list[Prompt] = await client.list_prompts()
        prompts = {known.name: [given.name for given in known.arguments or []] for known in listing}
        tools = tuple(sorted(tool.name for tool in await client.list_tools()))
        return cls(tools, tuple(sorted({*listed, *templates})), prompts)
