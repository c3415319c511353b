"""The files of companion types: front matter and sections, read into values or into all that is wrong, by line.

What a setting may be is ``companion_settings``'s to say; which files there are, and what becomes of their values, is
``companion_types``'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from companions import companion_settings

STEPS = ("draft", "critique", "revision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a file gives no companion type.

    Attributes:
        file: The file's name; the folder's path if that cannot be read.
        line: Counted from 1; 0 if it concerns no line in particular.
        what: One clause without a period.
    """

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.what}"


def read_values(name: str, content: bytes) -> dict[str, Any] | list[Problem]:
    """Read a file into the settings and instructions that it gives, or into all that is wrong with it.

    Args:
        name: The file's own name, ``.md`` included.
        content: Its bytes.
    """
    try:
        lines = content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        return [Problem(file=name, line=content.count(b"\n", 0, error.start) + 1, what="it is not UTF-8 text")]
    values, wrong = dict[str, Any](), list[tuple[int, str]]()
    ends = [number for number, line in enumerate(lines) if line.rstrip() == "---"][:2]
    if len(ends) == 2 and ends[0] == 0:  # noqa: PLR2004 - front matter has two ends
        wrong += _read_settings(lines[1 : ends[1]], name.removesuffix(".md"), values)
        wrong += _read_sections(lines, ends[1] + 1, values)
    else:
        wrong.append((1, "it does not begin with settings between two lines of ---"))
    return [Problem(file=name, line=line, what=what) for line, what in wrong] or values


def _read_settings(lines: list[str], stem: str, values: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Put the front matter's settings into ``values``; yield what is wrong with which line of the file."""
    text = "\n".join(lines)
    try:
        node, loaded = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        yield (1 if mark is None else mark.line + 2), "its settings are not YAML"
        return
    if isinstance(node, yaml.MappingNode):
        yield from _wrong_nodes(node)
        values |= {str(key.value): loaded.get(key.value) for key, _ in node.value}
    for key in values:
        for path, what in companion_settings.wrong(key, values[key]):
            yield _line(node, path), f"{'.'.join(map(str, path))}: {what}"
    if "name" in values and values["name"] != stem and companion_settings.RULES["name"][0](values["name"]):
        yield _line(node, ("name",)), f"name: it must be the file's own, {stem}"
    for key in ("name", "description"):
        if key not in values:
            yield 1, f"{key}: it is missing"


def _wrong_nodes(root: yaml.Node) -> Iterator[tuple[int, str]]:
    """Yield what YAML takes without a word: a setting that is set twice, half of a character."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # a part that is used again, or that holds itself
            continue
        seen.add(id(node))
        match node:
            case yaml.MappingNode():
                names = [str(key.value) for key, _ in node.value]
                for index, (key, value) in enumerate(node.value):
                    waiting += [key, value]
                    if names[index] in names[:index]:
                        yield key.start_mark.line + 2, f"{names[index]}: it is set twice"
            case yaml.SequenceNode():
                waiting += node.value
            case _:
                if any("\ud800" <= character <= "\udfff" for character in node.value):
                    yield node.start_mark.line + 2, "there is half of a character in its settings"


def _line(node: yaml.Node | None, path: tuple[str | int, ...]) -> int:
    """Give the line of the file where the value at a path stands, or what is nearest above it."""
    line = 0 if node is None else node.start_mark.line
    for place in path:
        match node:
            case yaml.MappingNode():
                pairs = [(key, value) for key, value in node.value if key.value == str(place)]
            case yaml.SequenceNode():
                pairs = [(value, value) for index, value in enumerate(node.value) if index == place]
            case _:
                pairs = list[tuple[yaml.Node, yaml.Node]]()
        if not pairs:
            break
        (named, node), *_ = pairs
        line = named.start_mark.line
    return line + 2


def _read_sections(lines: list[str], first: int, values: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Put each step's instructions into ``values``; yield what is wrong with which line of the file."""
    at, sections, section = dict[str, int](), dict[str, list[str]](), list[str]()
    for number, line in enumerate(lines[first:], start=first + 1):
        if line.startswith("## "):
            title = line.removeprefix("## ").strip().lower()
            if title not in STEPS or title in sections:
                yield number, f"there is {'another' if title in sections else 'no'} section {title!r}"
            at[title], section = number, []
            sections[title] = section
        elif sections:
            section.append(line)
        elif line.strip():
            yield number, "text before the first section would not be used"
    for step in STEPS:
        values[step] = "\n".join(sections.get(step, ())).strip()
        if not values[step]:
            yield at.get(step, 1), f"the section {step.title()!r} is {'empty' if step in sections else 'missing'}"
