"""Whatever is stepped, titled, pinned, unpinned, forked and restarted, each session is listed as was said of it."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.labelling import pin, set_title, unpin
from sessions.labels import Label
from sessions.projections import label_of
from sessions.store import Store
from tests.sessions.faults import OWNER, Process
from tests.sessions.forks import forked
from tests.sessions.labelled import head_of, opened

ACTIONS = st.lists(
    st.tuples(st.sampled_from(["open", "step", "title", "pin", "unpin", "fork", "restart"]), st.integers(0, 9)),
    min_size=4,
    max_size=16,
)


@dataclass(slots=True)
class Shelf:
    """Sessions of one store, and the label that each must have.

    Attributes:
        asked: By session, its first query.
    """

    process: Process
    labels: dict[str, Label] = field(default_factory=dict[str, Label])
    asked: dict[str, str] = field(default_factory=dict[str, str])

    async def act(self, number: int, what: str, which: int) -> None:
        sessions = self.process.calls.desk.sessions
        if what == "restart":
            await self.process.calls.rest()
            self.process = Process.on(self.process.store.store, keeps=True, early=sessions.early)
            return
        if what == "open" or not self.labels:
            (session_id,) = await opened(self.process, f"Question {number}?")
            self._begun(session_id, f"Question {number}?")
            return
        session_id = sorted(self.labels)[which % len(self.labels)]
        label = self.labels[session_id]
        match what:
            case "step":
                await self.process.step("draft", session_id, "strategy", query=f"And {number}?", text="So.")
            case "title":
                await set_title(sessions, OWNER, session_id, f"Title {number}")
                self.labels[session_id] = replace(label, title=f"Title {number}")
            case "fork":
                self._begun((await forked(self.process, session_id)).session_id, self.asked[session_id])
            case _:
                await self._pin(session_id, pinned=what == "pin")

    def _begun(self, session_id: str, query: str) -> None:
        self.asked[session_id], self.labels[session_id] = query, Label(title=query)

    async def _pin(self, session_id: str, *, pinned: bool) -> None:
        await (pin if pinned else unpin)(self.process.calls.desk.sessions, OWNER, session_id)
        self.labels[session_id] = replace(self.labels[session_id], pinned=pinned)

    async def check(self) -> None:
        await self.process.calls.desk.sessions.writer.drain()
        heads = await self.process.calls.desk.sessions.list(OWNER, limit=100)
        shown = {head.opening.session_id: label_of(head.projection) for head in heads if head.projection is not None}
        assert shown == self.labels
        pinned = [head.pinned for head in heads]
        assert pinned == sorted(pinned, reverse=True)
        for session_id in self.labels:
            await head_of(self.process, session_id)


@pytest.mark.parametrize("early", [False, True])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
async def test_every_session_keeps_its_label_whatever_is_done(
    store: Store, early: bool, actions: list[tuple[str, int]]
) -> None:
    shelf = Shelf(Process.on(store, keeps=True, early=early))
    try:
        for number, action in enumerate(actions):
            await shelf.act(number, *action)
        await shelf.check()
    finally:
        for session_id in shelf.labels:
            await shelf.process.calls.desk.sessions.forget(OWNER, session_id)
        await shelf.process.calls.rest()
