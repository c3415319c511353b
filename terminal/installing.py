"""The commands ``install`` and ``uninstall``: one entry of a host's configuration, written or taken out, and told.

How a host is configured stands in ``hosts``, how its file is changed in ``configuration_files`` and the editing of its
format, and how this installation is started in ``starting``. An entry that starts no server of ours is left alone.
"""

import argparse
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companions.errors import InputError
from terminal.configuration_files import ConfigurationFile, decoded
from terminal.entry_settings import MASK, given_settings, left_out, shown_settings
from terminal.hosts import HOSTS, Host, Machine
from terminal.program import Surroundings
from terminal.screen import Screen
from terminal.starting import Location, Start, start_of, starts_companions
from terminal.telling import QUIET, WARNING
from terminal.text_editing import BrokenTextError, Entry, Place, UnsafeEditError

FROM_INDEX = (
    "uv may ask the package index at each start. "
    "After `uv tool install`, `companions install` writes a command that needs no network."
)


def install(chosen: argparse.Namespace, surroundings: Surroundings) -> int:
    """Have a host start this installation; the same entry again changes nothing.

    Raises:
        CompanionsError: The configuration cannot be changed; nothing was.
    """
    target = _Target.of(chosen, surroundings)
    start = start_of(Location.of_process(surroundings.environment))
    fresh = _entry(target.host, start, given_settings(chosen.env, surroundings))
    if chosen.print:
        target.print_block(fresh)
        return 0
    file = ConfigurationFile.read(target.path)
    old = target.read(file)
    entry = fresh if old is None else target.renewed(old, fresh, replace=chosen.replace)
    if entry == old:
        target.say(f"{target.named} starts it already, for {target.host.title}. Nothing was changed.")
    else:
        copy = target.write(file, entry)
        target.say(f"{target.named} was {'added' if old is None else 'changed'}, for {target.host.title}.")
        target.tell_copy(copy)
        target.say(f"It starts: {shlex.join([entry['command'], *entry['args']])}")
        target.say(target.host.next)
    target.tell_settings(entry.get("env", {}))
    if start.from_index:
        target.say(FROM_INDEX, WARNING)
    return 0


def uninstall(chosen: argparse.Namespace, surroundings: Surroundings) -> int:
    """Take the entry out again; where nothing else changed since, the file is as it was before, or gone.

    Raises:
        CompanionsError: The configuration cannot be changed; nothing was.
    """
    target = _Target.of(chosen, surroundings)
    file = ConfigurationFile.read(target.path)
    old = target.read(file)
    if old is None:
        target.say(f"{target.named} is not there. Nothing was changed.")
        return 0
    if not _is_ours(old):
        raise InputError(f"{target.named} starts something else.", "Delete it by hand, or give another --name.")
    before = target.before(file, old)
    if before is None and target.host.format.write("", target.place, old) == file.text:
        file.delete()
        target.say(f"{target.path} held nothing but the entry {target.place.name}, and was deleted.")
    else:
        copy = file.replace(target.without(file) if before is None else before)
        target.say(f"{target.named} was taken out, for {target.host.title}.")
        target.tell_copy(copy)
    target.say("Your sessions stay where they are; `companions sessions` lists them.")
    return 0


