"""One entry of a TOML configuration, changed as text: whatever stands around it stays byte for byte.

An entry is what Codex writes: a table ``[section.name]`` with tables below it. Each change is read back and compared
with what it was to be; an entry that is written otherwise, or anything that does not come out so, is left alone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from terminal.text_editing import BrokenTextError, Entry, Place, UnsafeEditError, line_end, replaced

Keys = tuple[str, ...]
Changes = list[tuple[int, int, str]]

_PART = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[{]|[\]}]|\n|[^\[\]{}\"'#\n]+",
    re.DOTALL,
)
_LINE = re.compile(r"line (\d+)")
_OTHERWISE = "it is not written as tables of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A statement, with its line end: the head of a table, or a key with its value.

    Attributes:
        keys: Of a head, the table's; of a key, the key's own.
        head: Whether it begins a table.
    """

    start: int
    end: int
    keys: Keys
    head: bool


def read(text: str, place: Place) -> Entry | None:
    """Give the entry, if there is one."""
    held = _loaded(text).get(place.section, {})
    if not isinstance(held, dict):
        raise UnsafeEditError(f"{place.section} is no table")
    entry: Any = held.get(place.name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if entry is not None and not isinstance(entry, dict):
        raise UnsafeEditError(f"{place.name} is no table")
    return entry  # pyright: ignore[reportUnknownVariableType]


def write(text: str, place: Place, entry: Entry) -> str:
    """Give the text with the entry."""
    wanted = _loaded(text)
    wanted.setdefault(place.section, {})[place.name] = dict(entry)
    old = read(text, place)
    if old is None:
        return _checked(_appended(text, place, entry), wanted)
    if old.keys() <= entry.keys():
        return _checked(_changed(text, place, old, entry), wanted)
    return _checked(_appended(remove(text, place), place, entry), wanted)


def remove(text: str, place: Place) -> str:
    """Give the text without the entry."""
    wanted = _loaded(text)
    del wanted[place.section][place.name]
    parts = [table for table in _tables(text) if table[0].keys[:2] == (place.section, place.name)]
    removed = replaced(text, [(_with_blank_line_before(text, lines[0].start), lines[-1].end, "") for lines in parts])
    if not wanted[place.section] and place.section not in _loaded(removed):
        del wanted[place.section]
    return _checked(removed, wanted)


def _loaded(text: str) -> dict[str, Any]:
    # Only these two commands need it, and a server's start would pay for it.
    import tomllib  # noqa: PLC0415 - as said above

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        raise BrokenTextError(int(found[1]) if found else text.count("\n") + 1) from None


def _checked(text: str, wanted: Mapping[str, Any]) -> str:
    try:
        if _loaded(text) == wanted:
            return text
    except BrokenTextError:
        pass
    raise UnsafeEditError(_OTHERWISE)


def _appended(text: str, place: Place, entry: Entry) -> str:
    end = line_end(text)
    block = _table_text((place.section, place.name), entry, end)
    if not text:
        return block
    return f"{text}{_ended(text, len(text))}{end}{block}"


def _table_text(keys: Keys, table: Mapping[str, Any], end: str) -> str:
    return _block(keys, table).replace("\n", end)


def _block(keys: Keys, table: Mapping[str, Any]) -> str:
    """Write a table and those below it, as Codex does."""
    tables = [key for key, value in table.items() if isinstance(value, dict)]
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in table.items() if key not in tables]
    blocks = ["".join([f"[{'.'.join(map(_key, keys))}]\n", *lines])]
    blocks += [_block((*keys, key), table[key]) for key in tables]
    return "\n".join(blocks)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _value(value: Any) -> str:
    """Write a value of ours: text, texts in a list, or such by name."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(_value, value))}]"  # pyright: ignore[reportUnknownArgumentType]
        case dict():
            inner = ", ".join(f"{_key(key)} = {_value(held)}" for key, held in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            return f"{{ {inner} }}" if inner else "{}"
        case _:
            raise UnsafeEditError("it holds what is no text")


def _changed(text: str, place: Place, old: Entry, entry: Entry) -> str:
    """Change the keys of an entry that are other than before, each in the way in which it is written."""
    keys = (place.section, place.name)
    tables = {lines[0].keys: lines for lines in _tables(text)}
    if keys not in tables:
        raise UnsafeEditError(_OTHERWISE)
    changes, below = Changes(), Changes()
    plain: dict[str, Any] = {}
    for key, value in entry.items():
        if isinstance(value, dict) and (*keys, key) in tables:
            changes += _key_changes(text, tables[*keys, key], old[key], value)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, dict) and key not in old:
            at, end = tables[keys][-1].end, line_end(text)
            below.append((at, at, f"{_ended(text, at)}{end}{_table_text((*keys, key), value, end)}"))  # pyright: ignore[reportUnknownArgumentType]
        else:
            plain[key] = value
    changes += _key_changes(text, tables[keys], {key: old[key] for key in plain if key in old}, plain)
    return replaced(text, changes + below)


def _key_changes(text: str, lines: list[Line], old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """Replace and add lines of one table, and take away those of keys that are no more."""
    end, changes = line_end(text), Changes()
    for key in old:
        if old[key] != new.get(key):
            found = [line for line in lines[1:] if line.keys == (key,)]
            if len(found) != 1:
                raise UnsafeEditError(_OTHERWISE)
            changes.append((found[0].start, found[0].end, _stated(key, new[key], end) if key in new else ""))
    if added := "".join(_stated(key, new[key], end) for key in new if key not in old):
        at = lines[-1].end
        changes.append((at, at, f"{_ended(text, at)}{added}"))
    return changes


def _stated(key: str, value: Any, end: str) -> str:
    return f"{_key(key)} = {_value(value)}{end}"


def _ended(text: str, at: int) -> str:
    """Give the line end that is missing before a place: the last line of a text may have none."""
    return "" if text[:at].endswith("\n") else line_end(text)


def _with_blank_line_before(text: str, at: int) -> int:
    """Give where a table's own blank line begins, which stands before its head."""
    for end in ("\r\n", "\n"):
        before = text[:at].removesuffix(end)
        if len(before) < at and (before.endswith("\n") or not before):
            return len(before)
    return at


