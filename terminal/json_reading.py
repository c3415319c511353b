"""JSON as hosts' configurations have it, comments and trailing commas included, with the place of every part.

It reads a text and changes nothing: that is ``json_editing``'s work. What is no JSON is refused with its line.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from terminal.text_editing import BrokenTextError

_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"[^\s\"'{}\[\],:/]+")
DEEPEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: As ``json.loads`` would give it.
        start: Its first character.
        end: Behind its last one.
        members: Of an object, its members in order.
    """

    value: Any
    start: int
    end: int
    members: tuple["Member", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of an object.

    Attributes:
        start: Where its key begins.
        comma: Where the comma behind it stands; ``None`` without one.
    """

    key: str
    start: int
    node: Node
    comma: int | None


def read_json(text: str) -> Node:
    """Read a whole text.

    Raises:
        BrokenTextError: It is no JSON, even with comments and trailing commas.
    """
    reader = _Reader(text)
    node = reader.value(reader.after_space(0), 0)
    if (rest := reader.after_space(node.end)) != len(text):
        raise BrokenTextError(line_of(text, rest))
    return node


def line_of(text: str, at: int) -> int:
    """Give the line of a place, counted from 1."""
    return text.count("\n", 0, at) + 1


def after_space(text: str, at: int) -> int:
    """Give the place behind white space and comments."""
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


@dataclass(slots=True)
class _Reader:
    """A descent through the text: each method takes where something begins."""

    text: str

    def after_space(self, at: int) -> int:
        return after_space(self.text, at)

    def value(self, at: int, depth: int) -> Node:
        first = self.text[at : at + 1]
        if depth > DEEPEST:
            raise BrokenTextError(line_of(self.text, at))
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._array(at, depth)
        found = (_STRING if first == '"' else _WORD).match(self.text, at)
        if found is None:
            raise BrokenTextError(line_of(self.text, at))
        return Node(value=self._loaded(found[0], at), start=at, end=found.end())

    def _loaded(self, word: str, at: int) -> Any:
        try:
            return json.loads(word)
        except ValueError:
            raise BrokenTextError(line_of(self.text, at)) from None

    def _array(self, start: int, depth: int) -> Node:
        items, at = list[Any](), self.after_space(start + 1)
        while not self.text.startswith("]", at):
            item = self.value(at, depth + 1)
            items.append(item.value)
            at, _ = self._separated(item.end, "]")
        return Node(value=items, start=start, end=at + 1)

    def _object(self, start: int, depth: int) -> Node:
        members, at = list[Member](), self.after_space(start + 1)
        while not self.text.startswith("}", at):
            found = _STRING.match(self.text, at)
            colon = self.after_space(found.end()) if found else at
            if found is None or not self.text.startswith(":", colon):
                raise BrokenTextError(line_of(self.text, colon))
            node = self.value(self.after_space(colon + 1), depth + 1)
            key, begun = str(self._loaded(found[0], at)), at
            at, comma = self._separated(node.end, "}")
            members.append(Member(key=key, start=begun, node=node, comma=comma))
        value = {member.key: member.node.value for member in members}
        return Node(value=value, start=start, end=at + 1, members=tuple(members))

    def _separated(self, at: int, closing: str) -> tuple[int, int | None]:
        """Go on to the next part, or to the closing bracket; gives where the comma stood, if one did."""
        at = self.after_space(at)
        if self.text.startswith(",", at):
            return self.after_space(at + 1), at
        if not self.text.startswith(closing, at):
            raise BrokenTextError(line_of(self.text, at))
        return at, None
