"""Sends many hostile inputs, each followed by a good call, over stdio and HTTP in both protocols; counts harm.

It ends with exit code 1 if the server crashed, hung, told a library's text or left a good call unanswered.
"""

import argparse
import tempfile
from pathlib import Path

from tests.wire.processes import PLACES
from tests.wire.striking import strike


def main() -> None:
    """Send them, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="of each way in (default: 10,000)")
    parser.add_argument("--first", type=int, default=1_000_000, help="number of the first (default: 1,000,000)")
    chosen = parser.parse_args()
    complaints = list[str]()
    for kind, era in PLACES:
        with tempfile.TemporaryDirectory() as folder:
            found = strike(kind, era, Path(folder), chosen.inputs, chosen.first)
        print(f"{kind}, {era}: {chosen.inputs:,} inputs, {len(found)} complaints", flush=True)
        complaints += found
    for complaint in complaints[:20]:
        print(complaint)
    raise SystemExit(1 if complaints else 0)


if __name__ == "__main__":
    main()
