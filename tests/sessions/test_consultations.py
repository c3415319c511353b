"""What can be asked in a consultation."""

import pytest

from companions.errors import InputError
from sessions.questions import MOST, Question


@pytest.mark.parametrize(
    "names", [("generic", "generic"), ("strategy",), (), tuple(f"c{number}" for number in range(MOST + 1))]
)
def test_contributors_are_few_different_and_not_the_synthesizer(names: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        Question(query="Q?", companion_types=names)


def test_who_is_not_named_is_one_of_the_usual_but_the_synthesizer() -> None:
    assert Question(query="Q?").contributors == ("generic", "marketing", "bug_triage")
    assert Question(query="Q?", synthesizer="generic").contributors == ("marketing", "bug_triage")
