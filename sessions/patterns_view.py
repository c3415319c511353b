"""What was learned of companion types, as numbers and in words: one body for resource, tool and terminal.

It reads what processes have put into the store and learns nothing; how sums are read is ``companions.patterns``' work.
The numbers are nobody's: loops of all owners together, without a text, a session's id or a name that a caller made up.
"""

import time
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from companions.models import Step
from companions.outlook import MINIMUM, expected, told_of
from companions.patterns import gain, reliability, telling
from companions.patterns.counting import WORTH
from companions.patterns.sample import PHASES
from companions.patterns.sums import Sums, SumsError, from_json, merged, period_at
from sessions.pattern_store import PatternStore, Share
from sessions.sessions import Sessions

Body = dict[str, Any]
MOST_MODELS = 20
"""Models that are told one by one, those with the most loops: a table of prices may name more."""


async def patterns(sessions: Sessions, companion_type: str) -> Body:
    """Tell what was learned of a companion type that there is, or was when it was learned.

    Raises:
        UnknownNameError: There is none; the known ones are named.
        StoreError: The store cannot be read.
    """
    shares = await sessions.store.shares(companion_type)
    return _told(companion_type, shares) if shares else await no_patterns(sessions, companion_type)


async def no_patterns(sessions: Sessions, companion_type: str) -> Body:
    """Tell that nothing was learned of a companion type, which takes no store.

    Raises:
        UnknownNameError: There is none; the known ones are named.
    """
    (await sessions.read_library()).get(companion_type)
    return _told(companion_type, ())


async def patterns_of(store: PatternStore, companion_type: str) -> Body:
    """Tell what was learned of a companion type, whether or not there is one.

    Returns:
        ``companion_type``, ``samples`` (loops learned from), ``summary``, ``in_all`` and ``models``: a reading over all
        models, and one for each, those with the most loops first; ``more_models`` and ``set_aside`` count models that
        are left out and shares that cannot be read. A reading has ``samples``, ``endings`` where five loops came,
        ``verdicts``, ``picks`` and ``steps``, and from five loops on ``typical_iterations``, ``learned_threshold`` and
        what is derived in the others, each if five samples tell it, else a ``note``. All counts are as they weigh
        today, every ``probability`` and ``risk`` is an estimate.

    Raises:
        StoreError: The store cannot be read.
    """
    return _told(companion_type, await store.shares(companion_type))


async def all_patterns(store: PatternStore) -> list[Body]:
    """Tell it of each companion type of which anything was learned, by name.

    Raises:
        StoreError: The store cannot be read.
    """
    known = groupby(await store.shares(), lambda share: share.companion_type)
    return [_told(companion_type, shares) for companion_type, shares in known]


def _told(companion_type: str, shares: Iterable[Share]) -> Body:
    by_model, set_aside = _by_model(shares, time.time())
    most_first = sorted(by_model, key=lambda model: (-by_model[model].weight, model))
    whole = merged(*by_model.values())
    body: Body = {
        "companion_type": companion_type,
        "samples": telling.number(whole.weight),
        "summary": _summary(whole, by_model),
        "in_all": _reading(whole),
        "models": [{"model": model} | _reading(by_model[model]) for model in most_first[:MOST_MODELS]],
    }
    if len(most_first) > MOST_MODELS:
        body["more_models"] = len(most_first) - MOST_MODELS
    if set_aside:
        body["set_aside"] = set_aside
    return body


def _by_model(shares: Iterable[Share], now: float) -> tuple[dict[str, Sums], int]:
    """Add shares up by model, as they weigh now; tells too how many cannot be read."""
    several: dict[str, list[Sums]] = {}
    set_aside = 0
    for share in shares:
        try:
            several.setdefault(share.model, []).append(from_json(share.state, now=now))
        except SumsError:
            set_aside += 1
    added = {model: merged(*each).aged_to(period_at(now)) for model, each in several.items()}
    return {model: sums for model, sums in added.items() if sums.slots}, set_aside


def _reading(sums: Sums) -> Body:
    """Read sums; of less than five loops the counts alone."""
    known = sums.weight >= MINIMUM
    verdicts = reliability.verdicts(sums)
    body: Body = {"samples": telling.number(sums.weight)}
    if known and (typical := expected(sums, 0)) is not None:
        body["typical_iterations"] = {
            "iterations": typical.revisions,
            "probability": telling.probability(typical.within),
        }
    if known:
        body["learned_threshold"] = _threshold(sums)
    else:
        body["note"] = _too_few(sums)
    body["endings"] = _endings(sums)
    body["verdicts"] = {name: telling.number(getattr(verdicts, name)) for name in ("judged", "better", "worse")}
    if known:
        body["verdicts"] |= {"trusted": not verdicts.misleading, "needed": round(reliability.ENOUGH)}
    body["picks"] = {
        name: telling.number(sums.one(of))
        for name, of in (("made", "picked"), ("helped", "helped"), ("flipped", "flipped"))
    }
    body["steps"] = {phase: _effort(sums, phase) for phase in PHASES}
    return body


