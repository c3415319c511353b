"""How an archive is laid out: the names of its files, and sessions and entries as lines of JSON, both ways.

It reads no store and opens no file. What else an entry has to keep to is ``checking``'s work.
"""

import json
import re
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from companions.entries import Entry
from sessions.store import Opening

ARCHIVE, SESSION = "persistent-companions archive", "persistent-companions session"
VERSION = 1
MANIFEST, SCHEMA = "manifest.json", "schema.json"
ATTACHMENT = re.compile(r"attachments/([0-9a-f]{64})")
"""The name of a file that is attached to queries."""
LAST_LINE = b"]}\n"
"""Behind a session's entries."""
FIELDS = ("seq", "id", "companion_type", "kind", "slot", "index", "text", "meta", "author", "at")


def session_name(session_id: str) -> str:
    """Name the file of a session."""
    return f"sessions/{session_id}.json"


def transcript_name(session_id: str) -> str:
    """Name the file of a session's transcript."""
    return f"transcripts/{session_id}.md"


def attachment_name(digest: str) -> str:
    """Name the file of what is attached to queries, by its SHA-256."""
    return f"attachments/{digest}"


@cache
def schema_text() -> str:
    """Give the JSON schema of a session's file, with that of the manifest among its definitions."""
    return Path(__file__).with_name("schema.json").read_text(encoding="utf-8")


@cache
def schema_of(name: str) -> dict[str, Any]:
    """Give one of the schema's definitions."""
    return json.loads(schema_text())["$defs"][name]


def first_line(opening: Opening) -> bytes:
    """Give the line before a session's entries; with them and the last line it is one JSON value."""
    told = as_json({"format": SESSION, "version": VERSION, "session": asdict(opening)})
    return told.removesuffix(b"}") + b', "entries": [\n'


def entry_json(entry: Entry) -> bytes:
    """Give an entry as JSON on one line, without an end."""
    return as_json({name: getattr(entry, name) for name in FIELDS} | {"meta": dict(entry.meta)})


def entry_of(value: dict[str, Any]) -> Entry:
    """Build an entry from its JSON.

    Raises:
        TypeError: Its fields are others.
        ValueError: It is no place in a session.
    """
    return Entry(**value)


def as_json(value: object) -> bytes:
    """Give JSON in UTF-8; half a character, which a meta may hold, is escaped."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
