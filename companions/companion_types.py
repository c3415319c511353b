"""Companion types: the kinds of companions there are, each with how it drafts, criticises and revises.

It finds their files, the shipped ones and the user's, and keeps them fresh. What stands in a file is read by
``companion_files``; how instructions become a prompt is ``prompts``'s work, and which of a type's values a session goes
by is ``configuration``'s.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from companions.companion_files import STEPS, Problem, read_values
from companions.companion_settings import RULES
from companions.critics import Critic, critics_of
from companions.errors import InputError, UnknownNameError

BUILT_IN = "built in"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionType:
    """One kind of companion, as its file describes it.

    Attributes:
        similarity_threshold: From 0 to 1; ``None`` leaves it to settings and learning.
        max_iterations: At least 1.
        temperature: From 0 to 2; ``None`` leaves it to the model.
        model: ``provider:name``, or ``None`` for the configured one.
        critic_model: Writes critiques; ``None`` leaves them to the setting, or to ``model``.
        comparison_model: Compares versions; likewise.
        fallback_models: Asked in order where a model is down; ``None`` leaves them to the setting.
        clear_history: Whether a draft sees no earlier query.
        sees_session: Whether a draft is shown what the session's other companions do.
        native_session: Whether the provider keeps its drafts, so that only what is new is sent.
        checks: What every version must hold to, by name, as ``checks.wrong`` takes it.
        critics: Who criticises in the companion's place, an aspect each, at the same time; one critic if empty.
        critic_tools: The functions of the server that a critic may call, as ``tool_names`` knows them.
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
    critic_model: str | None = None
    comparison_model: str | None = None
    fallback_models: tuple[str, ...] | None = None
    clear_history: bool = False
    sees_session: bool = False
    native_session: bool = False
    checks: Mapping[str, Any] = field(default_factory=dict[str, Any])
    critics: tuple[Critic, ...] = ()
    critic_tools: tuple[str, ...] = ()
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


def read_type(path: Path) -> CompanionType:
    """Read a companion type from one file, wherever that lies.

    Raises:
        InputError: It cannot be read as one; the first thing that is wrong with it is named.
    """
    found = _read(path.name, path.read_bytes, path.name)
    if isinstance(found, CompanionType):
        return found
    raise InputError(f"The companion file cannot be used: {found[0]}.", "Mend it, or name another file.")


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
    values = read_values(name, content)
    if isinstance(values, list):
        return values
    values["critics"] = critics_of(values.get("critics", []))
    values["critic_tools"] = tuple(values.get("critic_tools", ()))
    if values.get("fallback_models") is not None:
        values["fallback_models"] = tuple(values["fallback_models"])
    return CompanionType(**values, digest=hashlib.sha256(content).hexdigest()[:16], origin=origin)