def _endings(sums: Sums) -> list[Body]:
    """Tell by number of revisions how many loops came there and how many ended there, where five or more came."""
    return [
        {"revisions": number, "reached": telling.number(reached), "ended": telling.number(ended)}
        for number, (reached, ended) in enumerate(zip(sums["reached"], sums["ended"], strict=True))
        if reached >= MINIMUM
    ]


def _threshold(sums: Sums) -> Body:
    """Tell the learned threshold, or how many of the loops that it takes there are."""
    learned = gain.learned(sums)
    if learned is None:
        return {"samples": telling.number(_scored(sums)), "needed": round(gain.ENOUGH)}
    return {
        "similarity": learned.threshold,
        "samples": telling.number(learned.slots),
        "improved": telling.number(learned.improved),
        "risk": telling.probability(learned.risk),
    }


def _scored(sums: Sums) -> float:
    """Count the loops whose scores tell what going on was worth."""
    return max(sums["crossed"])


def _effort(sums: Sums, phase: Step) -> Body:
    """Tell what a step of a phase takes in the mean, each with how many steps told it."""
    place, body = PHASES.index(phase), Body()
    for what, of in (("seconds", "steps"), ("tokens", "reported")):
        total, samples = sums[what][place], sums[of][place]
        if samples >= MINIMUM:
            body[what] = round(total / samples, 1)
        body[f"{what}_samples"] = telling.number(samples)
    return body


def _summary(whole: Sums, by_model: Mapping[str, Sums]) -> str:
    if whole.weight < MINIMUM:
        return _too_few(whole)
    told = (_of_endings(whole), _of_threshold(by_model), _of_verdicts(by_model) or _of_picks(whole))
    return " ".join(filter(None, told))


def _of_endings(sums: Sums) -> str:
    typical, loops = expected(sums, 0), f"Of {telling.in_words(sums.weight)} loops{telling.by_age(sums)},"
    number = told_of(sums, 0) if typical is None else typical.revisions
    if not number:
        return f"{loops} too few were revised yet to say how far they go."
    within = "1 revision" if number == 1 else f"{number} revisions"
    revised, ended = (telling.in_words(count) for count in (sums["reached"][1], sum(sums["ended"][1 : number + 1])))
    return f"{loops} {revised} were revised; of these {ended} ended by themselves within {within}."


def _too_few(sums: Sums) -> str:
    return f"Too few loops yet ({telling.in_words(sums.weight)}{telling.by_age(sums)})."


def _of_threshold(by_model: Mapping[str, Sums]) -> str:
    """Say which threshold was learned with the most loops: each model has its own."""
    learned = [(found.slots, model, found) for model, sums in by_model.items() if (found := gain.learned(sums))]
    if learned:
        slots, model, found = max(learned, key=lambda each: each[:2])
        return (
            f"With {model} stopping is advised from similarity {found.threshold:g} on, which "
            f"COMPANIONS_STOPPING=lossless ignores: of {telling.in_words(slots)} loops that came so near, "
            f"{telling.in_words(found.improved)} improved later by more than {WORTH:g} a revision (risk put at "
            f"{found.risk:.0%})."
        )
    scored, model = max((_scored(sums), model) for model, sums in by_model.items())
    if scored < gain.ENOUGH:
        return (
            f"No threshold is learned yet: it takes {gain.ENOUGH:.0f} loops with scores that tell what going on was "
            f"worth, and there are {telling.in_words(scored)} with {model}."
        )
    return (
        f"No threshold is learned: the {telling.in_words(scored)} loops with {model} that have scores do not show that "
        "going on is not worth it."
    )


def _of_verdicts(by_model: Mapping[str, Sums]) -> str:
    """Say which critics are not taken at their word."""
    found = [(reliability.verdicts(sums), model) for model, sums in by_model.items()]
    wrong = [(verdicts.judged, model, verdicts) for verdicts, model in found if verdicts.misleading]
    if not wrong:
        return ""
    judged, model, verdicts = max(wrong, key=lambda each: each[:2])
    return (
        f"The critic's word with {model} is not taken: of {telling.in_words(judged)} texts that it accepted, "
        f"{telling.in_words(verdicts.better)} were made better later and {telling.in_words(verdicts.worse)} worse."
    )


def _of_picks(sums: Sums) -> str:
    made, helped, flipped = (telling.in_words(sums.one(name)) for name in ("picked", "helped", "flipped"))
    if not sums.one("picked"):
        return ""
    return f"Of {made} picks {helped} took a revision, and {flipped} another version than the newest."
