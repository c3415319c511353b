"""What must hold of a session at any moment, whatever happened to it: read from the store and compared."""

from collections.abc import Mapping, Sequence

from companions.companion import Companion, phase_of
from companions.entries import Entry
from sessions.reading import Reading
from sessions.session import read_companion
from tests.sessions.faults import OWNER, Process
from tests.sessions.oracle import OracleCompanion
from tests.sessions.pages import merged, pages

TOLD = ("query", "draft", "critique", "revision")


async def check(
    session_id: str,
    processes: Sequence[Process],
    oracle: Mapping[str, OracleCompanion],
    answered: Mapping[str, str],
    lost: Sequence[str],
) -> None:
    """Compare everything.

    Args:
        session_id: The session.
        processes: All that have it open.
        oracle: What each companion's run_log must be.
        answered: The texts of all entries that were answered, by id.
        lost: The texts that came second.
    """
    entries = await processes[0].entries(session_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1)), "numbers have no gaps"
    texts = {entry.id: entry.text for entry in entries}
    assert len(texts) == len(entries), "no id is given out twice"
    assert {entry_id: texts.get(entry_id) for entry_id in answered} == answered, "what was answered is stored"
    assert [entry.text for entry in entries if entry.kind == "alternative"] == list(lost)
    for name, companion in oracle.items():
        mine = [entry for entry in entries if entry.companion_type == name]
        assert bool(mine) == bool(companion.slots)
        if mine:
            await check_companion(session_id, processes, mine, companion)


async def check_companion(
    session_id: str, processes: Sequence[Process], entries: Sequence[Entry], oracle: OracleCompanion
) -> None:
    """Compare one companion: replayed, restored, live in each process, and as it is read page by page."""
    name = entries[0].companion_type
    replayed = Companion(name)
    for entry in entries:
        replayed.apply(entry)
    restored = await read_companion(processes[0].store.store, session_id, name)
    assert restored == replayed, "a short read restores what all entries make"
    assert restored.phase == phase_of_lengths(oracle)
    for process in processes:
        session = await process.calls.desk.sessions.find(OWNER, session_id)
        assert await session.look(name) == restored, "what is in memory is what is stored"
    run_log = merged(await pages(Reading(calls=processes[-1].calls), session_id, "run_log", companion_type=name))
    assert [{key: slot[key] for key in TOLD} for slot in run_log] == [slot.told() for slot in oracle.slots]


def phase_of_lengths(oracle: OracleCompanion) -> str:
    slot = oracle.newest
    if slot is None:
        return "draft"
    return phase_of(drafted=bool(slot.draft), critiques=len(slot.critique), revisions=len(slot.revision))