def _tables(text: str) -> list[list[Line]]:
    """Give the tables that have a head: it and the keys below it. Blank lines and comments at its end are not its."""
    tables = list[list[Line]]()
    for line in _lines(text):
        if line.head:
            tables.append([line])
        elif tables:
            tables[-1].append(line)
    return tables


def _lines(text: str) -> Iterator[Line]:
    start, depth, said = 0, 0, ""
    for part in _PART.finditer(f"{text}\n"):
        found, end = part[0], min(part.end(), len(text))
        if found == "\n" and depth == 0:
            if said.strip():
                yield Line(start=start, end=end, keys=_keys_of(said), head=said.lstrip().startswith("["))
            start, said = end, ""
            continue
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found, 0)
        said += "" if found.startswith("#") else found


def _keys_of(statement: str) -> Keys:
    """Give the keys of a head or of a key with its value; of an array of tables, none."""
    stated = statement.strip()
    if stated.startswith("[["):
        return ()
    parsed: Any = _loaded(stated)
    keys = list[str]()
    # A value that is a table itself would be taken for more keys: there is one key then, or it is not ours.
    while isinstance(parsed, dict) and len(parsed) == 1 and (stated.startswith("[") or not keys):  # pyright: ignore[reportUnknownArgumentType]
        key: str = next(iter(parsed))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        keys.append(key)  # pyright: ignore[reportUnknownArgumentType]
        parsed = parsed[key]  # pyright: ignore[reportUnknownVariableType]
    return tuple(keys)
