"""A slow disk, emulated: every flush of this process and of the servers that it starts waits before it is made.

A library of two functions is compiled and loaded before all others in a process of its own; nothing is measured here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MARK = "BENCHMARK_FLUSH_MS"
"""Set in the process that has the library loaded."""

_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
typedef int (*flush)(int);
static void wait_first(void) {
    struct timespec pause = {MICROSECONDS / 1000000, (MICROSECONDS % 1000000) * 1000L};
    while (nanosleep(&pause, &pause)) {}
}
int fsync(int file) { wait_first(); return ((flush) dlsym(RTLD_NEXT, "fsync"))(file); }
int fdatasync(int file) { wait_first(); return ((flush) dlsym(RTLD_NEXT, "fdatasync"))(file); }
"""


def slowed(milliseconds: float) -> int | None:
    """Run this command again with slow flushes.

    Returns:
        Its exit code; 2 if it cannot be done here; ``None`` in the process whose flushes are slow already.
    """
    if MARK in os.environ:
        if _flush_seconds() >= milliseconds / 1000:
            return None
        print("flushes are not slowed: this Python, or a library of it, does not call them through the C library")
        return 2
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        print("--flush-ms needs a C compiler (gcc or cc), and there is none")
        return 2
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)  # PostgreSQL runs as another user where we are root
        library = _compiled(compiler, folder, milliseconds)
        changed = os.environ | {"LD_PRELOAD": str(library), MARK: f"{milliseconds:g}"}
        return subprocess.run([sys.executable, *sys.orig_argv[1:]], env=changed, check=False).returncode


def _compiled(compiler: str, folder: Path, milliseconds: float) -> Path:
    source, library = folder / "slow_disk.c", folder / "slow_disk.so"
    source.write_text(_SOURCE)
    flags = ["-shared", "-fPIC", "-O1", f"-DMICROSECONDS={round(1000 * milliseconds)}"]
    subprocess.run([compiler, *flags, "-o", library, source, "-ldl"], check=True)
    library.chmod(0o755)
    return library


def _flush_seconds() -> float:
    with tempfile.TemporaryFile() as file:
        began = time.perf_counter()
        os.fdatasync(file.fileno())
        return time.perf_counter() - began
