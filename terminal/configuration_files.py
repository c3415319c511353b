"""A host's configuration on disk: read whole, and replaced in one move, with a copy of what was there beside it.

What is written into it is others' work. Nothing is lost: a file that changed since it was read is left alone, one that
cannot be written is not replaced, and no copy is ever written over. A symbolic link stays one.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from companions.errors import CompanionsError, InputError
from terminal.text_editing import BOM

PRIVATE = 0o600
"""The mode of a new file: keys may stand in it."""
WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFile:
    """A file as it was read.

    Attributes:
        path: As it was named.
        content: All of it; ``None`` where there is none.
    """

    path: Path
    content: bytes | None

    @classmethod
    def read(cls, path: Path) -> "ConfigurationFile":
        """Read it.

        Raises:
            InputError: It is there, and cannot be read.
        """
        return cls(path=path, content=_content(path))

    @property
    def text(self) -> str:
        """What stands in it, without a byte order mark.

        Raises:
            InputError: It is no text.
        """
        return decoded(self.path, self.content or b"")

    def replace(self, text: str) -> Path | None:
        """Write another text in its place; gives the copy of what was there, if anything was.

        Raises:
            CompanionsError: It cannot be written, or was changed since it was read.
        """
        mark = BOM if (self.content or b"").startswith(BOM.encode()) else ""
        target = self._target()
        self._check()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = None if self.content is None else self._copy(target)
            self._move_in(target, (mark + text).encode())
        except UnicodeEncodeError:
            raise InputError(
                "The entry holds a path that is no Unicode.", "Install it in a folder with another name."
            ) from None
        except OSError as error:
            raise CompanionsError(
                f"{self.path} cannot be written ({_reason(error)}).", "Nothing was changed."
            ) from None
        return copy

    def delete(self) -> None:
        """Delete it.

        Raises:
            CompanionsError: It cannot be deleted, or was changed since it was read.
        """
        self._check()
        try:
            self._target().unlink()
        except OSError as error:
            raise CompanionsError(
                f"{self.path} cannot be deleted ({_reason(error)}).", "Nothing was changed."
            ) from None

    def copies(self) -> Iterator[bytes]:
        """Give what stands in copies that were made before, the newest first."""
        names = [name for name in _names(self._target()) if name.is_file()] if self.content is not None else []
        for name in reversed(names):
            with suppress(OSError):
                yield name.read_bytes()

    def _target(self) -> Path:
        return Path(os.path.realpath(self.path))

    def _check(self) -> None:
        target = self._target()
        if _content(self.path) != self.content:
            raise CompanionsError(f"{self.path} was changed by another program just now.", "Run the command again.")
        # Whoever made it read-only meant it, and moving another file into its place would go round that.
        if self.content is not None and not (target.stat().st_mode & WRITABLE and os.access(target, os.W_OK)):
            raise CompanionsError(
                f"{self.path} is read-only.", "Make it writable, or put in the block that --print gives by hand."
            )

    def _copy(self, target: Path) -> Path:
        """Copy what is there beside it, under a name that nothing has, unless such a copy is there."""
        for name in _names(target, free=True):
            with suppress(FileExistsError):
                if name.exists() and name.read_bytes() == self.content:
                    return name
                with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as copy:
                    copy.write(self.content or b"")
                name.chmod(stat.S_IMODE(target.stat().st_mode))
                return name
        raise AssertionError

    def _move_in(self, target: Path, content: bytes) -> None:
        number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if self.content is not None:
                Path(name).chmod(stat.S_IMODE(target.stat().st_mode))
            self._check()
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def decoded(path: Path, content: bytes) -> str:
    """Give the text of a file's content, without a byte order mark.

    Raises:
        InputError: It is no text.
    """
    try:
        return content.decode().removeprefix(BOM)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path} is not UTF-8 text (line {line}).", "Save it as UTF-8. Nothing was changed.") from None


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({_reason(error)}).", "Nothing was changed; mend it, or name another by --config."
        ) from None


def _names(target: Path, *, free: bool = False) -> Iterator[Path]:
    """Give the names of copies, oldest first: up to the last that is there, or one after the other."""
    for number in count(1):
        name = target.with_name(f"{target.name}.bak{number if number > 1 else ''}")
        if not free and not name.exists():
            return
        yield name


def _reason(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
