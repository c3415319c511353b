"""What sealing costs: a step, a tail and a page with and without it, on every store, and what it takes of the loop.

Both kinds of store hold the same texts and take turns. A step is an append of two entries with its head row and the
tail that a companion is opened by; the writer and the model are left out, since they seal nothing.
"""

import argparse
import asyncio
import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.figures import row, table, timed, verdict, words
from benchmarks.persistence.places import STORES, databases
from companions.companion import EXCHANGES, VERSIONS
from companions.entries import Entry, Kind
from sessions.opening import open_store
from sessions.sealing.cipher import Cipher
from sessions.sealing.entries import opened, sealed
from sessions.sealing.keys import Keyring
from sessions.sealing.store import SealedStore
from sessions.store import Append, Opening, Projection, Window

KEYRING = Keyring({"benchmark": bytes(range(32))})
KINDS: dict[str, Keyring | None] = {"plain": None, "sealed": KEYRING}
SESSION, OWNER, TYPE = "sealed-or-not", "ann", "generic"
SIZES = {"critique": 1_500, "revision": 3_000}
WINDOW = Window(versions=VERSIONS, exchanges=EXCHANGES)
WARM, PAGE = 10, 100
LARGEST = 200_000
STEP_BAR, LOOP_BAR = 1.25, 2.0
"""Times a step without sealing; milliseconds of the event loop for the largest text."""


def entry(seq: int, kind: Kind, text: str) -> Entry:
    """Make the entry of a session that goes on and on."""
    meta = {"similarity": 0.5, "model": "some-model", "usage": {"input_tokens": 900, "output_tokens": 300}}
    place: dict[str, Any] = {
        "companion_type": TYPE,
        "slot": 0,
        "index": max(0, seq - 3) // 2,
        "author": OWNER,
        "at": 1.0 + seq,
    }
    return Entry(seq=seq, id=f"a-{seq}", kind=kind, text=text, meta=meta | {"based_on": 0}, **place)


def beginning() -> Append:
    """Open a session."""
    entries = tuple(entry(seq, kind, words(200)) for seq, kind in enumerate(("configure", "query", "draft"), start=1))
    return Append(session_id=SESSION, entries=entries, opening=Opening(session_id=SESSION, owner=OWNER, created_at=1.0))


async def step(store: SealedStore, seq: int, texts: Sequence[str]) -> None:
    """Store a critique and its revision, and what listings show then."""
    kinds: tuple[Kind, ...] = ("critique", "revision")
    made = tuple(entry(seq + n, kind, text) for n, (kind, text) in enumerate(zip(kinds, texts, strict=True)))
    await store.append([Append(session_id=SESSION, entries=made)])
    shown = {TYPE: {"phase": "critique", "slot": 0, "iteration": seq}}
    await store.project(
        [Projection(session_id=SESSION, seq=seq, title="T", last_used=1.0, preview=texts[1][:200], companions=shown)]
    )


async def measure(urls: dict[str, str], rounds: int) -> None:
    """Take steps in both kinds of store in turn, and read them back."""
    stores = {name: SealedStore(open_store(url), KINDS[name]) for name, url in urls.items()}
    samples = defaultdict[str, list[float]](list)
    for store in stores.values():
        await store.load()
        await store.append([beginning()])
    for number, seq in zip(range(rounds + WARM), itertools.count(4, 2), strict=False):
        texts = [words(size) for size in SIZES.values()]
        for name, store in stores.items():
            with timed(taken := list[float]()):
                await step(store, seq, texts)
            with timed(taken):
                await store.tail(SESSION, TYPE, WINDOW)
            with timed(taken):
                await store.page(SESSION, limit=PAGE)
            if number >= WARM:
                for what, seconds in zip(("step", "tail", f"page of {PAGE}"), taken, strict=True):
                    samples[f"{what}, {name}"].append(seconds)
    table("ms")
    middle = {name: row(name, seconds) for name, seconds in sorted(samples.items())}
    verdict("a step sealed, against plain", middle["step, sealed"] / middle["step, plain"], STEP_BAR)
    for what in ("tail", f"page of {PAGE}"):
        print(f"{what} sealed, against plain: {middle[f'{what}, sealed'] / middle[f'{what}, plain']:.2f}")
    for store in stores.values():
        await store.close()


def largest(rounds: int) -> None:
    """Seal and open the longest text that is taken by default: so long the event loop does nothing else."""
    cipher, samples = Cipher(KEYRING), defaultdict[str, list[float]](list)
    cipher.load()
    text = words(LARGEST)
    for seq in range(1, rounds + 1):
        with timed(samples["sealing"]):
            closed = sealed(cipher, entry(seq, "draft", text), SESSION, None)
        with timed(samples["opening"]):
            opened(cipher, closed)
    print(f"\na text of {LARGEST:,} bytes, in the event loop")
    table("ms")
    for name, seconds in samples.items():
        verdict(name, 1_000 * row(name, seconds), LOOP_BAR, " ms")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=STORES, action="append", help="which; all by default")
    parser.add_argument("--rounds", type=int, default=300)
    chosen = parser.parse_args()
    for name in chosen.store or STORES:
        with databases(name, None) as url:
            print(f"\n{name}")
            asyncio.run(measure({kind: url(kind) for kind in KINDS}, chosen.rounds))
    largest(chosen.rounds)


if __name__ == "__main__":
    main()
