"""What critics looked up, as entries keep it, told to people: in a line, in Markdown, beside a text.

The words of calls and results are a model's and anybody's: where they stand in Markdown, nothing in them is marked up.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from companions.entries import Entry
from companions.tool_use import CALLS, WITHOUT
from sessions.cutting import cut

SHORT_BYTES = 200
"""Bytes of each result that are told where a page has no room for more."""

Told = Mapping[str, Any]


def looked_up(entry: Entry) -> list[dict[str, Any]]:
    """Give the calls of tools that an entry keeps, each with its ``critic`` where there are several."""
    return [
        {**call} | ({"critic": part["name"]} if "name" in part else {})
        for part in _parts(entry)
        for call in part.get(CALLS, ())
    ]


def in_a_line(entry: Entry) -> str | None:
    """Name the tools that were called, for a line of the timeline; ``None`` if there were none."""
    return ", ".join(dict.fromkeys(str(call["name"]) for call in looked_up(entry))) or None


def in_words(entry: Entry) -> Iterator[tuple[str, str]]:
    """Tell each call as a sentence of ours, and what was called with what came of it."""
    for call in looked_up(entry):
        whose = f"The critic {call['critic']}" if "critic" in call else "The critic"
        rest = f"\n[{call['left_out']:,} further characters were not kept]" if call.get("left_out") else ""
        said = f"{whose} looked this up{', in vain' if call.get('failed') else ''}:"
        yield said, f"{call['name']} {call['arguments']}\n\n{call['result']}{rest}"


def in_markdown(entry: Entry) -> list[str]:
    """Tell each call, and who was asked without tools, as paragraphs of Markdown."""
    return [*(f"{said}\n\n{_fenced(text)}" for said, text in in_words(entry)), *without(entry)]


def without(entry: Entry) -> list[str]:
    """Say which critics were asked without the tools that their file allows them."""
    told = [(part.get("name"), part[WITHOUT]) for part in _parts(entry) if WITHOUT in part]
    return [f"{why} The critic {f'{name} ' if name else ''}went on without." for name, why in told]


def shortened(entry: Entry) -> Entry:
    """Give an entry whose results are short."""
    if CALLS in entry.meta:
        return replace(entry, meta={**entry.meta, CALLS: _short(entry.meta[CALLS])})
    if "critics" not in entry.meta:
        return entry
    critics = [{**part, CALLS: _short(part[CALLS])} if CALLS in part else part for part in entry.meta["critics"]]
    return replace(entry, meta={**entry.meta, "critics": critics})


def _parts(entry: Entry) -> Sequence[Told]:
    return entry.meta.get("critics") or (entry.meta,)


def _short(calls: Sequence[Told]) -> list[Told]:
    return [{**call, "result": cut(call["result"], SHORT_BYTES)[0]} for call in calls]


def _fenced(text: str) -> str:
    fence = max((run for run in re.findall("`+", text)), key=len, default="")
    marks = "`" * max(3, len(fence) + 1)
    return f"{marks}text\n{text}\n{marks}"
