"""One entry as Markdown, for people: a heading, its text byte for byte, and what is to be said beside it.

Which entries are told, and in which pages, is its callers' work.
"""

from collections.abc import Iterator

from companions.attachments import in_words as in_words_of
from companions.edits import CORRECTED
from companions.entries import Entry
from sessions import looked_up
from sessions.notes import in_words

NOTES = frozenset({"workflow", "pick"})
"""Kinds of entries that are told in a sentence."""


def heading(entry: Entry) -> str:
    """Give what stands above an entry's text."""
    if entry.kind in NOTES:
        return ""
    meta = entry.meta
    name = {
        "query": f"## Query {entry.slot}",
        "draft": "### Draft (version 0)",
        "critique": f"### Critique {entry.index + 1}",
        "revision": f"### Revision {entry.index + 1}",
        "alternative": f"### Kept beside {meta.get('of')} {entry.index + 1}, which another process wrote first",
    }[entry.kind]
    again = f", written again ({meta['attempt']})" if "attempt" in meta else ""
    by = f" by {meta['model']}" if meta.get("model") else ""
    whose = f", for {meta['author']}" if "author" in meta else ""
    return f"{name}{again}{by}{whose}, entry {entry.seq}\n\n"


def in_markdown(entry: Entry) -> str:
    """Tell an entry as Markdown; the text itself stands in it unchanged."""
    if entry.kind in NOTES:
        return f"{in_words(entry)}\n\n"
    notes = "".join(f"{line}\n\n" for line in _beside(entry))
    return f"{heading(entry)}{entry.text}\n\n{notes}"


def _beside(entry: Entry) -> Iterator[str]:
    meta = entry.meta
    if "was" in (told := meta.get(CORRECTED, {})):
        by = f" by {told['by']}" if "by" in told else ""
        yield f"Corrected{by} at {told['at']}, entry {told['seq']}. Before it was:\n\n{told['was']}"
    if "attachments" in meta:
        yield f"Attached: {in_words_of(meta['attachments'])}."
    if "evidence" in meta:
        yield f"Evidence given:\n\n{meta['evidence']}"
    yield from looked_up.in_markdown(entry)
    if "similarity" in meta:
        yield f"Similarity to version {entry.index}: {meta['similarity']:.3f}."
    if "guard" in meta:
        yield f"Kept, but not taken as the current text ({meta['guard']}): {meta.get('guard_why', '')}."
    yield from _end_beside(entry)


def _end_beside(entry: Entry) -> Iterator[str]:
    meta = entry.meta
    if "overruled" in meta:
        yield f"Sent again and taken, although it looks {meta['overruled']}: {meta['overruled_why']}."
    if "stop_reason" in meta:
        yield f"Ended: {meta['stop_reason']}. {meta.get('why', '')}".strip()
