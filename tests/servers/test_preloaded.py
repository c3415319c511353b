import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.preloaded import SERVER

WHOLE = "import os, sys; os.execv(sys.executable, sys.orig_argv[:1] + sys.argv[1:])"


def _doctor(*start: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    given = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
    command = [sys.executable, *start, SERVER, "doctor"]
    return subprocess.run(command, cwd=folder, env=given, stdin=subprocess.DEVNULL, capture_output=True, check=False)


@pytest.mark.parametrize("settings", [{}, {"COMPANIONS_STORE": "nonsense://"}, {"COMPANIONS_MODEL": "openai:x"}])
def test_a_program_that_was_forked_says_and_returns_what_one_that_was_started_does(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    forked = _doctor(folder=tmp_path, **settings)
    started = _doctor("-c", WHOLE, folder=tmp_path, **settings)
    assert (forked.returncode, forked.stdout, forked.stderr) == (started.returncode, started.stdout, started.stderr)
    assert forked.stdout + forked.stderr


def test_a_program_that_was_forked_is_a_child_in_a_session_of_its_own_and_dies_of_a_signal(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, SERVER], cwd=tmp_path, stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        while os.getsid(process.pid) != process.pid:
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
