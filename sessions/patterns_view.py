"""What was learned of companion types, as numbers and in words: one body for resource, tool and terminal.

It reads what processes have put into the store and learns nothing; how sums are read is ``companions.patterns``' work.
The numbers are nobody's: loops of all owners together, without a text or a session's id.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from companions.models import Step
from companions.outlook import MINIMUM
from companions.patterns import gain, hazard, reliability
from companions.patterns.sample import PHASES
from companions.patterns.sums import Sums, SumsError, from_json, merged
from sessions.pattern_store import PatternStore, Share
from sessions.sessions import Sessions

Body = dict[str, Any]
MOST_MODELS = 20
"""Models that are told one by one, those with the most loops: their names come from callers."""


async def patterns(sessions: Sessions, companion_type: str) -> Body:
    """Tell what was learned of a companion type that there is, or was when it was learned.

    Raises:
        UnknownNameError: There is none; the known ones are named.
        StoreError: The store cannot be read.
    """
    shares = await sessions.store.shares(companion_type)
    if not shares:
        (await sessions.read_library()).get(companion_type)
    return _told(companion_type, shares)


async def patterns_of(store: PatternStore, companion_type: str) -> Body:
    """Tell what was learned of a companion type, whether or not there is one.

    Returns:
        ``companion_type``, ``samples`` (loops counted), ``summary``, ``in_all`` and ``models``: a reading over all
        models, and one for each, those with the most loops first; ``more_models`` and ``set_aside`` count models that
        are left out and shares that cannot be read. A reading has ``samples``, ``endings``, ``verdicts``, ``picks`` and
        ``steps``, and from five loops on ``typical_iterations``, ``learned_threshold`` and what is derived in the
        others, each if five samples tell it, else a ``note``. All counts but ``samples`` are as they weigh today.

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
    several: dict[str, list[Sums]] = {}
    set_aside = 0
    for share in shares:
        try:
            several.setdefault(share.model, []).append(from_json(share.state))
        except SumsError:
            set_aside += 1
    added = {model: merged(*each) for model, each in several.items()}
    by_model = {model: sums for model, sums in added.items() if sums.slots}
    most_first = sorted(by_model, key=lambda model: (-by_model[model].slots, model))
    whole = merged(*by_model.values())
    body: Body = {
        "companion_type": companion_type,
        "samples": whole.slots,
        "summary": _summary(whole, by_model),
        "in_all": _reading(whole),
        "models": [{"model": model} | _reading(by_model[model]) for model in most_first[:MOST_MODELS]],
    }
    if len(most_first) > MOST_MODELS:
        body["more_models"] = len(most_first) - MOST_MODELS
    if set_aside:
        body["set_aside"] = set_aside
    return body


def _reading(sums: Sums) -> Body:
    """Read sums; of less than five loops the counts alone."""
    known = sums.slots >= MINIMUM
    verdicts = reliability.verdicts(sums)
    body: Body = {"samples": sums.slots}
    if known and (typical := _typical(sums)) is not None:
        body["typical_iterations"] = {"iterations": typical.revisions, "probability": _share(typical.within)}
    if known:
        body["learned_threshold"] = _threshold(sums)
    else:
        body["note"] = _too_few(sums)
    body["endings"] = _endings(sums)
    body["verdicts"] = {name: _count(getattr(verdicts, name)) for name in ("judged", "better", "worse")}
    if known:
        body["verdicts"] |= {"trusted": not verdicts.misleading, "needed": round(reliability.ENOUGH)}
    body["picks"] = {
        name: _count(sums.one(of)) for name, of in (("made", "picked"), ("helped", "helped"), ("flipped", "flipped"))
    }
    body["steps"] = {phase: _effort(sums, phase) for phase in PHASES}
    return body


def _typical(sums: Sums) -> hazard.Remaining | None:
    """Say how far loops go that are revised at all, unless too few were."""
    return hazard.remaining(sums, 0) if sums["reached"][1] >= MINIMUM else None


