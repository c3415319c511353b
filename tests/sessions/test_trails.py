"""Trails: whatever a session's companions wrote, following marks finds what its entries say."""

from hypothesis import given, settings

from companions.entries import Entry
from sessions.store import Window
from sessions.stores.trails import Marked, Marks, tail
from tests.sessions.building import COMPANIONS, SCRIPTS, WINDOWS, Script, Wish, expected_tail, fulfil, note, placed


class Walked:
    """A session's marked entries, and how many rounds its last walk took."""

    def __init__(self) -> None:
        self.stored: dict[int, Marked] = {}
        self.marks = Marks()
        self.rounds = 0

    @property
    def entries(self) -> list[Entry]:
        return [marked.entry for marked in self.stored.values()]

    def write(self, entry: Entry) -> None:
        self.marks = self.marks.reading(self.stored[seq] for seq in self.marks.missing([entry]))
        mark, self.marks = self.marks.mark(entry)
        self.stored[entry.seq] = Marked(entry, mark)

    def reopen(self) -> None:
        """Forget what is known, as a process does that has not written to the session yet."""
        self.marks = Marks.at(self.stored[len(self.stored)])

    def tail(self, companion: str, window: Window) -> list[Entry]:
        walk, got = tail(self.stored[len(self.stored)], companion, window), dict[int, Marked]()
        self.rounds = 0
        try:
            wanted = next(walk)
            while True:
                got |= {seq: self.stored[seq] for seq in wanted}
                self.rounds += 1
                wanted = walk.send({seq: got[seq] for seq in wanted})
        except StopIteration as end:
            return end.value


@given(script=SCRIPTS)
@settings(deadline=None, max_examples=200)
def test_a_walk_finds_what_the_entries_say(script: Script) -> None:
    session = Walked()
    for number, step, times in script:
        for _ in range(times if isinstance(step, Wish) else 0):
            assert isinstance(step, Wish)
            entry = placed(fulfil(session.entries, step), len(session.stored) + 1)
            if number % 3 == 0 and session.stored:
                session.reopen()
            session.write(entry)
    for companion in COMPANIONS if session.stored else ():
        for window in WINDOWS:
            assert session.tail(companion, window) == expected_tail(session.entries, companion, window)


def test_a_walk_through_five_thousand_steps_takes_as_many_rounds_as_through_fifty() -> None:
    rounds = list[int]()
    for iterations in (25, 2500):
        session = Walked()
        steps = [note("configure"), note("query"), note("draft")]
        for index in range(iterations):
            steps += [note("critique", index=index), note("revision", index=index, based_on=index)]
        for seq, each in enumerate(steps, start=1):
            session.write(placed(each, seq))
        assert len(session.tail("generic", WINDOWS[0])) == 4 + WINDOWS[0].versions
        rounds.append(session.rounds)
    assert rounds[0] == rounds[1]


def test_a_mark_of_a_long_session_is_a_few_dozen_bytes() -> None:
    session = Walked()
    for seq, each in enumerate([note("configure"), note("query"), note("draft")], start=1):
        session.write(placed(each, seq))
    for index in range(2500):
        for kind in ("critique", "revision"):
            session.write(placed(note(kind, index=index, based_on=index), len(session.stored) + 1))
    assert max(len(marked.mark) for marked in session.stored.values()) <= 32
