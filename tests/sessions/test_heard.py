"""What models have written so far, and how it is told: in batches, to listeners who may be slow or gone."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.heard import KEPT, Heard
from sessions.running import Key, Running, Runs
from sessions.teller import Teller
from tests.sessions.gate import Gate

KEY = Key(("s", "generic", "draft"))


def test_a_batch_is_the_newest_of_what_was_written_since_and_counts_the_rest() -> None:
    heard = Heard()
    heard.hear("generic", "one two three")
    (batch,) = heard.since({}, most=5)
    assert (batch.left_out, batch.text, batch.upto) == (8, "three", 13)
    assert heard.since({"generic": 13}, most=5) == []
    heard.hear("generic", "!")
    (batch,) = heard.since({"generic": 13}, most=5)
    assert (batch.left_out, batch.text) == (0, "!")


def test_several_companions_share_the_room_of_a_batch() -> None:
    heard = Heard()
    for name in ("generic", "strategy"):
        heard.hear(name, f"{name} writes")
    assert heard.several
    assert [(batch.companion_type, len(batch.text)) for batch in heard.since({}, most=10)] == [
        ("generic", 5),
        ("strategy", 5),
    ]


@given(st.lists(st.tuples(st.text(max_size=3 * KEPT), st.booleans()), max_size=8), st.integers(1, 2 * KEPT))
def test_whatever_is_written_is_shown_or_counted(pieces: list[tuple[str, bool]], most: int) -> None:
    heard, whole, place = Heard(), "", 0
    for piece, told in pieces:
        heard.hear("generic", piece)
        whole += piece
        for batch in heard.since({"generic": place}, most) if told else ():
            place += batch.left_out
            assert whole[place : place + len(batch.text)] == batch.text
            place += len(batch.text)
            assert len(batch.text) <= most
            assert place == batch.upto == len(whole)


async def test_a_listener_that_never_listens_holds_up_neither_the_step_nor_its_answer() -> None:
    runs, deaf, working = Runs(), Gate(), Gate()
    deaf.close()
    working.close()
    told = list[int]()

    async def make(run: Running) -> str:
        run.hear("generic", "some words")
        await working.passed()
        return "done"

    async def on_wait(run: Running) -> None:
        told.append(run.heard.characters)
        await deaf.passed()

    until = asyncio.get_running_loop().time() + 60
    call = asyncio.create_task(runs.run(KEY, make, until=until, every=0.01, on_wait=on_wait))
    await deaf.reached.wait()
    ticks, ticked = list[int](), asyncio.Event()

    async def count(run: Running) -> None:
        ticks.append(run.waiting)
        if len(ticks) >= 5:
            ticked.set()

    other = asyncio.create_task(runs.run(KEY, make, until=until, every=0.01, on_wait=count))
    await ticked.wait()
    working.open()
    assert await asyncio.wait_for(asyncio.gather(call, other), 30) == ["done", "done"]
    assert told == [10]


async def test_what_a_listener_failed_with_is_raised_by_the_next_telling() -> None:
    asked = asyncio.Event()

    async def gone() -> None:
        asked.set()
        raise ConnectionError

    teller = Teller(gone)
    teller.again()
    await asked.wait()
    with pytest.raises(ConnectionError):
        teller.again()
    await teller.end()