def _endings(sums: Sums) -> list[Body]:
    """Tell by number of revisions how many loops came there, how many ended there, and how likely that is."""
    return [
        {"revisions": number, "reached": _count(reached), "ended": _count(ended)}
        | ({"probability": _share(hazard.hazard(sums, number))} if reached >= MINIMUM else {})
        for number, (reached, ended) in enumerate(zip(sums["reached"], sums["ended"], strict=True))
        if reached
    ]


def _threshold(sums: Sums) -> Body:
    """Tell the learned threshold, or how many of the loops that it takes there are."""
    learned = gain.learned(sums)
    if learned is None:
        return {"samples": _count(_telling(sums)), "needed": round(gain.ENOUGH)}
    return {
        "similarity": learned.threshold,
        "samples": _count(learned.slots),
        "improved": _count(learned.improved),
        "risk": _share(learned.risk),
    }


def _telling(sums: Sums) -> float:
    """Count the loops whose scores tell what going on was worth."""
    return max(sums["crossed"])


def _effort(sums: Sums, phase: Step) -> Body:
    """Tell what a step of a phase takes in the mean, each with how many steps told it."""
    place, body = PHASES.index(phase), Body()
    for what, of in (("seconds", "steps"), ("tokens", "reported")):
        total, samples = sums[what][place], sums[of][place]
        if samples >= MINIMUM:
            body[what] = round(total / samples, 1)
        body[f"{what}_samples"] = _count(samples)
    return body


def _summary(whole: Sums, by_model: Mapping[str, Sums]) -> str:
    if whole.slots < MINIMUM:
        return _too_few(whole)
    told = (_of_endings(whole), _of_threshold(by_model), _of_verdicts(by_model) or _of_picks(whole))
    return " ".join(filter(None, told))


def _of_endings(sums: Sums) -> str:
    typical = _typical(sums)
    if typical is None:
        return f"Of {sums.slots} loops too few were revised yet to say how far they go."
    within = "1 revision" if typical.revisions == 1 else f"{typical.revisions} revisions"
    return f"Of {sums.slots} loops, those that were revised mostly ended within {within} ({typical.within:.0%})."


def _too_few(sums: Sums) -> str:
    return f"Too few sessions yet ({sums.slots})."


def _of_threshold(by_model: Mapping[str, Sums]) -> str:
    """Say which threshold was learned with the most loops: each model has its own."""
    learned = [(found.slots, model, found) for model, sums in by_model.items() if (found := gain.learned(sums))]
    if learned:
        slots, model, found = max(learned, key=lambda each: each[:2])
        return (
            f"With {model} stopping is advised from similarity {found.threshold:g} on: of {slots:.0f} loops that came "
            f"so near, {found.improved:.0f} had a better version later (risk {found.risk:.0%})."
        )
    telling, model = max((_telling(sums), model) for model, sums in by_model.items())
    if telling < gain.ENOUGH:
        return (
            f"No threshold is learned yet: it takes {gain.ENOUGH:.0f} loops with scores that tell what going on was "
            f"worth, and there are {telling:.0f} with {model}."
        )
    return (
        f"No threshold is learned: the {telling:.0f} loops with {model} that have scores do not show that going on is "
        "not worth it."
    )


def _of_verdicts(by_model: Mapping[str, Sums]) -> str:
    """Say which critics are not taken at their word."""
    found = [(reliability.verdicts(sums), model) for model, sums in by_model.items()]
    wrong = [(verdicts.judged, model, verdicts) for verdicts, model in found if verdicts.misleading]
    if not wrong:
        return ""
    judged, model, verdicts = max(wrong, key=lambda each: each[:2])
    return (
        f"The critic's word with {model} is not taken: of {judged:.0f} texts that it accepted, {verdicts.better:.0f} "
        f"were made better later and {verdicts.worse:.0f} worse."
    )


def _of_picks(sums: Sums) -> str:
    made, helped, flipped = (sums.one(name) for name in ("picked", "helped", "flipped"))
    if not made:
        return ""
    return f"Of {made:.0f} picks {helped:.0f} took a revision, and {flipped:.0f} another version than the newest."


def _count(weighed: float) -> float:
    """Give a count as it weighs today: whole where it is."""
    return int(weighed) if weighed == int(weighed) else round(weighed, 2)


def _share(probability: float) -> float:
    return round(probability, 3)
