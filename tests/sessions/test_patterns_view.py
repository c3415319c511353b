"""What was learned, as it is shown: every number counted again, and nothing of anybody."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from companions.errors import UnknownNameError
from companions.patterns.sample import PHASES, Revised, Sample
from companions.patterns.sums import NOTHING, PERIOD_SECONDS
from companions.requests import Request
from sessions.calls import Waiting
from sessions.patterns_view import all_patterns, patterns_of
from sessions.reading import Reading
from sessions.store import Store
from sessions.stores.memory.store import MemoryStore
from tests.sessions.faults import OWNER, Process, unreported
from tests.sessions.looping import loop_of, process_on, version
from tests.sessions.shared import share
from tests.sessions.taught import teach, told, took

CHANNEL = 100_000
DERIVED = {"typical_iterations", "learned_threshold"}


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    async with process_on(MemoryStore(), mode="client") as made:
        yield made


@pytest.fixture
def reading(process: Process) -> Reading:
    return Reading(calls=process.calls)


async def thought_by(process: Process, owner: str) -> str:
    """Have an owner write a loop that stands still with its second revision; gives the session."""
    session_id, waiting = None, Waiting(seconds=30.0, every=30.0, report=unreported)
    draft, *others = loop_of(version(0), version(8), version(8))
    steps = [Request(step="draft", query="A secret?", text=str(draft))]
    steps += [Request(step=("critique", "revise")[number % 2], text=str(text)) for number, text in enumerate(others)]
    for request in steps:
        answer = await process.calls.step(owner, session_id, None, request, waiting=waiting, signature="host:tests")
        session_id = answer.session_id
    assert session_id is not None
    return session_id


def told_of(body: dict[str, Any], model: str) -> dict[str, Any]:
    (found,) = [each for each in body["models"] if each["model"] == model]
    return found


async def test_of_less_than_five_loops_the_counts_are_told_and_nothing_is_derived() -> None:
    store = MemoryStore()
    await teach(store, [told(1, **took(2.0, 10), picked=1, current=1), told(2, censored=True), told(0), told(2)])
    body = await patterns_of(store, "generic")
    assert (body["samples"], body["summary"]) == (4, "Too few loops yet (4).")
    for reading in (body["in_all"], told_of(body, "openai:one")):
        assert (reading["samples"], reading["note"]) == (4, "Too few loops yet (4).")
        assert not DERIVED & set(reading)
        assert reading["endings"] == []
        assert reading["verdicts"] == {"judged": 0, "better": 0, "worse": 0}
        assert reading["picks"] == {"made": 1, "helped": 1, "flipped": 0}
        assert reading["steps"] == {phase: {"seconds_samples": 1, "tokens_samples": 1} for phase in PHASES}


async def test_from_the_fifth_loop_on_what_they_come_to_is_told(store: Store) -> None:
    ends = [0, 1, 1, 2, 2, 3, 3]
    await teach(store, [told(revisions, **took(revisions, 10 * revisions)) for revisions in ends])
    body = await patterns_of(store, "generic")
    reading = body["in_all"]
    # To the second revision four came, of which nothing is told.
    told_of_ends = [{"revisions": 0, "reached": 7, "ended": 1}, {"revisions": 1, "reached": 6, "ended": 2}]
    assert reading["endings"] == told_of_ends
    # Ended of those that got so far, with 2 more that end by .3: 2.6 of 8, 2.6 of 6.
    within = round(1 - (1 - 2.6 / 8) * (1 - 2.6 / 6), 3)
    assert reading["typical_iterations"] == {"iterations": 2, "probability": within}
    mean = {"seconds": 1.7, "seconds_samples": 7, "tokens": 17.1, "tokens_samples": 7}
    assert reading["steps"] == dict.fromkeys(PHASES, mean)
    assert told_of(body, "openai:one") == {"model": "openai:one"} | reading
    assert body["summary"].startswith("Of 7 loops, 6 were revised; of these 4 ended by themselves within 2 revisions.")


async def test_all_counts_are_as_they_weigh_now_in_numbers_and_in_words() -> None:
    store = MemoryStore()
    await teach(store, [told(2, improves=False)] * 100, seconds_ago=2 * PERIOD_SECONDS)
    await teach(store, [told(2)] * 999, model="openai:old", seconds_ago=40 * PERIOD_SECONDS)
    body = await patterns_of(store, "generic")
    assert (body["samples"], [each["model"] for each in body["models"]]) == (25, ["openai:one"])
    assert body["in_all"]["endings"][2] == {"revisions": 2, "reached": 25, "ended": 25}
    assert body["summary"].startswith(
        "Of 25 loops, older ones weighing less, 25 were revised; of these 25 ended by themselves within 2 revisions. "
        "With openai:one stopping is advised from similarity 0 on, which COMPANIONS_STOPPING=lossless ignores: of 25 "
        "loops that came so near, 0 improved later by more than 0.005 a revision (risk put at 4%)."
    )
    await teach(store, [told(1)], companion_type="rare", seconds_ago=PERIOD_SECONDS)
    assert (await patterns_of(store, "rare"))["summary"] == "Too few loops yet (0.5, older ones weighing less)."


async def test_a_share_of_a_time_to_come_is_set_aside_and_hides_no_other() -> None:
    store = MemoryStore()
    await teach(store, [told(1)] * 6)
    ahead = NOTHING.and_sample(told(2), time.time() + 40 * PERIOD_SECONDS)
    await store.put_share(share("p2", companion_type="generic", model="openai:one", state=ahead.to_json()))
    body = await patterns_of(store, "generic")
    assert (body["samples"], body["set_aside"]) == (6, 1)


async def test_of_what_less_than_five_loops_tell_no_more_is_told_than_how_many() -> None:
    store = MemoryStore()
    await teach(store, [*(told(0, **took(1.0, 10)) for _ in range(4)), *(told(1) for _ in range(4))])
    body = await patterns_of(store, "generic")
    reading = body["in_all"]
    assert "typical_iterations" not in reading
    assert reading["endings"] == [{"revisions": 0, "reached": 8, "ended": 4}]
    assert reading["steps"]["draft"] == {"seconds_samples": 4, "tokens_samples": 4}
    assert body["summary"].startswith("Of 8 loops, too few were revised yet to say how far they go.")


async def test_loops_that_a_maximum_cut_off_tell_nothing_of_what_comes_after() -> None:
    store = MemoryStore()
    await teach(store, [told(3, censored=True)] * 22)
    body = await patterns_of(store, "generic")
    assert "typical_iterations" not in body["in_all"]
    assert body["in_all"]["endings"][3] == {"revisions": 3, "reached": 22, "ended": 0}
    assert "Of 22 loops, 22 were revised; of these 0 ended by themselves within 3 revisions." in body["summary"]


async def test_a_threshold_is_told_with_its_risk_once_twenty_loops_speak_for_it() -> None:
    store = MemoryStore()
    await teach(store, [told(2, improves=False) for _ in range(19)])
    before = await patterns_of(store, "generic")
    assert before["in_all"]["learned_threshold"] == {"samples": 19, "needed": 20}
    assert "it takes 20 loops" in before["summary"]
    assert "there are 19 with openai:one" in before["summary"]
    await teach(store, [told(2, improves=True), *(told(0) for _ in range(9))])
    after = await patterns_of(store, "generic")
    # All texts stood still at once and got worse, so there is no similarity that is too low to stop at.
    learned = {"similarity": 0.0, "samples": 20, "improved": 1, "risk": round(2 / 22, 3)}
    assert after["in_all"]["learned_threshold"] == learned
    said = "of 20 loops that came so near, 1 improved later by more than 0.005 a revision (risk put at 9%)"
    assert said in after["summary"]


async def test_a_threshold_is_the_lowest_from_which_going_on_was_not_worth_it() -> None:
    store = MemoryStore()
    steps = tuple(Revised(similarity=near) for near in (0.4, 0.97, 0.99))
    loop = Sample(revisions=3, censored=False, steps=steps, scores=(0.1, 0.1, 0.9, 0.8))
    await teach(store, [loop] * 20)
    assert (await patterns_of(store, "generic"))["in_all"]["learned_threshold"]["similarity"] == 0.5


async def test_where_going_on_was_worth_it_no_threshold_is_told_and_that_is_said() -> None:
    store = MemoryStore()
    await teach(store, [told(2, improves=True) for _ in range(30)])
    body = await patterns_of(store, "generic")
    assert body["in_all"]["learned_threshold"] == {"samples": 30, "needed": 20}
    assert "the 30 loops with openai:one that have scores do not show that going on is not worth it" in body["summary"]


async def test_the_threshold_that_is_named_is_a_model_s_own_and_not_that_of_all_together() -> None:
    store = MemoryStore()
    for model in ("openai:one", "openai:two"):
        await teach(store, [told(2, improves=False) for _ in range(12)], model=model)
    body = await patterns_of(store, "generic")
    assert "similarity" in body["in_all"]["learned_threshold"]
    assert all("similarity" not in each["learned_threshold"] for each in body["models"])
    assert "No threshold is learned yet" in body["summary"]


async def test_critics_are_not_trusted_whose_accepted_texts_were_made_better_more_often_than_worse() -> None:
    store = MemoryStore()
    better = [told(2, improves=True, accepted=(1,)) for _ in range(15)]
    await teach(store, [*better, *(told(2, improves=False, accepted=(1,)) for _ in range(5))])
    body = await patterns_of(store, "generic")
    assert body["in_all"]["verdicts"] == {"judged": 20, "better": 15, "worse": 5, "trusted": False, "needed": 20}
    assert "openai:one is not taken: of 20 texts that it accepted, 15 were made better later and 5" in body["summary"]


async def test_picks_are_told_with_how_many_helped_and_how_many_changed_the_answer() -> None:
    store = MemoryStore()
    picks = [(0, 2), (1, 2), (2, 2), (2, 2), (1, 1), (0, 1)]
    await teach(store, [told(2, picked=picked, current=current) for picked, current in picks])
    body = await patterns_of(store, "generic")
    assert body["in_all"]["picks"] == {"made": 6, "helped": 4, "flipped": 3}
    assert body["summary"].endswith("Of 6 picks 4 took a revision, and 3 another version than the newest.")


async def test_models_stand_apart_with_the_most_loops_first_and_all_together_beside_them() -> None:
    store = MemoryStore()
    for model, count in (("a", 5), ("b", 7), ("c", 1)):
        await teach(store, [told(1)] * count, model=model)
    await teach(store, [told(0)], companion_type="strategy")
    body = await patterns_of(store, "generic")
    assert [(each["model"], each["samples"]) for each in body["models"]] == [("b", 7), ("a", 5), ("c", 1)]
    assert (body["samples"], body["in_all"]["endings"][1]["ended"]) == (13, 13)
    assert [(each["companion_type"], each["samples"]) for each in await all_patterns(store)] == [
        ("generic", 13),
        ("strategy", 1),
    ]


async def test_a_share_that_cannot_be_read_is_counted_and_the_others_are_told() -> None:
    store = MemoryStore()
    await teach(store, [told(1)] * 6)
    await store.put_share(share("p2"))
    body = await patterns_of(store, "generic")
    assert (body["samples"], body["set_aside"]) == (6, 1)


async def test_however_many_models_there_are_the_body_goes_through_a_channel() -> None:
    store = MemoryStore()
    for number in range(30):
        await teach(store, [told(9, **took(1.23, 45))] * 6, model=f"{number:03}" + "\N{SNOWMAN}" * 197)
    body = await patterns_of(store, "generic")
    assert (len(body["models"]), body["more_models"], body["samples"]) == (20, 10, 180)
    assert len(json.dumps(body)) < CHANNEL


async def test_a_session_shows_what_loops_of_all_owners_taught_and_nothing_of_them(
    process: Process, reading: Reading
) -> None:
    ids = [await thought_by(process, owner) for owner in (OWNER, "bob") * 3]
    await process.calls.desk.sessions.learner.settle()
    body = await reading.part(OWNER, ids[0], None, "patterns")
    assert (body.pop("session_id"), body["companion_type"], body["samples"]) == (ids[0], "generic", 6)
    assert [(each["model"], each["samples"]) for each in body["models"]] == [("host", 6)]
    assert body["in_all"]["endings"][2]["ended"] == 6
    assert body == await reading.patterns("generic")
    shown = json.dumps(body)
    for kept in (*ids, OWNER, "bob", "secret", "other0", "word9", "Say more"):
        assert f"{kept}" not in shown


async def test_a_type_of_which_nothing_was_learned_has_no_loops_and_an_unknown_one_is_refused(reading: Reading) -> None:
    body = await reading.patterns("strategy")
    assert (body["samples"], body["summary"], body["models"]) == (0, "Too few loops yet (0).", [])
    with pytest.raises(UnknownNameError, match=r"no companion type 'nosuch'.*bug_triage, generic"):
        await reading.patterns("nosuch")


async def test_a_type_whose_file_is_gone_still_shows_what_was_learned_of_it(process: Process, reading: Reading) -> None:
    await teach(process.store, [told(1)], companion_type="gone")
    assert (await reading.patterns("gone"))["samples"] == 1
