"""When a loop of critiques and revisions has come to its end, why, and with which version.

It decides, it does not measure anew what the caller measured, and it neither ends nor starts anything: a loop, a reply
or a resource asks ``decide`` and does what it says. Rules are small callables that look at a ``Trajectory`` and speak
or keep silent; ``|`` lets the first that speaks win, ``&`` asks both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from companions.anomalies import Guard, repeats
from companions.similarity import similarity

StopReason = Literal[
    "converged", "cycle", "guard", "critic_satisfied", "max_iterations", "budget", "cancelled", "error"
]
Event = Literal["critique", "revision"]
WINDOW = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """What a rule may look at, right after a step.

    Attributes:
        event: The step that has just been made.
        iteration: The number of the critique that the step belongs to, from 1.
        satisfied: The newest critique's structured verdict that nothing is left to improve.
        similarity: The newest version to its neighbour before it, 0 to 1; ``None`` if that was not measured.
        guard: What keeps the newest version from being accepted.
        texts: The newest versions, at most 8, oldest first; guarded ones are left out, except the newest.
        numbers: Their version numbers; 0 is the draft.
        threshold: The similarity from which on a revision counts as none, 0 to 1; 1.0 asks for equal words.
        max_iterations: After how many revisions the loop ends anyway, at least 1.
        patience: How many revisions in a row must have left the text still, at most 7: 1 saves calls, 2 loses nothing.
        basis: What a learned threshold rests on, as a clause with its numbers; empty where it was set.
    """

    event: Event
    iteration: int
    satisfied: bool
    similarity: float | None
    guard: Guard | None
    texts: tuple[str, ...]
    numbers: tuple[int, ...]
    threshold: float
    max_iterations: int
    patience: int = 1
    basis: str = ""

    def __post_init__(self) -> None:
        """Refuse settings that no loop can follow and versions that cannot be told apart."""
        _check_settings(self)
        _check_versions(self)

    @property
    def current(self) -> int:
        """The number of the version that is handed back if nothing speaks against it: never a guarded one."""
        return self.numbers[-1] if self.guard is None else self.numbers[-2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The end of a loop.

    Attributes:
        stop_reason: Why it ended.
        answer: The number of the version to hand back.
        why: One short sentence with the measured numbers.
    """

    stop_reason: StopReason
    answer: int
    why: str

    @property
    def back_to(self) -> int | None:
        """The earlier version that a cycle came back to."""
        return self.answer if self.stop_reason == "cycle" else None


