"""``consult`` with slow models: as long as the slowest and the synthesis, whoever fails, whenever it is killed.

The same companions are asked one after the other on the same server, for comparison.
"""

import time
from collections.abc import Mapping, Sequence

from tests.loops.hosts import JSON, Host
from tests.loops.ledger import Ledger
from tests.loops.pace import Pace, drafting
from tests.loops.thinking import Moment, Report, Trial, an_entry_was_stored, half_written, think
from tests.provider.server import Exchange
from tests.wire.processes import Connection
from tests.wire.reading import show

ALLOWANCE_SECONDS = 5.0
"""What a consultation may take beyond its slowest contributor and its synthesis: calls, steps and their storing."""
SYNTHESIZER = "strategy"
SHARES: Mapping[str, float] = {"generic": 1.0, "marketing": 0.5, "bug_triage": 0.25, SYNTHESIZER: 0.5}
"""How long each one's draft takes, of the seconds of a trial."""
CONTRIBUTORS = [name for name in SHARES if name != SYNTHESIZER]
FAILING = "bug_triage"
FIRST = "guide"
"""Answers at once: the program loads what it asks models with at the first question."""


async def the_synthesis_is_written(ledger: Ledger) -> bool:
    """Half of the synthesis is written."""
    return any(drafting(each.prompt) == SYNTHESIZER and half_written(each) for each in ledger.present)


KILLS: Sequence[Moment] = (an_entry_was_stored, the_synthesis_is_written)


def _answers(trial: Trial, *refused: str) -> Pace:
    drafts = {FIRST: 0.0} | {name: trial.seconds * share for name, share in SHARES.items()}
    return Pace(seconds=trial.seconds, drafts=drafts, refused=frozenset(refused))


def _host(trial: Trial, query: str) -> Host:
    return trial.host("consult", {"query": query, "companion_types": CONTRIBUTORS})


async def consulted(trial: Trial, moments: Sequence[Moment] = ()) -> Report:
    """Hold one consultation to its end, with a kill at each moment."""
    query = f"What does the store keep? Put by {trial.name}."
    host = _host(trial, query)
    async with trial.asking(query, _answers(trial)) as (lives, ledger):
        body = await think(lives, host, ledger, moments)
        counts = await ledger.counts()
        wrong = [*host.wrong, *await ledger.findings(), *lives.complaints()]
    wrong += _told_wrongly(body)
    if counts["results stored"] != len(SHARES):
        wrong.append(f"{counts['results stored']} results are stored, not {len(SHARES)}")
    figures = {**host.figures, **counts}
    return Report(name=trial.name, figures=figures, wrong=wrong)


async def timed(trial: Trial) -> Report:
    """Ask companions together and one after the other on one server, then together with one that fails."""
    together, apart, failing = (f"What does the store keep? {how} by {trial.name}." for how in ("All", "Each", "Some"))
    report, due = Report(name=trial.name), trial.seconds * (max(SHARES.values()) + SHARES[SYNTHESIZER])
    async with trial.asking(together, _answers(trial)) as (lives, ledger), lives.next() as (_, client):
        await ledger.begins()
        await _drafted(client, trial, f"Is anybody there for {trial.name}?", FIRST, report)
        host = _host(trial, together)
        began = time.monotonic()
        body = await host.think(client)
        took = time.monotonic() - began
        report.wrong += [*host.wrong, *await ledger.findings(), *_told_wrongly(body), *_out_of_order(ledger.exchanges)]
        began = time.monotonic()
        for name in SHARES:
            await _drafted(client, trial, f"{apart} {name}", name, report)
        apart_took = time.monotonic() - began
        ledger.provider.author = _answers(trial, FAILING)
        some = Ledger(provider=ledger.provider, store=ledger.store, query=failing)
        report.wrong += await _with_a_failure(client, _host(trial, failing), some)
    if took > due + ALLOWANCE_SECONDS:
        report.wrong.append(f"together took {took:.1f} s, due are {due:.1f} s")
    report.figures = {"together, s": took, "slowest and synthesis, s": due, "one after the other, s": apart_took}
    return report


async def _drafted(client: Connection, trial: Trial, query: str, name: str, report: Report) -> None:
    host = trial.host("draft", {"query": query, "companion_type": name})
    await host.think(client)
    report.wrong += host.wrong


async def _with_a_failure(client: Connection, host: Host, ledger: Ledger) -> list[str]:
    """Consult with one contributor whose provider refuses it; gives what was wrong."""
    await ledger.begins()
    body = await host.think(client)
    wrong = [*host.wrong, *await ledger.findings(), *_told_wrongly(body, failing=FAILING)]
    (workflow,) = (await show(client, body["session_id"], "workflows"))["workflows"]
    if not workflow["companions"][FAILING].get("error"):
        wrong.append(f"why {FAILING} failed is not told: {workflow}")
    counts = await ledger.counts()
    if (counts["results stored"], counts["refused"]) != (len(SHARES) - 1, 1):
        wrong.append(f"with one failing: {counts}")
    return wrong


def _told_wrongly(body: JSON, failing: str | None = None) -> list[str]:
    """Compare what a consultation's end tells with what it must."""
    states = {name: "failed" if name == failing else "done" for name in CONTRIBUTORS}
    if (body.get("status"), body.get("companions")) == ("done", states) and body.get("text"):
        return []
    return [f"the consultation's end is told as {body}"]


def _out_of_order(exchanges: list[Exchange]) -> list[str]:
    """Tell where contributors were not asked side by side, or the synthesis not after them."""
    contributed = [each for each in exchanges if drafting(each.prompt) != SYNTHESIZER]
    ends = [each.answered.at or 0.0 for each in contributed]
    (drawn,) = (each for each in exchanges if drafting(each.prompt) == SYNTHESIZER)
    right = max(each.began for each in contributed) < min(ends) and max(ends) <= drawn.began
    return [] if right else ["contributors were not asked side by side, and then the synthesizer"]
