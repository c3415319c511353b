"""What jobs tell people: who writes, each step as it is made, how a loop ended. It decides nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from companions import checks
from companions.companion import Companion, version_of
from companions.entries import Entry
from companions.models import Step
from companions.word_diff import Piece, laid_out, marked, word_diff
from sessions.advising import of_fallback
from sessions.answers import Answer
from sessions.loops import Refined
from sessions.usage import in_words
from terminal.screen import Screen, harmless

HEADING, QUIET, WARNING = "bold cyan", "dim", "yellow"
STYLES = {"same": "", "removed": "red strike", "added": "bold green", "left out": "dim"}
SHOWN_SIMILARITIES = 12


def _name_of(step: Step, iteration: int) -> str:
    """Name a step as people count it."""
    return {"draft": "Draft", "critique": f"Critique {iteration}", "revise": f"Revision {iteration}"}[step]


def tell_heading(screen: Screen, name: str, *details: str) -> None:
    """Begin a part: its name, and in a low voice what is to be known of it."""
    told = Text(f"\n{name}", style=HEADING)
    for detail in details:
        told.append(f"  {detail}", style=f"not bold {QUIET}")
    screen.say(told)


def tell_step(screen: Screen, answer: Answer, entry: Entry, companion: Companion, seconds: float) -> None:
    """Tell a step: a critique as it is, a revision as what it changed."""
    wrote = str(entry.meta.get("model", "unknown"))
    if answer.already_done:
        details = ["written before"]
    elif answer.written_by_caller:
        details = [f"the text given, {len(entry.text.split()):,} words"]
    else:
        first = entry.meta.get("first_token_seconds")
        details = [wrote, f"{seconds:.1f} s" if first is None else f"{seconds:.1f} s, first words after {first:.1f} s"]
    if "similarity" in entry.meta:
        details.append(f"similarity {entry.meta['similarity']:.3f}")
    tell_heading(screen, _name_of(answer.step, answer.iteration), *details)
    base = None if companion.slot is None else companion.slot.base
    if entry.kind == "revision" and base is not None:
        tell_changes(screen, base.text, entry.text)
    elif not answer.written_by_caller:
        screen.say(entry.text.rstrip("\n"))
    for warning in _warnings(answer, entry):
        screen.say(warning, WARNING)


def _warnings(answer: Answer, entry: Entry) -> Iterator[str]:
    if entry.meta.get("guard"):
        yield f"Kept, but not taken: {entry.meta.get('guard_why', entry.meta['guard'])}."
    if failing := entry.meta.get("checks"):
        yield f"Fails {checks.told(failing)}."
    if told := of_fallback(entry):
        yield told
    if answer.not_recorded:
        yield "This step had been written before; the stored text stands."


def tell_contribution(screen: Screen, answer: Answer, entry: Entry, seconds: float) -> None:
    """Tell what one of several companions wrote, in full."""
    tell_heading(screen, entry.companion_type, *_taken(answer, entry, seconds))
    screen.say(entry.text.rstrip("\n"))


def tell_synthesis(screen: Screen, answer: Answer, entry: Entry, seconds: float) -> None:
    """Tell that the contributions were drawn together; the text itself is the answer."""
    tell_heading(screen, "Synthesis", f"by {entry.companion_type}", *_taken(answer, entry, seconds))


def _taken(answer: Answer, entry: Entry, seconds: float) -> list[str]:
    if answer.already_done:
        return ["written before"]
    return [str(entry.meta.get("model", "unknown")), f"{seconds:.1f} s", f"{len(entry.text):,} characters"]


def tell_convergence(screen: Screen, body: dict[str, Any]) -> None:
    """Tell how near neighbouring versions came, and why the loop ended or that it has not."""
    numbers = [f"{pair['similarity']:.3f}" for pair in body["similarities"]]
    if len(numbers) > SHOWN_SIMILARITIES:
        numbers = ["...", *numbers[-SHOWN_SIMILARITIES:]]
    measured = f"similarity {', '.join(numbers)}; " if numbers else ""
    threshold = f"threshold {body['threshold']:g} ({body['threshold_source']})"
    reason = str(body["stop_reason"] or "not ended").replace("_", " ")
    tell_heading(screen, reason.capitalize(), f"{measured}{threshold}")
    if body["why"]:
        screen.say(body["why"])


def tell_pick(screen: Screen, loop: Refined) -> None:
    """Tell which version is the answer, and why."""
    if loop.shown is None:
        return
    others = f"of 0 to {loop.versions - 1}" if loop.versions > 1 else "(the draft)"
    tell_heading(screen, "Picked" if loop.pick else "Not picked", f"version {version_of(loop.shown)} {others}")
    screen.say(loop.pick.meta["why"] if loop.pick else " ".join((*loop.advice, "The current text stands.")))


def tell_usage(screen: Screen, usage: dict[str, int]) -> None:
    """Tell what the session has used so far, as far as models told it."""
    if told := in_words(usage):
        screen.say(f"Used by this session so far: {told}.", QUIET)


def tell_changes(screen: Screen, before: str, after: str) -> None:
    """Tell which words changed: by colours, or by marks where there are none."""
    pieces = word_diff(before, after)
    if all(piece.change in ("same", "left out") for piece in pieces):
        screen.say("No word was changed.")
        return
    told = _coloured(pieces) if screen.coloured else Text(harmless(marked(pieces)))
    told.rstrip()
    screen.say(told)


def _coloured(pieces: Sequence[Piece]) -> Text:
    told = Text()
    for change, body, gap in laid_out(pieces):
        told.append(harmless(body), style=STYLES[change])
        told.append(harmless(gap))
    return told
