"""A mark that comes with a loop's revision is kept with it, and one that has no revision is said to be lost."""

import pytest

from sessions.loops import UNSCORED
from sessions.stores.memory.store import MemoryStore
from tests.sessions.looping import MORE, kept, process_on, refine, version


async def test_a_mark_is_kept_with_the_revision_that_it_came_with() -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        session_id = (await refine(process, query="Q?", text=version(0))).session_id
        await refine(process, session_id, text=MORE)
        told = await refine(process, session_id, text=version(9), score=0.75)
        assert told.not_recorded is None
        again = await refine(process, session_id, text=version(9), score=0.75)
        assert again.not_recorded is None
        assert [entry.meta.get("score") for entry in await kept(process, session_id, "revision")] == [0.75]
        assert (await refine(process, session_id, text=version(9), score=0.5)).not_recorded == UNSCORED


@pytest.mark.parametrize("text", [None, MORE])
async def test_a_mark_without_a_revision_is_said_to_be_lost(text: str | None) -> None:
    async with process_on(MemoryStore(), mode="client") as process:
        opened = await refine(process, query="Q?", text=version(0), score=0.5)
        assert opened.not_recorded == UNSCORED
        assert (await refine(process, opened.session_id, text=text, score=0.5)).not_recorded == UNSCORED
        assert not [e for e in await kept(process, opened.session_id, "draft", "critique") if "score" in e.meta]
