"""What is measured of a slot and of its simulation, side by side. It measures, and never says which is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from companions.companion import Companion, Slot, version_of
from companions.entries import Entry
from companions.next_step import stop_reason
from companions.prices import Prices
from companions.similarity import similarity
from sessions.budgets import Spent
from sessions.usage import Sums, calls, sums_after

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs.

    Attributes:
        slot: As it stands, with its answer.
        stop_reason: Why its loop ended; ``None`` if it has not.
        evidence: What its critiques were given, by iteration.
        similarities: Of each revision to the version before it.
        written_by: Who wrote, in order of their first text.
        seconds: In which models wrote, as far as that was measured.
        sums: What models used.
    """

    session_id: str
    slot: Slot
    stop_reason: str | None
    threshold: float | None
    evidence: Mapping[int, str]
    similarities: tuple[float, ...]
    written_by: tuple[str, ...]
    seconds: float
    sums: Sums

    @property
    def answer(self) -> str:
        """The text that the run came to."""
        return "" if self.slot.answer is None else self.slot.answer.text

    def told(self, prices: Prices) -> Body:
        """Tell what was measured; ``None`` where nothing was reported or there is no price."""
        answer, spent = self.slot.answer, Spent.of(self.sums, prices)
        asked = calls(self.sums)
        unreported = sum(counts.get("not_reported", 0) for counts in self.sums.values())
        return {
            "session_id": self.session_id,
            "slot": self.slot.number,
            "written_by": list(self.written_by),
            "iterations": self.slot.critiques,
            "version": None if answer is None else version_of(answer),
            "stop_reason": self.stop_reason,
            "threshold": self.threshold,
            "similarities": list(self.similarities),
            "words": len(self.answer.split()),
            "calls": asked,
            "input_tokens": _tokens(self.sums, "input_tokens", asked, unreported),
            "output_tokens": _tokens(self.sums, "output_tokens", asked, unreported),
            "calls_without_usage": unreported,
            "seconds": round(self.seconds, 3) if asked else None,
            "cost": None if not asked or spent.unpriced else spent.cost,
            "answer": self.answer,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A stored slot and its simulation."""

    stored: Side
    simulated: Side

    def told(self, prices: Prices) -> Body:
        """Tell both sides, what they were asked, and how similar their answers are, 0 to 1."""
        return {
            "query": self.stored.slot.query.text,
            "evidence": {str(number): text for number, text in self.stored.evidence.items()},
            "stored": self.stored.told(prices),
            "simulated": self.simulated.told(prices),
            "similarity": similarity(self.stored.answer, self.simulated.answer),
            "currency": prices.currency,
        }


def side_of(session_id: str, companion: Companion, slot: Slot, entries: Sequence[Entry]) -> Side:
    """Measure a slot by its entries; of what was written again the last counts, and all of it cost."""
    newest = {(entry.kind, entry.index): entry for entry in entries if entry.kind in {"draft", "critique", "revision"}}
    texts = sorted(newest.values(), key=lambda entry: entry.seq)
    return Side(
        session_id=session_id,
        slot=slot,
        stop_reason=stop_reason(companion),
        threshold=None if companion.configuration is None else companion.configuration.threshold,
        evidence={
            entry.index + 1: entry.meta["evidence"]
            for entry in texts
            if entry.kind == "critique" and "evidence" in entry.meta
        },
        similarities=tuple(entry.meta["similarity"] for entry in texts if "similarity" in entry.meta),
        written_by=tuple(dict.fromkeys(str(entry.meta.get("model", "unknown")) for entry in texts)),
        seconds=sum(entry.meta.get("seconds", 0) for entry in entries),
        sums=sums_after({}, entries).get("models", {}),
    )


def _tokens(sums: Sums, name: str, asked: int, unreported: int) -> int | None:
    """Add up what providers reported; ``None`` if none of them did."""
    return None if asked == unreported else sum(counts.get(name, 0) for counts in sums.values())
