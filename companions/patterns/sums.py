"""Sums of what slots told, by companion type and model: added to, merged, aged, and written down.

A slot weighs 1 in the period in which it ended and half as much in each later one, whoever adds it when. All sums are
whole numbers, kept apart for the newest epoch of 16 periods and for the one before it, in each of which a slot counts
twice what one of the period before counts: adding is then exact in any order and any grouping, so that processes that
learn apart know the same as one that learned all of it. Older epochs, whose slots weigh less than 1/65,536, are
forgotten. What the sums mean is for ``hazard``, ``gain`` and ``reliability`` to say.
"""

import base64
import zlib
from dataclasses import dataclass, field
from typing import Any

from companions.errors import CompanionsError
from companions.patterns import counting
from companions.patterns.counting import PLACES, SIZE, UNITS
from companions.patterns.sample import Sample

FORMAT = 1
PERIOD_SECONDS = 30 * 86_400.0
"""How long it takes until what was learned weighs half."""
EPOCH = 16
"""Periods within which weights are told apart exactly."""
_LAST_PERIOD = 100_000
_LARGEST = 2**128
_MOST_BYTES = 2 * 40 * (SIZE + 1)
"""What sums can have, unpacked: two epochs of numbers of 40 digits; more is not unpacked."""


class SumsError(CompanionsError):
    """Sums that were written down cannot be read: they are broken, or of a later version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What the slots of one epoch add up to.

    Attributes:
        slots: How many there were, unweighted.
        values: All sums, at the places that ``counting.PLACES`` names; a slot counts 2 to the power of its period's
            place in the epoch.
    """

    slots: int = 0
    values: tuple[int, ...] = field(default=(0,) * SIZE)

    def __add__(self, other: "Epoch") -> "Epoch":
        """Give both together."""
        if not (self.slots and other.slots):
            return self if self.slots else other
        values = tuple(ours + theirs for ours, theirs in zip(self.values, other.values, strict=True))
        return Epoch(slots=self.slots + other.slots, values=values)


_EMPTY = Epoch()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What is known of a companion type with a model.

    Attributes:
        period: The one that weights are counted from: that of the newest slot.
        recent: What was learned in its epoch.
        earlier: What was learned in the epoch before.
    """

    period: int = 0
    recent: Epoch = _EMPTY
    earlier: Epoch = _EMPTY

    @property
    def slots(self) -> int:
        """How many slots are counted, whatever they weigh."""
        return self.recent.slots + self.earlier.slots

    @property
    def weight(self) -> float:
        """How many slots of the period counted from would weigh as much: the samples behind every number."""
        return self.one("reached")

    def __getitem__(self, name: str) -> tuple[float, ...]:
        """Give one array of sums, as it weighs today."""
        place, one = PLACES[name], UNITS[name] << (EPOCH + self.period % EPOCH)
        pairs = zip(self.recent.values[place], self.earlier.values[place], strict=True)
        return tuple(((recent << EPOCH) + earlier) / one for recent, earlier in pairs)

    def one(self, name: str) -> float:
        """Give a sum that stands alone."""
        return self[name][0]

    def and_sample(self, sample: Sample, at: float) -> "Sums":
        """Give the sums with a slot more, which ended at a moment, in seconds since 1970."""
        period = period_at(at)
        values = tuple(value << (period % EPOCH) for value in counting.counted(sample))
        return merged(self, Sums(period=period, recent=Epoch(slots=1, values=values)))

    def aged_to(self, period: int) -> "Sums":
        """Give the same as they weigh in a later period."""
        if period <= self.period or not self.slots:
            return self
        passed = min(period // EPOCH - self.period // EPOCH, 2)
        earlier, recent = (self.earlier, self.recent, _EMPTY, _EMPTY)[passed : passed + 2]
        return Sums(period=period, recent=recent, earlier=earlier) if recent.slots or earlier.slots else NOTHING

    def to_json(self) -> dict[str, Any]:
        """Write them down, in less than 2 kB."""
        packed = zlib.compress(_told(self).encode("ascii"), 9)
        return {"format": FORMAT, "period": self.period, "sums": base64.b64encode(packed).decode("ascii")}


NOTHING = Sums()


def period_at(at: float) -> int:
    """Number the period that a moment lies in, in seconds since 1970."""
    return int(at // PERIOD_SECONDS)


def merged(*several: Sums) -> Sums:
    """Add sums that were learned apart; neither their order nor their grouping makes a difference."""
    known = [sums for sums in several if sums.slots]
    if not known:
        return NOTHING
    period = max(sums.period for sums in known)
    aged = [sums.aged_to(period) for sums in known]
    recent, earlier = sum((sums.recent for sums in aged), _EMPTY), sum((sums.earlier for sums in aged), _EMPTY)
    return Sums(period=period, recent=recent, earlier=earlier)


def from_json(told: Any, *, now: float | None = None) -> Sums:
    """Read sums that were written down.

    Args:
        told: What was written down.
        now: The present moment in seconds since 1970, if sums of a later period than the next are to be refused:
            beside them all that others have learned would weigh nothing.

    Raises:
        SumsError: They are not what ``to_json`` gives in this version, or of a time that is to come.
    """
    try:
        version = told["format"]
        sums = _read(told["period"], told["sums"]) if version == FORMAT else None
    except (LookupError, TypeError, ValueError, zlib.error) as error:
        raise SumsError("What was learned cannot be read: it is broken.", _REMEDY) from error
    if sums is None:
        raise SumsError(f"What was learned has another format than {FORMAT}, which this program reads.", _REMEDY)
    if now is not None and sums.period > period_at(now) + 1:
        raise SumsError("What was learned is of a time that is still to come: a clock was wrong.", _REMEDY)
    return sums


def _told(sums: Sums) -> str:
    """Write both epochs as decimal numbers, a line each."""
    return "\n".join(" ".join(map(str, (epoch.slots, *epoch.values))) for epoch in (sums.recent, sums.earlier))


def _read(period: int, packed: str) -> Sums:
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(base64.b64decode(packed, validate=True), _MOST_BYTES).decode("ascii")
    (slots, *recent), (slots_before, *earlier) = ([int(number) for number in line.split()] for line in text.split("\n"))
    sums = Sums(
        period=period,
        recent=Epoch(slots=slots, values=tuple(recent)),
        earlier=Epoch(slots=slots_before, values=tuple(earlier)),
    )
    # Whatever the packed text may say, it is believed only if these sums would be written with the same words.
    if not unpacking.eof or unpacking.unused_data or _told(sums) != text or not _possible(sums):
        raise ValueError("no loops add up to this")
    return sums


def _possible(sums: Sums) -> bool:
    """Tell whether sums can have come of slots that ended in their periods."""
    if type(sums.period) is not int or not 0 <= sums.period <= _LAST_PERIOD:
        return False
    latest = 1 << (sums.period % EPOCH)
    return _epoch_possible(sums.recent, latest) and _epoch_possible(sums.earlier, 1 << (EPOCH - 1))


def _epoch_possible(epoch: Epoch, latest: int) -> bool:
    """Tell whether an epoch's sums fit as many slots, of which the newest count so much."""
    if len(epoch.values) != SIZE or any(abs(value) >= _LARGEST for value in epoch.values):
        return False
    weight = epoch.values[PLACES["reached"]][0]
    return epoch.slots <= weight <= epoch.slots * latest and counting.possible(epoch.values)


_REMEDY = "It is set aside; learning goes on without it. `companions patterns --reset TYPE` clears it."
