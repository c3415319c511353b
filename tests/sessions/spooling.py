"""Spools for tests: what is put into them, what is found in them, and processes that use them and die.

It imitates nothing: every spool is a real one in a folder of its test's own.
"""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from companions.entries import Entry
from sessions.spool.spool import Spool, SpoolState, orphans
from sessions.store import Append, Opening
from tests.sessions.building import note, placed

ROOT = Path(__file__).parents[2]
STORE = "postgresql://ann:sesame@db.example:5432/companions"
ROOM = 2**20
# Processes of their own, which import nothing that they do not need: a test starts many.
PUTTING = f"""
import asyncio, sys
from pathlib import Path
from companions.entries import Entry
from sessions.spool.spool import Spool
from sessions.store import Append
async def main():
    spool = Spool(Path(sys.argv[1]), {STORE!r}, limit={ROOM})
    for seq in range(1, 1_000_000):
        entry = Entry(companion_type="generic", kind="draft", slot=0, text="x", seq=seq, id="x", author="ann", at=1.0)
        await spool.put([Append(session_id="s1", entries=(entry,))])
        print(seq, flush=True)
asyncio.run(main())
"""
ADOPTING = f"""
import asyncio, os, signal, sys
from itertools import count
from pathlib import Path
from sessions.spool.spool import Spool
async def main():
    spool, step, last = Spool(Path(sys.argv[1]), {STORE!r}, limit={ROOM}), count(1), int(sys.argv[2])
    if last:
        die = lambda: os.kill(os.getpid(), signal.SIGKILL) if next(step) == last else None
        await spool._made()._lane.run(lambda connection: connection.set_progress_handler(die, 1))
    print(await spool.adopt(), flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


def append(session_id: str = "s1", *seqs: int, text: str = "x", opening: bool = False, owner: str = "ann") -> Append:
    entries = tuple(placed(note(text=text), seq) for seq in seqs or (1,))
    opened = Opening(session_id=session_id, owner=owner, created_at=1.25) if opening else None
    return Append(session_id=session_id, entries=entries, opening=opened)


def seqs_of(appends: Sequence[Append]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for each in appends:
        found.setdefault(each.session_id, []).extend(entry.seq for entry in each.entries)
    return found


async def waiting(spool: Spool) -> list[Append]:
    taken = await spool.take(1_000_000)
    numbers = [spooled.number for spooled in taken]
    assert numbers == sorted(set(numbers))
    appends = [spooled.append for spooled in taken]
    check(spool, appends)
    return appends


def check(spool: Spool, appends: Sequence[Append]) -> None:
    """Compare what is known from memory with what was read from the file."""
    entries = [entry for each in appends for entry in each.entries]
    found = seqs_of(appends)
    assert spool.entries == len(entries)
    assert spool.bytes == sum(map(size_of, entries))
    assert spool.waiting == {session_id: max(seqs) for session_id, seqs in found.items()}
    oldest_at = entries[0].at if entries else None
    assert spool.state() == SpoolState(entries=len(entries), bytes=spool.bytes, limit=ROOM, oldest_at=oldest_at)


def size_of(entry: Entry) -> int:
    # None of these metas needs more than one byte a character.
    return len(entry.text.encode()) + len(str(entry.meta))


def files(folder: Path) -> set[Path]:
    return set(folder.glob("*.db"))


def contents(folder: Path) -> bytes:
    """Give all bytes in a folder, those of names included."""
    return b"".join(path.name.encode() + path.read_bytes() for path in folder.iterdir())


def modes(folder: Path) -> tuple[int, set[int]]:
    return folder.stat().st_mode & 0o777, {path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def left(folder: Path, store: str = STORE) -> list[Path]:
    return await asyncio.to_thread(orphans, folder, store)


async def left_behind(folder: Path, *appends: Append, store: str = STORE) -> Path:
    """Leave a file with appends in it, as a process does that ends while the store is away."""
    before = files(folder)
    spool = Spool(folder, store, limit=ROOM)
    for each in appends:
        await spool.put([each])
    await spool.close()
    (path,) = files(folder) - before
    return path


async def started(script: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def ended(child: asyncio.subprocess.Process) -> list[int]:
    """Kill a process; returns the numbers that it had printed."""
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    out, _ = await child.communicate()
    return [int(line) for line in out.split()]


def threads() -> list[str]:
    """Name the threads of spools that are not closed."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("companions-spool")]