def _entry(host: Host, start: Start, given: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {**host.further, "command": start.command, "args": list(start.arguments)}
    return {**entry, "env": dict(given)} if given else entry


def _is_ours(entry: Entry) -> bool:
    return starts_companions(entry.get("command"), entry.get("args", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """The entry that is meant, and whom is told of it."""

    host: Host
    place: Place
    path: Path
    screen: Screen
    surroundings: Surroundings

    @classmethod
    def of(cls, chosen: argparse.Namespace, surroundings: Surroundings) -> "_Target":
        host, machine = HOSTS[chosen.host], Machine.of_process(surroundings.environment)
        path = host.file(machine) if chosen.config is None else Path(chosen.config).expanduser()
        return cls(
            host=host,
            place=host.place(chosen.name),
            path=path.absolute(),
            screen=Screen.of_process(),
            surroundings=surroundings,
        )

    @property
    def named(self) -> str:
        return f"The entry {self.place.name} of {self.path}"

    def renewed(self, old: Entry, fresh: Entry, *, replace: bool) -> Entry:
        """Give an entry of ours as it is to be: what else it says stays, settings that it has included."""
        if not _is_ours(old):
            if replace:
                return fresh
            raise InputError(
                f"{self.named} starts something else.", "Give --replace to have it replaced, or another --name."
            )
        kept: dict[str, str] = old["env"] if isinstance(old.get("env"), dict) else {}
        settings = {**kept, **fresh.get("env", {})}
        renewed = {**old, **fresh}
        return {**renewed, "env": settings} if settings or "env" in old else renewed

    def read(self, file: ConfigurationFile) -> Entry | None:
        """Read the entry as it is."""
        try:
            return self.host.format.read(file.text, self.place)
        except BrokenTextError as error:
            raise InputError(
                f"{self.path} is broken in line {error.line}: {self.host.title} cannot read it.",
                "Mend it there. Nothing was changed.",
            ) from None
        except UnsafeEditError as error:
            raise self._unsafe(error, "Mend it, or put in the block that --print gives by hand.") from None

    def write(self, file: ConfigurationFile, entry: Entry) -> Path | None:
        """Write the entry; where that cannot be done, print it."""
        try:
            text = self.host.format.write(file.text, self.place, entry)
        except UnsafeEditError as error:
            self.print_block(entry)
            raise self._unsafe(error, "Put in the block above by hand. Nothing was changed.") from None
        return file.replace(text)

    def without(self, file: ConfigurationFile) -> str:
        """Give the file's text without the entry."""
        try:
            return self.host.format.remove(file.text, self.place)
        except UnsafeEditError as error:
            raise self._unsafe(error, f"Delete the entry {self.place.name} by hand.") from None

    def _unsafe(self, error: UnsafeEditError, remedy: str) -> InputError:
        return InputError(f"{self.path} cannot be changed safely: {error}.", remedy)

    def before(self, file: ConfigurationFile, entry: Entry) -> str | None:
        """Find a copy from which adding the entry makes the file exactly as it is: what it was before."""
        written = self.host.format
        for copy in file.copies():
            try:
                text = decoded(self.path, copy)
                if written.read(text, self.place) is None and written.write(text, self.place, entry) == file.text:
                    return text
            except (InputError, BrokenTextError, UnsafeEditError):
                continue
        return None

    def say(self, text: str, style: str = "") -> None:
        self.screen.say(text, style)

    def print_block(self, entry: Entry) -> None:
        """Print the entry as it would stand in a file of its own, without what nobody is to see."""
        settings: Mapping[str, str] = entry.get("env", {})
        shown = shown_settings(settings, self.surroundings)
        self.screen.result(self.host.format.write("", self.place, {**entry, "env": shown} if settings else entry))
        if masked := [name for name, value in shown.items() if value != settings[name]]:
            self.say(f"{MASK} stands for what is not shown: write it in yourself ({', '.join(masked)}).", WARNING)

    def tell_copy(self, copy: Path | None) -> None:
        if copy is not None:
            self.say(f"What was there before is in {copy}.", QUIET)

    def tell_settings(self, settings: Mapping[str, str]) -> None:
        """Tell which settings the server will see, and which it will not."""
        told = ", ".join(f"{name}={value}" for name, value in shown_settings(settings, self.surroundings).items())
        self.say(f"Settings in the entry: {told or 'none'}.")
        if taken := [
            name for name, value in settings.items() if self.host.replaces and self.host.replaces.search(value)
        ]:
            self.say(f"{self.host.title} may take $ in {', '.join(taken)} for a variable, and replace it.", WARNING)
        if missing := left_out(settings, self.surroundings):
            words = " ".join(f"--env {name}" for name in missing)
            self.say(f"Set here, but not in the entry, where alone the server sees it; to add it: {words}", WARNING)