Speak = Callable[[Trajectory], Decision | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason to stop, in the shape of tenacity's stop rules."""

    speak: Speak

    def __call__(self, trajectory: Trajectory) -> Decision | None:
        """Say why the loop ends here, or ``None``."""
        return self.speak(trajectory)

    def __or__(self, other: "Rule") -> "Rule":
        """Let the first of two that speaks decide."""
        return Rule(lambda trajectory: self(trajectory) or other(trajectory))

    def __and__(self, other: "Rule") -> "Rule":
        """Stop only if both would, with the first one's words."""
        return Rule(lambda trajectory: other(trajectory) and self(trajectory))


def _after(event: Event) -> Callable[[Speak], Rule]:
    """Make a rule that keeps silent after any other step: a verdict says nothing about a revision it has not seen."""
    return lambda speak: Rule(lambda trajectory: speak(trajectory) if trajectory.event == event else None)


@_after("critique")
def verdict(trajectory: Trajectory) -> Decision | None:
    """The critic found nothing left to improve: a further revision would rather harm than help."""
    if not trajectory.satisfied:
        return None
    why = f"The critic of iteration {trajectory.iteration} was satisfied with version {trajectory.current}."
    return Decision(stop_reason="critic_satisfied", answer=trajectory.current, why=why)


@_after("revision")
def guarded(trajectory: Trajectory) -> Decision | None:
    """The newest version must not be accepted; the one before it is handed back."""
    if trajectory.guard is None:
        return None
    seen, kept = trajectory.guard, trajectory.current
    why = f"Version {trajectory.numbers[-1]} looks {seen.kind} ({seen.why}); version {kept} stands."
    return Decision(stop_reason="guard", answer=kept, why=why)


@_after("revision")
def fixed_point(trajectory: Trajectory) -> Decision | None:
    """The words are those of the version before, as many times in a row as ``patience`` asks."""
    if not _still(trajectory, 1.0):
        return None
    before, newest = trajectory.numbers[-2:]
    times = "" if trajectory.patience == 1 else f", {trajectory.patience} times in a row"
    why = f"Version {newest} has the same words as version {before} (similarity 1.0){times}."
    return Decision(stop_reason="converged", answer=trajectory.current, why=why)


@_after("revision")
def cycle(trajectory: Trajectory) -> Decision | None:
    """The newest version went back to one before the last.

    The answer is the earlier of the two: they are the same but for 2 % of the words at most, and only the earlier one
    has stood up to a critique. Of the versions between them the loop itself has taken its leave.
    """
    to_last = _stillness(trajectory)
    found = repeats(trajectory.texts[-1], trajectory.texts[:-1], to_last=to_last)
    if found is None:
        return None
    back = similarity(trajectory.texts[found], trajectory.texts[-1])
    newest, earlier = trajectory.numbers[-1], trajectory.numbers[found]
    why = f"Version {newest} went back to version {earlier}: similarity {back:g}, but {to_last:g} to the one before it."
    return Decision(stop_reason="cycle", answer=earlier, why=why)


@_after("revision")
def threshold(trajectory: Trajectory) -> Decision | None:
    """The newest version kept the share of words that counts as no change."""
    if not _still(trajectory, trajectory.threshold):
        return None
    before, newest = trajectory.numbers[-2:]
    reached = f"similarity {_stillness(trajectory):g} between versions {before} and {newest}"
    basis = f" ({trajectory.basis})" if trajectory.basis else ""
    why = f"The {reached} reaches the threshold of {trajectory.threshold:g}{basis}."
    return Decision(stop_reason="converged", answer=trajectory.current, why=why)


@_after("revision")
def maximum(trajectory: Trajectory) -> Decision | None:
    """There are no iterations left. That is an end, but never convergence, however near the last two versions are."""
    if trajectory.iteration < trajectory.max_iterations:
        return None
    before, newest = trajectory.numbers[-2:]
    reached = f"the similarity between versions {before} and {newest} was {_stillness(trajectory):g}"
    why = f"{maximum_reached(trajectory.max_iterations)}; {reached}."
    return Decision(stop_reason="max_iterations", answer=trajectory.current, why=why)


# A faulty version is refused before anything is read from it, and the maximum speaks last: a better reason wins.
STATIC_RULE = verdict | guarded | fixed_point | cycle | threshold | maximum


def maximum_reached(most: int) -> str:
    """Say that there are no iterations left."""
    return f"The maximum of {most} iteration{'s' if most > 1 else ''} was reached"


def decide(trajectory: Trajectory, rule: Rule = STATIC_RULE) -> Decision | None:
    """Say whether the loop ends after this step, why, and with which version; ``None`` means go on."""
    return rule(trajectory)


def _stillness(trajectory: Trajectory) -> float:
    """The newest version's similarity to the accepted one before it.

    The caller measured it to the neighbour; if that one was guarded and left out, its number is about something else.
    """
    before, newest = trajectory.numbers[-2:]
    if trajectory.similarity is None or newest - before > 1:
        return similarity(trajectory.texts[-2], trajectory.texts[-1])
    return trajectory.similarity


def _still(trajectory: Trajectory, level: float) -> bool:
    """Whether each of the last ``patience`` revisions kept at least this share of the words."""
    if len(trajectory.texts) <= trajectory.patience or _stillness(trajectory) < level:
        return False
    earlier = trajectory.texts[-trajectory.patience - 1 : -1]
    return all(similarity(before, after) >= level for before, after in pairwise(earlier))


def _check_settings(trajectory: Trajectory) -> None:
    if not 0 <= trajectory.threshold <= 1:
        raise ValueError(f"a threshold lies between 0 and 1, not at {trajectory.threshold}")
    if trajectory.max_iterations < 1:
        raise ValueError(f"a loop has at least 1 iteration, not {trajectory.max_iterations}")
    if not 1 <= trajectory.patience < WINDOW:
        raise ValueError(f"patience lies between 1 and {WINDOW - 1}, not at {trajectory.patience}")


def _check_versions(trajectory: Trajectory) -> None:
    texts, numbers = trajectory.texts, trajectory.numbers
    if not 1 <= len(texts) <= WINDOW or len(texts) != len(numbers):
        raise ValueError(f"1 to {WINDOW} texts and as many numbers are looked at, not {len(texts)} and {len(numbers)}")
    if any(before >= after for before, after in pairwise((-1, *numbers))):
        raise ValueError(f"version numbers grow from 0 on, unlike {numbers}")
    if trajectory.iteration < 1:
        raise ValueError(f"iterations are counted from 1, not {trajectory.iteration}")
    if trajectory.similarity is not None and not 0 <= trajectory.similarity <= 1:
        raise ValueError(f"a similarity lies between 0 and 1, not at {trajectory.similarity}")
    if len(texts) == 1 and (trajectory.event == "revision" or trajectory.guard is not None):
        raise ValueError("a revision and a guarded version have a version before them, but there is only one text")
