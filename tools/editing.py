"""Editing a companion's history as a tool; what it comes to is ``sessions.editing``'s work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastmcp import FastMCP
from fastmcp.tools import ToolResult
from mcp_types import ToolAnnotations
from pydantic import Field

from companions.errors import InputError
from sessions import editing
from sessions.calls import Calls
from sessions.editing import Edited, Wish
from tools.arguments import SessionId
from tools.replies import told

EDITS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

Edit = Literal["query", "answer", "leave_out", "put_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditingTool:
    """What the tool is made with.

    Attributes:
        owner: Gives the principal of the present request.
        text_limit: The most bytes of one text.
    """

    calls: Calls
    owner: Callable[[], str]
    text_limit: int

    def register(self, mcp: FastMCP) -> None:
        """Add the tool to a server."""
        mcp.tool(self.edit_history, output_schema=None, annotations=EDITS)

    async def edit_history(
        self,
        session_id: SessionId,
        slot: Annotated[int, Field(ge=0)],
        edit: Edit,
        text: Annotated[str, Field(description="The corrected query or answer")] = "",
        companion_type: str = "",
    ) -> ToolResult:
        """Correct a slot's query or answer, or hide the slot from later drafts. Nothing is lost."""
        wish = self._wish(slot, edit, text)
        edited = await editing.edit(self.calls, self.owner(), session_id, companion_type or None, wish)
        return told(_body(edited), _prose(edited))

    def _wish(self, slot: int, edit: Edit, text: str) -> Wish:
        if edit == "query":
            return Wish(slot=slot, query=text, text_limit=self.text_limit)
        if edit == "answer":
            return Wish(slot=slot, answer=text, text_limit=self.text_limit)
        if text:
            raise InputError(f"{edit} takes no text.", "Leave text out, or correct the query or the answer with it.")
        return Wish(slot=slot, left_out=edit == "leave_out")


def _body(edited: Edited) -> dict[str, Any]:
    body: dict[str, Any] = {
        "session_id": edited.session_id,
        "companion_type": edited.companion_type,
        "slot": edited.slot,
        "edited": [*edited.made],
        "answer_version": edited.version,
        "left_out": edited.left_out,
        "seq": edited.seq,
    }
    body |= {} if edited.made else {"already_done": True}
    return {name: value for name, value in body.items() if value is not None}


def _prose(edited: Edited) -> str:
    what = " and ".join(part for part in edited.made if part != "left_out")
    said = [f"The {what} of slot {edited.slot} {'are' if ' and ' in what else 'is'} corrected."] if what else []
    if "left_out" in edited.made:
        seen = "do not see it any more" if edited.left_out else "see it again"
        said.append(f"Later drafts of {edited.companion_type} {seen}.")
    if not edited.made:
        said = ["It was so already: nothing is recorded."]
    where = f"session_id {edited.session_id}, companion {edited.companion_type}, slot {edited.slot}"
    return f"{' '.join(said)} ({where})\nThe phase is the same; show_thinking, part history, tells what stands."
