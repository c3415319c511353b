"""A zip file that is written beside its name, and takes it once it is whole: a broken one never looks whole.

It knows nothing of sessions; what a process that was killed has left is ``unfinished``'s. Everything here blocks: it is
called on threads.
"""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sessions.archives.unfinished import begun, remove_left

IN_MEMORY = 4_000_000
"""Bytes of a part that are kept in memory before it goes to the disk."""
BLOCK = 1 << 20


class Part:
    """What becomes one file of the zip; it can still be given up, which a file in a zip cannot."""

    def __init__(self) -> None:
        self._file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (it lives as long as this)
        self._digest = hashlib.sha256()

    def write(self, content: bytes) -> None:
        """Add to it."""
        self._file.write(content)
        self._digest.update(content)

    @property
    def digest(self) -> str:
        """The SHA-256 of what was written."""
        return self._digest.hexdigest()

    def read_into(self, target: IO[bytes]) -> None:
        """Copy all of it."""
        self._file.seek(0)
        while block := self._file.read(BLOCK):
            target.write(block)

    def close(self) -> None:
        """Let it go."""
        self._file.close()


class Zipping:
    """A zip file in the making, until ``close``; without ``finish`` nothing of it stays. Errors are the system's."""

    def __init__(self, target: Path) -> None:
        self._target = target
        remove_left(target)
        self._unfinished, number = begun(target)
        self._file = os.fdopen(number, "w+b")
        self._zip = ZipFile(self._file, "w", ZIP_DEFLATED)

    def add(self, name: str, part: Part) -> None:
        """Add a file."""
        info = ZipInfo(name, time.gmtime()[:6])
        info.compress_type = ZIP_DEFLATED
        with self._zip.open(info, "w", force_zip64=True) as target:
            part.read_into(target)

    def finish(self) -> None:
        """Write the rest to the disk, and give it its name."""
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unfinished.rename(self._target)
        self._file.close()

    def close(self) -> None:
        """Remove what was not finished."""
        if self._file.closed:
            return
        # Its list of files would be written now, perhaps to a full disk.
        with suppress(OSError, ValueError):
            self._zip.close()
        with suppress(OSError):
            self._file.close()
        self._unfinished.unlink(missing_ok=True)
