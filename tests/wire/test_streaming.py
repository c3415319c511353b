"""A model's text on its way to an MCP client: batches of bounded size, of which nothing is left out in silence."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.provider import replies
from tests.provider.replies import Signal
from tests.provider.server import Provider
from tests.wire.processes import ERAS, MODEL, Era, Served, serving_http, with_model
from tools.waiting import SHOWN

pytest_plugins = ("tests.provider.fixtures",)

LONG = " ".join(f"word{number}" for number in range(1_500))
LEFT_OUT = re.compile(r"\.\.\. ([\d,]+) more characters \.\.\.\n")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, _served_provider: Provider) -> Iterator[Served]:
    settings = with_model(_served_provider, COMPANIONS_FALLBACK_MODELS="openai:second", COMPANIONS_SILENCE_SECONDS="3")
    with serving_http(tmp_path_factory.mktemp("streaming"), settings) as served:
        yield served


class Reader:
    """Puts the batches together again, and sees of each that it lies within its bounds."""

    def __init__(self, whole: str) -> None:
        self.whole = whole
        self.place = self.left_out = self.texts = 0
        self.begun = asyncio.Event()
        self.last = -1.0

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        del total
        assert progress > self.last
        self.last = progress
        head, _, shown = str(message).partition("\n")
        assert re.fullmatch(r"draft: [\d,]+ characters after \d+ s", head)
        if found := LEFT_OUT.match(shown):
            count = int(found[1].replace(",", ""))
            self.place, self.left_out, shown = self.place + count, self.left_out + count, shown[found.end() :]
        assert len(shown) <= SHOWN
        assert self.whole[self.place :].startswith(shown)
        self.place += len(shown)
        self.texts += bool(shown)
        assert f"{self.place:,} characters" in head
        self.begun.set()


@pytest.mark.parametrize("era", ERAS)
async def test_a_text_arrives_in_batches_that_say_how_much_they_leave_out(
    served: Served, era: Era, provider: Provider
) -> None:
    gate, reader = Signal(), Reader(LONG)
    provider.queue(replies.text(LONG, pieces=4, gate=gate, seconds=1.5))
    async with served.client(era) as client, asyncio.timeout(60):
        call = asyncio.create_task(client.call_tool("draft", {"query": f"Streamed in {era}?"}, progress_handler=reader))
        await reader.begun.wait()  # the first batch came while the model was still at it
        gate.set()
        told = (await call).structured_content
    assert told["text"] == LONG
    assert reader.texts >= 2
    assert reader.left_out > 0


@pytest.mark.parametrize("era", ERAS)
async def test_a_stream_that_stalls_ends_within_its_bound_and_the_next_model_writes(
    served: Served, era: Era, provider: Provider
) -> None:
    provider.by_model = {MODEL: replies.broken("hang_mid_stream"), "second": replies.text("Written by the second.")}
    async with served.client(era) as client, asyncio.timeout(60):
        told: dict[str, Any] = (await client.call_tool("draft", {"query": f"Stalled in {era}?"})).structured_content
    assert (told["text"], told["model"]) == ("Written by the second.", "second")
    assert any(line.startswith(f"second wrote in place of openai:{MODEL}: ") for line in told["advice"])
