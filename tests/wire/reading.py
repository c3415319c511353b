"""Reads what a server shows, page by page until the end, as a caller would that follows ``more`` and ``next_offset``.

It puts pages together and judges nothing.
"""

import json
from dataclasses import dataclass
from typing import Any

from tests.wire.processes import Connection

JSON = dict[str, Any]
PAGES = 30
"""Pages after which a part is taken for endless."""
LONG = 10_000
"""Characters of a text that may have been cut."""
KEYS = {"latest_critique": "critique", "penultimate_revision": "revision"}


async def show(client: Connection, session_id: str, part: str, **more: Any) -> JSON:
    """Call ``show_thinking`` once."""
    given = {"session_id": session_id, "part": part} | more
    result = await client.call_tool("show_thinking", given)
    return result.structured_content or {}


async def part(client: Connection, session_id: str, part: str, **more: Any) -> JSON:
    """Give a part with its one long text read to the end."""
    body = await show(client, session_id, part, **more)
    key, page = KEYS.get(part, "text"), body
    for _ in range(PAGES):
        if "more" not in page or key not in page:
            return body
        page = await show(client, session_id, **{**more, **named(page["more"])})
        body[key] += page[key]
    raise AssertionError(f"{part} has no end after {PAGES} pages")


def named(more: JSON) -> JSON:
    """Give the arguments that a reply's ``more`` names, without those that are null."""
    return {name: value for name, value in more.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as the run_log shows it.

    Attributes:
        text: All of it, or its beginning.
        after: What the transcript goes on with where the text was cut; it goes on behind the text's end.
    """

    text: str
    after: str = ""

    def is_all_of(self, text: str) -> bool:
        """Tell whether a text is shown from its first byte to its last."""
        return self.text == text if not self.after else f"{self.text}{self.after}".startswith(text)


async def run_log(client: Connection, session_id: str) -> dict[str, list[Shown]]:
    """Give the texts of a session's one slot, by step, from all pages of its run_log."""
    shown: dict[str, list[Shown]] = {"draft": [], "critique": [], "revision": []}
    offset: int | None = 0
    while offset is not None:
        page = await show(client, session_id, "run_log", offset=offset)
        after = (await part(client, session_id, **named(page["more"])))["text"] if "more" in page else ""
        for slot in page["run_log"]:
            for step, texts in shown.items():
                values = [slot[step]] if isinstance(slot[step], str) else slot[step]
                texts += [Shown(value, after if len(value) > LONG else "") for value in values if value]
        offset = page.get("next_offset")
    return shown


async def resource(client: Connection, uri: str) -> JSON:
    """Read a resource of JSON."""
    (content,) = await client.read_resource(uri)
    return json.loads(content.text)
