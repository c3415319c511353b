"""How long a host waits for our tools: from the start of the process to the answer to ``tools/list``, over stdio.

``python server.py`` with an empty home and no key is started in turn with a one-tool FastMCP server. JSON-RPC goes
through a plain pipe: no client's own start is measured.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import row, table, verdict

ROOT = Path(__file__).resolve().parents[1]
OURS, BARE = ROOT / "server.py", ROOT / "benchmarks" / "bare_server.py"
BAR = 1.25
META = "io.modelcontextprotocol"
CLIENT = {"name": "benchmark", "version": "1"}
LIST = 1
"""The id of the request whose answer is waited for."""

ERAS: dict[str, list[dict[str, Any]]] = {
    "2026-07-28": [
        {
            "id": LIST,
            "method": "tools/list",
            "params": {
                "_meta": {
                    f"{META}/protocolVersion": "2026-07-28",
                    f"{META}/clientInfo": CLIENT,
                    f"{META}/clientCapabilities": {},
                }
            },
        }
    ],
    "2025-11-25": [
        {
            "id": 0,
            "method": "initialize",
            "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT},
        },
        {"method": "notifications/initialized"},
        {"id": LIST, "method": "tools/list"},
    ],
}


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds until the answer, and seconds of processor time until then."""

    elapsed: float
    computed: float


def start(script: Path, era: str) -> Start:
    """Start a server, ask for its tools, and kill it."""
    asked = b"".join(json.dumps({"jsonrpc": "2.0"} | message).encode() + b"\n" for message in ERAS[era])
    with tempfile.TemporaryDirectory() as home:
        began, used = time.perf_counter(), _computed()
        with subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": home},
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("the pipes were asked for")
            process.stdin.write(asked)
            process.stdin.flush()
            answer = next(answer for answer in map(json.loads, process.stdout) if answer.get("id") == LIST)
            elapsed = time.perf_counter() - began
            process.kill()  # its end is not what a host waits for
            if not answer["result"]["tools"]:
                raise RuntimeError(f"{script} has no tools")
        return Start(elapsed, _computed() - used)


def _computed() -> float:
    """Give the processor time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare(era: str, rounds: int) -> None:
    """Start both in turn and tell the ratios."""
    starts: dict[Path, list[Start]] = {BARE: [], OURS: []}
    for number in range(rounds + 1):
        for script, taken in starts.items():
            sample = start(script, era)
            if number:  # the first one compiles and fills the disk's cache
                taken.append(sample)
    print(f"\nProtocol {era}")
    table("ms")
    bare, ours = (row(f"{script.name}, until the answer", [s.elapsed for s in starts[script]]) for script in starts)
    busy = {script: statistics.median(s.computed for s in taken) for script, taken in starts.items()}
    verdict("ratio of medians", ours / bare, BAR)
    print(f"ratio of processor time: {busy[OURS] / busy[BARE]:.2f} (steadier where others use the machine)")


def main() -> None:
    """Compare the starts in both protocol eras."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="starts of each (15)")
    rounds = parser.parse_args().rounds
    for era in ERAS:
        compare(era, rounds)


if __name__ == "__main__":
    main()
