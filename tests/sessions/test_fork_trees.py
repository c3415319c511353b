"""Trees of forks: whatever is stepped, forked, rewound, merged and forgotten, and by whom, each is what it was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companions.companion import Companion
from companions.entries import Entry
from companions.errors import InputError
from sessions.awake import read_companion
from sessions.forking import fork
from sessions.store import Store
from tests.sessions.consulted import consult
from tests.sessions.faults import OWNER, Process

Action = tuple[str, int, int]
"""What is done, to which of the living sessions, and where in it: numbers are taken modulo what there is."""
ACTIONS = st.tuples(
    st.sampled_from(["query", "step", "step", "step", "fork", "fork", "merge", "forget", "restart"]),
    st.integers(0, 99),
    st.integers(0, 99),
)


@dataclass(slots=True)
class Tree:
    """Sessions of one store, and what each of them must be.

    Attributes:
        known: By session that lives, all its entries.
    """

    store: Store
    process: Process
    known: dict[str, list[Entry]] = field(default_factory=dict[str, list[Entry]])
    texts: int = 0

    async def act(self, action: Action) -> None:
        what, which, where = action
        if what == "restart":
            await self.process.calls.rest()
            self.process = Process.on(self.store, keeps=True, early=self.process.calls.desk.sessions.early)
        elif not self.known:
            await self._open(None)
        else:
            session_id = sorted(self.known)[which % len(self.known)]
            match what:
                case "query":
                    await self._open(session_id)
                case "step":
                    await self._step(session_id)
                case "fork":
                    await self._fork(session_id, self.known[session_id][where % len(self.known[session_id])].seq)
                case "merge":
                    await self._merge(session_id, sorted(self.known)[where % len(self.known)])
                case _:
                    await self.process.calls.desk.sessions.forget(OWNER, session_id)
                    del self.known[session_id]

    async def _open(self, session_id: str | None) -> None:
        given = await self.process.step("draft", session_id, "generic", query=self._text(), text=self._text())
        await self._grown(given.session_id)

    async def _step(self, session_id: str) -> None:
        session = await self.process.calls.desk.sessions.find(OWNER, session_id)
        companion = await session.look("generic")
        if companion.slot is None:
            await self._open(session_id)
            return
        await self.process.call(companion.phase, session_id, "generic", text=self._text())
        await self._grown(session_id)

    async def _fork(self, session_id: str, at: int) -> None:
        made = await fork(self.process.calls.desk.sessions, OWNER, session_id, at)
        self.known[made.session_id] = [entry for entry in self.known[session_id] if entry.seq <= at]
        await self._grown(made.session_id)

    async def _merge(self, one: str, other: str) -> None:
        """Merge two branches, in a new session; what each says is what its entries give."""
        texts = {session_id: self._answer(session_id) for session_id in (one, other)}
        asked: dict[str, Any] = {"query": self._text(), "companion_types": (one, other), "text": self._text()}
        if one == other or None in texts.values():
            with pytest.raises(InputError):
                await consult(self.process, **asked)
            return
        made = await consult(self.process, **asked)
        assert made.status == "done"
        await self._grown(made.session_id)
        brought = [entry for entry in self.known[made.session_id] if "branch" in entry.meta]
        assert {entry.meta["branch"]["session_id"]: entry.text for entry in brought} == texts

    def _answer(self, session_id: str) -> str | None:
        entries = self.known[session_id]
        companion = _replayed(entries, entries[-1].companion_type)
        slot = companion.slot
        if slot is not None and slot.answer is None and companion.history:
            return companion.history[-1].answer.text
        return None if slot is None or slot.answer is None else slot.answer.text

    async def _grown(self, session_id: str) -> None:
        entries = await self._read(session_id)
        before = self.known.get(session_id, [])
        assert entries[: len(before)] == before
        assert len(entries) > len(before)
        self.known[session_id] = entries

    async def check(self) -> None:
        for session_id, entries in self.known.items():
            assert await self._read(session_id) == entries
            for name in {entry.companion_type for entry in entries}:
                replayed, live = _replayed(entries, name), await read_companion(self.store, session_id, name)
                assert (live.configuration, live.slot, live.history) == (
                    replayed.configuration,
                    replayed.slot,
                    replayed.history,
                )
        listed = await self.process.calls.desk.sessions.list(OWNER, limit=1_000)
        assert self.known.keys() <= {head.opening.session_id for head in listed}

    async def _read(self, session_id: str) -> list[Entry]:
        """Read all but the marks of what was learned from, which come whenever they come."""
        await self.process.calls.desk.sessions.writer.drain()
        entries = await self.store.page(session_id, limit=10_000)
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        return [entry for entry in entries if entry.kind != "learned"]

    def _text(self) -> str:
        self.texts += 1
        return f"Text {self.texts}: " + " ".join(f"word{self.texts * number}" for number in range(1, 6))


def _replayed(entries: Sequence[Entry], name: str) -> Companion:
    replayed = Companion(name)
    for entry in entries:
        if entry.companion_type == name:
            replayed.apply(entry)
    return replayed


@pytest.mark.parametrize("early", [False, True])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(ACTIONS, min_size=5, max_size=25))
async def test_each_session_of_a_tree_is_what_it_was_whatever_is_done_to_the_others(
    store: Store, early: bool, actions: list[Action]
) -> None:
    tree = Tree(store, Process.on(store, keeps=True, early=early))
    try:
        for action in actions:
            await tree.act(action)
        await tree.check()
        for session_id in tree.known:
            await tree.process.calls.desk.sessions.forget(OWNER, session_id)
        assert await tree.process.calls.desk.sessions.list(OWNER) == []
    finally:
        await tree.process.calls.rest()
