"""Observers and stores at their worst: what fails or will not end costs its own events, and nothing after them."""

import asyncio
import contextlib
from dataclasses import dataclass

import pytest

from companions.errors import StoreError
from sessions import observer_line, observing
from sessions.observers import Observed, Observer
from sessions.observing import Observing
from sessions.open_sessions import OpenSessions
from sessions.store import Append, Head
from sessions.stores.memory.store import MemoryStore
from tests.sessions.building import Story, note, placed
from tests.sessions.faults import LOOK_SECONDS, until
from tests.sessions.watched import Notes
from tests.sessions.writing import log_of


class Failing(MemoryStore):
    """A store whose heads cannot be read as often as a test says."""

    fault: Exception | None = None

    async def head(self, session_id: str) -> Head | None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        return await super().head(session_id)


def drafted(session_id: str, text: str = "So.") -> Append:
    return Append(session_id=session_id, entries=(placed(note("draft", text=text), 2),))


@pytest.mark.parametrize("fault", [ZeroDivisionError("a bug"), StoreError("It does not.", "Wait.")])
async def test_a_look_up_that_fails_costs_one_event_and_the_log_says_so(fault: Exception) -> None:
    store, notes = Failing(), Notes()
    await Story(store, "s1").write(note())
    told = Observing(OpenSessions(), store)
    told.add("notes", notes)
    store.fault = fault
    with log_of("companions.observers") as said:
        told.stored(drafted("s1"))
        told.stored(drafted("s1"))
        await until(lambda: bool(notes.heard))
    await told.rest()
    assert notes.of("s1") == ["entry draft 2"]
    assert said == ["observer notes failed 0 times and was not told of 1 events"]


@dataclass(slots=True)
class Stubborn(Notes):
    """Swallows every cancellation until a test lets it go."""

    free: bool = False

    async def on_deleted(self, session: Observed) -> None:
        await self._note(session, "deleted")
        while not self.free:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(LOOK_SECONDS)


async def test_the_end_waits_for_a_moment_only_for_one_that_will_not_be_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DRAIN_SECONDS", "CANCEL_SECONDS"):
        monkeypatch.setattr(observing, name, 0.01)
    told, stubborn, store = Observing(OpenSessions(), MemoryStore()), Stubborn(), MemoryStore()
    told.add("notes", stubborn)
    first, second, third = (Story(store, name).opening for name in ("s1", "s2", "s3"))
    with log_of("companions.observers") as said:
        told.deleted(first)
        told.deleted(second)
        await stubborn.until(1)
        (task,) = (line.task for line in told._lines)  # pyright: ignore[reportPrivateUsage] (it is forgotten)
        async with asyncio.timeout(30):
            await told.rest()
    assert said == ["observer notes was not told of 2 events before the end"]
    stubborn.free = True
    assert task is not None
    await asyncio.wait({task})
    told.deleted(third)
    await told.rest()
    assert [session_id for _, session_id, _ in stubborn.heard] == ["s1", "s3"]


async def test_what_waits_for_observers_yet_to_be_loaded_is_bounded_by_its_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observer_line, "MOST_CHARACTERS", 10)
    store, notes = MemoryStore(), Notes()
    await Story(store, "s1").write(note())

    def load() -> list[tuple[str, Observer]]:
        monkeypatch.setattr(observer_line, "MOST_CHARACTERS", 1_000)  # the line itself refuses nothing
        return [("notes", notes)]

    told = Observing(OpenSessions(), store, load=load)
    with log_of("companions.observers") as said:
        for text in ("So.", "x" * 8, "Yes."):
            told.stored(drafted("s1", text))
        await until(lambda: len(notes.heard) == 2)
        await told.rest()
    assert notes.of("s1") == ["entry draft 2"] * 2
    assert said == ["observer notes failed 0 times and was not told of 1 events"]
