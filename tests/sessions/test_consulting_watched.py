"""What a consultation tells while it is under way, and what its error tells when nobody contributed."""

from dataclasses import dataclass, field

import pytest

from companions.errors import BudgetError, CompanionsError, ModelError, UnknownNameError
from sessions.answers import Answer
from sessions.budgets import Budget
from sessions.calls import Waiting
from sessions.consulting import Consultations
from sessions.questions import Question
from sessions.stores.memory.store import MemoryStore
from tests.sessions.consulted import THREE, consult
from tests.sessions.faults import OWNER, Process, unreported
from tests.sessions.own_companions import Named, Open
from tests.sessions.spending import SERVER, spending

pytest_plugins = ("tests.sessions.own_companion_fixtures",)

FAILED = ModelError("The provider refused.", "Wait a moment.")


@dataclass(slots=True)
class Eye:
    """Sees what a job tells, in order."""

    heard: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    made: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def hear(self, companion_type: str, piece: str) -> None:
        self.heard.append((companion_type, piece))

    async def see(self, answer: Answer) -> None:
        assert answer.entry is not None
        self.made.append((answer.companion_type, answer.entry.text))

    async def fail(self, companion_type: str, error: CompanionsError) -> None:
        self.failed.append((companion_type, error.what))

    def waiting(self) -> Waiting:
        return Waiting(
            seconds=30, every=30, report=unreported, on_text=self.hear, on_step=self.see, on_failure=self.fail
        )


@pytest.fixture
def process(by_model: Process) -> Process:
    return by_model


async def test_each_text_is_told_with_its_companion_while_it_grows_and_once_it_is_stored(process: Process) -> None:
    process.model.script.extend(["One.", FAILED, "Three.", "Whole."])
    eye = Eye()
    held = Consultations(calls=process.calls)
    await held.consult(OWNER, None, Question(query="Q?"), waiting=eye.waiting(), signature="host:tests")
    assert (len(eye.failed), eye.failed[0][1]) == (1, "The provider refused.")
    assert {text for _, text in eye.made[:2]} == {"One.", "Three."}
    assert eye.made[2:] == [("strategy", "Whole.")]
    assert {name for name, _ in [*eye.made[:2], *eye.failed]} == {*THREE}
    assert sorted(eye.heard) == sorted(eye.made)


async def test_a_text_that_the_caller_is_to_write_is_not_told_as_made() -> None:
    process, eye = Process.on(MemoryStore()), Eye()
    held = Consultations(calls=process.calls)
    question = Question(query="Q?", text="One.")
    given = await held.consult(OWNER, None, question, waiting=eye.waiting(), signature="host:tests")
    assert given.status == "write"
    assert eye.made == [("generic", "One.")]
    await process.calls.close()


async def test_if_nobody_s_model_has_a_name_that_is_known_the_error_names_the_session_and_a_repeat_is_one(
    opened: Open,
) -> None:
    process = await opened("model: nobody\n", Named())
    told: set[str] = set()
    for _ in range(2):
        with pytest.raises(UnknownNameError, match="The query is kept in session") as caught:
            await consult(process, query="Q?", companion_types=("own",))
        told.add(caught.value.remedy.rsplit(" ", 1)[1].rstrip("."))
    (head,) = await process.calls.desk.sessions.list(OWNER)
    assert told == {head.opening.session_id}


async def test_a_budget_that_allows_nobody_is_told_once_with_how_many_were_not_asked() -> None:
    process = spending(MemoryStore(), session=Budget(tokens=1))
    with pytest.raises(BudgetError) as caught:
        await consult(process, query="Q?", sampling=SERVER)
    assert str(caught.value).count("limited to 1 tokens") == 1
    assert "None of the 3 companions was asked. Go on in a new session" in caught.value.remedy
    assert "The query is kept in session" in caught.value.remedy
    assert (caught.value.limit, process.model.tasks) == (1, [])
    await process.calls.close()


async def test_the_first_of_several_reasons_is_told_as_it_is(process: Process) -> None:
    process.model.script.extend([FAILED, ModelError("It is gone.", "Wait."), FAILED])
    with pytest.raises(ModelError, match=r"^The provider refused. Wait a moment. The query is kept in session \w+.$"):
        await consult(process, query="Q?")
