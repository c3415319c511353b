"""Files that are not whole yet, beside the one that they become: their names, who holds them, and what is left behind.

A process holds its file by a lock that ends with the process, however it ends. What stands in a file is not looked at.
Everything here blocks: it is called on threads.
"""

import fcntl
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

LETTERS = 8
TRIES = 8


def begun(target: Path) -> tuple[Path, int]:
    """Make a file beside a target, readable to this user alone; gives its name and an open descriptor that holds it."""
    for _ in range(TRIES):
        path = target.with_name(f".{target.name}.{secrets.token_hex(LETTERS // 2)}")
        number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        if _held(number) and _is(path, number):
            return path, number
        os.close(number)  # another export took it for one that was left behind, before it was held
    raise FileExistsError(f"other processes go on removing what is written beside {target.name}")


def remove_left(target: Path) -> None:
    """Remove what processes that were killed have left beside a target; what is held or somebody else's stays."""
    name = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{{LETTERS}}}")
    with suppress(OSError):
        for path in target.parent.iterdir():
            if name.fullmatch(path.name):
                with suppress(OSError):
                    _remove_left(path)


def _remove_left(path: Path) -> None:
    # Not waiting for whoever writes to a pipe, and following no link.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        told = os.fstat(number)
        if stat.S_ISREG(told.st_mode) and told.st_uid == os.geteuid() and _held(number) and _is(path, number):
            path.unlink()
    finally:
        os.close(number)


def _held(number: int) -> bool:
    """Hold an open file unless another process does."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(path: Path, number: int) -> bool:
    """Tell whether an open file is still the one of that name."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(number))
    except FileNotFoundError:
        return False
