"""One entry of a JSON configuration, changed as text: whatever stands around it stays byte for byte.

Comments and trailing commas are left as they are, except those inside an entry that is replaced. Reading is
``json_reading``'s work, and which file is edited ``configuration_files``'.
"""

import json
import re
from typing import Any

from terminal.json_reading import Member, Node, after_space, line_of, read_json
from terminal.text_editing import BrokenTextError, Entry, Place, UnsafeEditError, line_end, replaced

INDENT = "  "
_BESIDE = re.compile(r"[ \t]*(//[^\r\n]*|/\*[^\r\n]*?\*/(?=[ \t]*\r?\n))")


def read(text: str, place: Place) -> Entry | None:
    """Give the entry, if there is one."""
    if not text.strip():
        return None
    section = _member(_root(text, place), place.section)
    entry = None if section is None else _member(_object(section.node, place.section), place.name)
    return None if entry is None else _object(entry.node, place.name).value


def write(text: str, place: Place, entry: Entry) -> str:
    """Give the text with the entry."""
    if not text.strip():
        return f"{text}{json.dumps({place.section: {place.name: entry}}, indent=2, ensure_ascii=False)}\n"
    root = _root(text, place)
    section = _member(root, place.section)
    if section is None:
        return _inserted(text, root, root, place.section, {place.name: entry})
    held = _object(section.node, place.section)
    old = _member(held, place.name)
    if old is None:
        return _inserted(text, root, held, place.name, entry)
    start, end = old.node.start, old.node.end
    unit = _unit(text, root) if "\n" in text[start:end] else None
    dumped = json.dumps(entry, indent=unit, ensure_ascii=False)
    return replaced(text, [(start, end, dumped.replace("\n", f"{line_end(text)}{_indent_at(text, old.start)}"))])


def remove(text: str, place: Place) -> str:
    """Give the text without the entry; what held it stays, even if it is empty now."""
    section = _member(_root(text, place), place.section)
    if section is None or (gone := _member(held := _object(section.node, place.section), place.name)) is None:
        raise UnsafeEditError("the entry is not there")
    start = len(text[: gone.start].rstrip(" \t\r\n"))
    number = held.members.index(gone)
    if gone.comma is None and number:
        comma = held.members[number - 1].comma
        assert comma is not None  # noqa: S101 - what separates it from the one before it
        return replaced(text, [(comma, comma + 1, ""), (start, gone.node.end, "")])
    changes = [(start, gone.node.end, "")]
    if gone.comma is not None:
        changes.append((gone.comma, gone.comma + 1, ""))
    left = replaced(text, changes)
    if len(held.members) > 1 or left[held.start + 1 : after_space(left, held.start + 1)].strip():
        return left
    return replaced(left, [(held.start + 1, after_space(left, held.start + 1), "")])


def _root(text: str, place: Place) -> Node:
    root = read_json(text)
    if place.strict:
        _check_strictly(text)
    return _object(root, "the whole of it")


def _check_strictly(text: str) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise BrokenTextError(line_of(text, error.pos)) from None


def _object(node: Node, name: str) -> Node:
    if not isinstance(node.value, dict):
        raise UnsafeEditError(f"{name} is no object")
    return node


def _member(node: Node, key: str) -> Member | None:
    found = [member for member in node.members if member.key == key]
    if len(found) > 1:
        raise UnsafeEditError(f"{key} stands in it twice")
    return found[0] if found else None


def _inserted(text: str, root: Node, held: Node, key: str, value: Any) -> str:
    """Give the text with a member more, the last one of an object."""
    if held.members:
        return _inserted_behind(text, root, held.members[-1], key, value)
    closing, end, indent = held.end - 1, line_end(text), _indent_at(text, held.start)
    if held is not root and "\n" not in text[root.start : root.end]:
        return replaced(text, [(closing, closing, _member_text(key, value))])
    # Comments between the brackets stay; white space behind them is written anew.
    start = held.start + 1 + len(text[held.start + 1 : closing].rstrip())
    inner, unit = indent + _unit(text, root), _unit(text, root)
    member = _member_text(key, value, unit).replace("\n", f"{end}{inner}")
    return replaced(text, [(start, closing, f"{end}{inner}{member}{end}{indent}")])


def _inserted_behind(text: str, root: Node, last: Member, key: str, value: Any) -> str:
    """Write a member as the one before it is: on a line of its own, and with a comma behind it, or not."""
    ends = last.node.end if last.comma is None else last.comma + 1
    beside = _BESIDE.match(text, ends)
    at = ends if beside is None else ends + len(beside[0].rstrip())
    if beside is not None or _starts_line(text, last.start):
        before = f"{line_end(text)}{_indent_at(text, last.start)}"
        member = before + _member_text(key, value, _unit(text, root)).replace("\n", before)
    else:
        member = f" {_member_text(key, value)}"
    if last.comma is not None:
        return replaced(text, [(at, at, f"{member},")])
    if at == ends:
        return replaced(text, [(at, at, f",{member}")])
    return replaced(text, [(ends, ends, ","), (at, at, member)])


def _member_text(key: str, value: Any, unit: str | None = None) -> str:
    return f"{json.dumps(key)}: {json.dumps(value, indent=unit, ensure_ascii=False)}"


def _unit(text: str, root: Node) -> str:
    """Give what one level is indented by, as the first member of the whole is."""
    if root.members and _starts_line(text, root.members[0].start):
        return _indent_at(text, root.members[0].start) or INDENT
    return INDENT


def _indent_at(text: str, at: int) -> str:
    """Give the white space that the line of a place begins with."""
    line = text[text.rfind("\n", 0, at) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _starts_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()
