"""Companion types: the Markdown files that say how a kind of companion drafts, criticises and revises.

It reads the files and vouches for their values; how instructions become a prompt is ``prompts``'s work, and which of a
type's values a session goes by is ``configuration``'s.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from companions.errors import UnknownNameError

BUILT_IN = "built in"
NAME = re.compile("[a-z0-9_]+")
STEPS = ("draft", "critique", "revision")


def _is_number(value: object, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _is_words(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


# What each setting must be: for a type at its birth, and for a file, where the answer comes with a line.
RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda value: isinstance(value, str) and bool(NAME.fullmatch(value)), "lower-case letters, digits and _"),
    "description": (_is_words, "a text"),
    "similarity_threshold": (lambda value: value is None or _is_number(value, 1), "a number from 0 to 1"),
    "max_iterations": (lambda value: type(value) is int and value >= 1, "a whole number of at least 1"),
    "temperature": (lambda value: value is None or _is_number(value, 2), "a number from 0 to 2"),
    "model": (lambda value: value is None or _is_words(value), "a model's name"),
    "clear_history": (lambda value: isinstance(value, bool), "true or false"),
    "sees_session": (lambda value: isinstance(value, bool), "true or false"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionType:
    """One kind of companion, as its file describes it.

    Attributes:
        similarity_threshold: From 0 to 1; ``None`` leaves it to settings and learning.
        max_iterations: At least 1.
        temperature: From 0 to 2; ``None`` leaves it to the model.
        model: ``provider:name``, or ``None`` for the configured one.
        clear_history: Whether a draft sees no earlier query.
        sees_session: Whether a draft is shown what the session's other companions do.
        draft, critique, revision: The system instructions of each step.
        digest: The first 16 hexadecimal digits of the SHA-256 of the file's bytes.
        origin: ``built in``, or the file's name.
    """

    name: str
    description: str
    similarity_threshold: float | None = None
    max_iterations: int = 3
    temperature: float | None = None
    model: str | None = None
    clear_history: bool = False
    sees_session: bool = False
    draft: str
    critique: str
    revision: str
    digest: str
    origin: str

    def __post_init__(self) -> None:
        """Refuse values that no companion could go by."""
        for key, (holds, what) in RULES.items():
            if not holds(getattr(self, key)):
                raise ValueError(f"{key} must be {what}, not {getattr(self, key)!r}")
        for step in STEPS:
            if not getattr(self, step).strip():
                raise ValueError(f"the {step} instructions of {self.name} are empty")


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


Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """The companion types that can be used, by name, and what is wrong with the files that give none.

    A broken file of the user's hides a built-in type of its name: whoever changed a type must not get the old one.
    """

    folder: Path | None
    types: tuple[CompanionType, ...]
    problems: tuple[Problem, ...]
    stamp: Stamp | None = field(default=(), repr=False)

    @classmethod
    def load(cls, folder: Path | None) -> "Library":
        """Read the built-in types, then the user's folder, whose files override and extend them by name."""
        shipped = [path for path in files("companions").joinpath("library").iterdir() if path.name.endswith(".md")]
        found = {path.name: _read(path.name, path.read_bytes, BUILT_IN) for path in shipped}
        problems = list[Problem]()
        stamp = _stamp(folder)  # taken before reading, so that a change meanwhile is seen the next time
        if folder is not None and stamp is None:
            problems.append(Problem(file=str(folder), line=0, what="the folder cannot be read"))
        elif folder is not None:
            found |= {name: _read(name, (folder / name).read_bytes, name) for name, *_ in stamp or ()}
        types = [found[name] for name in sorted(found)]
        problems += [problem for broken in types if isinstance(broken, list) for problem in broken]
        return cls(
            folder=folder,
            types=tuple(known for known in types if isinstance(known, CompanionType)),
            problems=tuple(problems),
            stamp=stamp,
        )

    def get(self, name: str) -> CompanionType:
        """Give the type of that name.

        Raises:
            UnknownNameError: There is none; the known ones are named, and what is wrong with a file that was to be it.
        """
        for known in self.types:
            if known.name == name:
                return known
        names = ", ".join(known.name for known in self.types)
        for problem in self.problems:
            if problem.file == f"{name}.md":
                raise UnknownNameError(
                    f"The companion type {name} cannot be used: {problem}.", f"Mend the file, or use one of: {names}."
                )
        raise UnknownNameError(f"There is no companion type {name[:60]!r}.", f"Use one of: {names}.")

    def refreshed(self) -> "Library":
        """Give the library as the user's files are now: itself unless one has changed, appeared or gone.

        It asks the file system, so an event loop calls it in a thread.
        """
        return self if _stamp(self.folder) == self.stamp else Library.load(self.folder)


def _stamp(folder: Path | None) -> Stamp | None:
    """Tell a state of the folder's files from another without opening any; ``None`` if it cannot be read."""
    if folder is None:
        return ()
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix == ".md")
    except OSError:
        return None
    return tuple((name, *_state(folder / name)) for name in names)


def _state(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except OSError:  # gone since it was listed, or a link to nothing: reading it will tell
        return 0, 0, 0
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def _read(name: str, read_bytes: Callable[[], bytes], origin: str) -> CompanionType | list[Problem]:
    """Read one file into a type, or into all that is wrong with it."""
    try:
        content = read_bytes()
    except OSError:
        return [Problem(file=name, line=0, what="the file cannot be read")]
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
    if wrong:
        return [Problem(file=name, line=line, what=what) for line, what in wrong]
    return CompanionType(**values, digest=hashlib.sha256(content).hexdigest()[:16], origin=origin)


def _read_settings(lines: list[str], stem: str, values: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Put the front matter's settings into ``values``; yield what is wrong with which line of the file."""
    text = "\n".join(lines)
    try:
        node, loaded = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        yield (1 if mark is None else mark.line + 2), "its settings are not YAML"
        return
    pairs: list[tuple[yaml.Node, yaml.Node]] = node.value if isinstance(node, yaml.MappingNode) else []
    for key, line in ((str(key.value), key.start_mark.line + 2) for key, _ in pairs):
        if (what := "it is set twice" if key in values else _wrong(key, loaded.get(key), stem)) is not None:
            yield line, f"{key}: {what}"
        values[key] = loaded.get(key)
    for key in ("name", "description"):
        if key not in values:
            yield 1, f"{key}: it is missing"


def _wrong(key: str, value: object, stem: str) -> str | None:
    if key not in RULES:
        return "there is no such setting"
    holds, what = RULES[key]
    if not holds(value):
        return f"it must be {what}"
    return f"it must be the file's own, {stem}" if key == "name" and value != stem else None


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
