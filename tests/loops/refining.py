"""``refine`` with a slow model: answered within its budget, each answer paid once, whenever its program is killed."""

from collections.abc import Sequence

from tests.loops.pace import Pace
from tests.loops.thinking import (
    Moment,
    Report,
    Trial,
    a_call_waits,
    an_answer_came,
    an_entry_was_stored,
    think,
    versions_are_compared,
)

ITERATIONS = 2
"""The loop ends before it has settled then, and two versions are compared."""
CALLS = 1 + 2 * ITERATIONS + 2
KILLS: Sequence[Moment] = (a_call_waits, an_answer_came, an_entry_was_stored, versions_are_compared)


async def refined(trial: Trial, moments: Sequence[Moment] = ()) -> Report:
    """Refine one question to its end, with a kill at each moment."""
    query = f"What does the store keep? Asked by {trial.name}."
    asks = {"query": query, "max_iterations": ITERATIONS}
    host = trial.host("refine", asks)
    async with trial.asking(query, Pace(seconds=trial.seconds)) as (lives, ledger):
        body = await think(lives, host, ledger, moments)
        counts = await ledger.counts()
        wrong = [*host.wrong, *await ledger.findings(), *lives.complaints()]
    end = (body.get("status"), body.get("stop_reason"), body.get("answer_version"), body.get("picked"))
    if end != ("done", "max_iterations", ITERATIONS, True) or not body.get("text"):
        wrong.append(f"the loop's end is told as {end}")
    if counts["results stored"] != CALLS:
        wrong.append(f"{counts['results stored']} results are stored, not {CALLS}")
    figures = {**host.figures, **counts}
    return Report(name=trial.name, figures=figures, wrong=wrong)
