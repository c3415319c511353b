"""Whatever is asked of a companion, in whatever order: its lengths encode a phase, and a restored one is the same."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from companions.companion import VERSIONS, phase_of
from companions.configuration import Configuration
from companions.entries import Note
from companions.errors import CompanionsError
from companions.models import Step, Written
from companions.next_step import next_step
from companions.outcomes import judge
from companions.requests import Repeat
from companions.run_log import run_log
from tests.companions.driving import TYPE, Driver, configuration, rebuilt, tail

LONG = "The store keeps every step of the session, in order, and gives it back when it is asked for it later on. " * 3
# Some are accepted, some go back to an earlier one, and some are guarded: cut off, run away, about something else.
WORDS = st.sampled_from(
    [
        LONG,
        LONG + "It is quick.",
        LONG.replace("store", "database"),
        LONG[:40],
        "no",
        "  ",
        LONG * 40,
        "Quite another matter: {braces} and %s, 日本語, bread, butter, jam and a walk by the sea at noon in May. " * 2,
    ]
) | st.text(max_size=30)
CONFIGURATIONS = [configuration(), configuration(max_iterations=9), configuration(similarity_threshold=0.5)]


class Ask(NamedTuple):
    """A request, with what a model would write for it; without a step the one that comes next."""

    words: str
    step: Step | None = None
    query: str | None = None
    redo: bool = False


ON = st.builds(Ask, WORDS)
ANYTHING = st.builds(
    Ask, WORDS, st.sampled_from(["draft", "critique", "revise"]), st.sampled_from([None, "Why?", "How?"]), st.booleans()
)
ASIDE = st.sampled_from(["alternative", "learned", "pick", "workflow"])


def ask(driver: Driver, asked: Ask) -> None:
    """Carry a request out; one that is refused changes nothing, and one that fails leaves its query at most."""
    coming = next_step(driver.companion)
    step = asked.step or coming.step or driver.companion.phase
    redo = asked.redo if asked.step else coming.redo
    query = "What now?" if asked.step is None and step == "draft" else asked.query
    # Where the loop just goes on it begins with a long text, of which much can be lost: so come guarded runs.
    words = LONG if asked.step is None and step == "draft" else asked.words
    try:
        found = driver.plan(step=step, query=query, redo=redo)
    except CompanionsError:
        return
    if isinstance(found, Repeat):
        assert found.entry in driver.entries
        return
    for note in found.notes_before(TYPE):
        driver.record(note)
    try:
        driver.record(judge(driver.companion, found, Written(text=words, model="test")))
    except CompanionsError:
        assert not words.strip()


def check(driver: Driver) -> None:
    slots = run_log(driver.entries)
    phases = [
        phase_of(drafted=bool(slot["draft"]), critiques=len(slot["critique"]), revisions=len(slot["revision"]))
        for slot in slots
    ]
    assert phases[-1:] == ([driver.companion.phase] if driver.companion.slot else [])
    assert rebuilt(driver.entries) == driver.companion
    assert rebuilt(tail(driver.entries)) == driver.companion


@given(st.lists(ON | ON | ON | ANYTHING | ASIDE | st.sampled_from(CONFIGURATIONS), min_size=10, max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_order_of_requests_leaves_a_companion_that_its_entries_and_its_tail_restore(
    happenings: list[Ask | str | Configuration],
) -> None:
    driver = Driver()
    for happening in happenings:
        match happening:
            case Ask():
                ask(driver, happening)
            case Configuration():
                driver.wanted = happening
            case "pick" | "workflow" if driver.companion.slot is None:
                pass  # nothing is said of a slot that there is not
            case _:
                driver.record(Note(companion_type=TYPE, kind=happening, slot=0, text="aside"))  # pyright: ignore[reportArgumentType] -- one of ASIDE
        check(driver)


def test_a_text_that_outlives_its_window_behind_guarded_revisions_is_restored() -> None:
    driver = Driver()
    driver.draft("What does it keep?", LONG)
    driver.critique()
    driver.revise(LONG + "It is quick.")
    for _ in range(VERSIONS + 3):
        driver.critique()
        driver.revise("no")
    slot = driver.companion.slot
    assert slot is not None
    assert slot.current is not None
    assert slot.current.text == LONG + "It is quick."
    assert slot.current not in slot.versions
    check(driver)
