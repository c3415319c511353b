"""How many bytes a draft sends to its model, with and without a native session, as a session grows.

One session of 50 drafts each way, over MCP in memory; the provider is one on the loopback, asked over real HTTP.
Without a native session a draft sends the six newest questions with their answers, so that it grows until there are so
many. With one it is to stay flat; otherwise, or if the provider's model was shown less, the exit status is 1.
"""

import argparse
import asyncio
import sys
from typing import Any

from fastmcp import Client

import server
from benchmarks.figures import words
from tests.provider import replies
from tests.provider.server import KEY, Exchange, Provider, serving

FLAT = 1.05
"""The largest draft of a native session, in times the smallest that goes on from another."""
GROWS = 3.0
"""What the largest draft without one must at least be, in times the smallest: else nothing was measured."""
SHOWN = (1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50)


async def drafted(provider: Provider, drafts: int, size: int, *, native: bool) -> list[Exchange]:
    """Make the drafts of one session, each answered with so many bytes; gives what the provider was asked."""
    provider.reset()
    provider.author = lambda _: replies.text(words(size), pieces=3)
    settings: dict[str, Any] = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": provider.url, "native_sessions": native}
    wired = server.Wired.of(server.Settings(store="memory://", model="openai:gpt-5-mini", **settings))
    async with Client(wired.server()) as client:
        given: dict[str, str] = {}
        for number in range(drafts):
            query = f"Question {number:03}: what follows from this, and what does not?"
            body = (await client.call_tool("draft", {"query": query, **given})).structured_content or {}
            given = {"session_id": str(body["session_id"])}
    return [*provider.exchanges]


def size_of(exchange: Exchange) -> int:
    """Give the bytes of a request's body."""
    return int(exchange.headers["content-length"])


def tell(without: list[Exchange], native: list[Exchange]) -> bool:
    """Print a line for each of some drafts; gives whether all is as it should be."""
    print(f"{'draft':>6}{'whole history':>16}{'native session':>16}{'texts its model was shown':>28}")
    for number in SHOWN:
        if number <= len(native):
            whole, new = without[number - 1], native[number - 1]
            shown = f"{len(whole.prompt)} and {len(new.prompt)}"
            print(f"{number:>6}{size_of(whole):>14,} B{size_of(new):>14,} B{shown:>28}")
    grown = [max(map(size_of, each)) / min(map(size_of, each)) for each in (without, native[1:])]
    print(f"largest / smallest: {grown[0]:.2f} with the whole history, {grown[1]:.2f} in a native session")
    less = any(len(new.prompt) < len(whole.prompt) for whole, new in zip(without, native, strict=True))
    return grown[0] >= GROWS and grown[1] <= FLAT and not less


def main() -> int:
    """Run it; the exit status says whether a native session's drafts stay flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drafts", type=int, default=50)
    parser.add_argument("--size", type=int, default=1_500, help="bytes of each answer")
    chosen = parser.parse_args()
    with serving() as provider:
        without, native = (
            asyncio.run(drafted(provider, chosen.drafts, chosen.size, native=native)) for native in (False, True)
        )
    return 0 if tell(without, native) else 1


if __name__ == "__main__":
    sys.exit(main())
