"""What an export that was killed has left beside its target, and what the next one removes of it."""

import os
import subprocess
import sys
from pathlib import Path

from sessions.archives.zipping import Part, Zipping

ROOT = Path(__file__).parents[2]
HOLDING = """
import sys
from pathlib import Path
from sessions.archives.zipping import Zipping
zipping = Zipping(Path(sys.argv[1]))
print(flush=True)
sys.stdin.read()
"""


def begun(target: Path) -> "subprocess.Popen[bytes]":
    """Begin to write a file, in a process of its own."""
    command = [sys.executable, "-c", HOLDING, str(target)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"
    return process


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_a_killed_export_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "all.zip"
    killed, living = begun(target), begun(target)
    with killed, living:
        before = names(tmp_path)
        killed.kill()
        killed.wait()
        others = {".all.zip.notours1", ".all.zip.0123456", ".all_zip.01234567", "all.zip.01234567", ".b.zip.01234567"}
        for name in others:
            (tmp_path / name).touch()
        (tmp_path / ".all.zip.aaaaaaaa").mkdir()
        (tmp_path / ".all.zip.bbbbbbbb").symlink_to(tmp_path / ".all.zip.notours1")
        os.mkfifo(tmp_path / ".all.zip.cccccccc")
        others |= {".all.zip.aaaaaaaa", ".all.zip.bbbbbbbb", ".all.zip.cccccccc"}
        zipping, part = Zipping(target), Part()
        part.write(b"whole")
        zipping.add("one", part)
        part.close()
        zipping.finish()
        held = names(tmp_path) - others - {"all.zip"}
        # The living one's is still there, and so is what was never ours.
        assert len(before) == 2
        assert len(held) == 1
        assert held < before
        living.communicate()
    Zipping(target).close()
    assert names(tmp_path) == others | {"all.zip"}
