"""What was concluded stays findable, whatever was asked since."""

import pytest

from companions.errors import InputError
from sessions.reading import Reading
from tests.sessions.faults import OWNER, Process


@pytest.fixture
def process(by_caller: Process) -> Process:
    return by_caller


async def test_a_new_query_that_waits_does_not_hide_the_answer_before_it(process: Process) -> None:
    reading = Reading(calls=process.calls)
    session_id = (await process.step("draft", query="Which animal?", text="A zebra.")).session_id
    await process.step("draft", session_id, query="And which plant?")

    (listed,) = (await reading.listing(OWNER, search="zebra"))["sessions"]
    with pytest.raises(InputError, match="with slot 0"):
        await reading.part(OWNER, session_id, None, "answer")
    assert listed["preview"] == "A zebra."
    assert (await reading.part(OWNER, session_id, None, "answer", slot=0))["text"] == "A zebra."
