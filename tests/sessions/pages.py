"""Reads parts of sessions to their end, as a client does: from page to page, by what each page says of the next."""

from typing import Any

from sessions.reading import Body, Part, Reading
from tests.sessions.faults import OWNER

MOST = 1_000
"""Pages after which a part is taken to have no end."""


async def pages(
    reading: Reading,
    session_id: str,
    part: Part,
    *,
    companion_type: str = "generic",
    slot: int | None = None,
    offset: int | None = 0,
) -> list[Body]:
    """Read a part to its end; every offset leads on."""
    read = list[Body]()
    while offset is not None:
        assert len(read) < MOST
        before = offset
        body = await reading.part(OWNER, session_id, companion_type, part, slot=slot, offset=offset)
        read.append(body)
        more: dict[str, int] = {"offset": body["next_offset"]} if "next_offset" in body else body.get("more") or {}
        offset = more.get("offset")
        assert offset is None or offset > before
    return read


async def rest_of_text(reading: Reading, session_id: str, more: dict[str, Any], length: int) -> str:
    """Read on where a shortened text says, as far as that text goes."""
    read = await pages(reading, session_id, more["part"], slot=more["slot"], offset=more["offset"])
    return "".join(page["text"] for page in read)[:length]


def merged(run_log: list[Body]) -> list[dict[str, Any]]:
    """Join the pages of a run_log: a slot that goes on says which number its arrays begin with."""
    slots: dict[int, dict[str, Any]] = {}
    for told in [slot for page in run_log for slot in page["run_log"]]:
        slot = slots.setdefault(
            told["slot"], {"query": "", "draft": "", "critique": [], "revision": [], "similarity": []}
        )
        for name in ("query", "draft"):
            slot[name] = told[name] or slot[name]
        for array, first in (("critique", "critique"), ("revision", "revision"), ("similarity", "revision")):
            if told.get(array):
                slot[array][told.get(f"first_{first}", 0) :] = told[array]
    return [slots[number] for number in sorted(slots)]
