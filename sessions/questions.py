"""What a call for a consultation asks: who is to contribute, who draws it together, and what its caller wrote for it.

It checks what can be told from the call alone; where a consultation stands is told by ``consultations``.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from companions.errors import InputError
from companions.models import Sampling
from companions.requests import check_text

SYNTHESIZER = "strategy"
CONTRIBUTORS = ("generic", "marketing", "bug_triage")
"""Who is asked when the call names nobody."""
MOST = 8
"""Most companions of one consultation: they are all asked at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a call for a consultation asks.

    Attributes:
        query: ``None`` goes on with the consultation that the synthesizer is at.
        companion_types: Who is to contribute: companion types, and ids of sessions whose answers are taken as they are;
            ``None`` leaves it to what was asked before, or to the usual ones.
        synthesizer: Who draws the contributions together.
        text: What the caller wrote for the companion whose turn it is.
        text_for: The companion that it was written for, as it was handed out; ``None`` if that is not told.
        sampling: What each text is asked for.
        text_limit: The most bytes of UTF-8 that any one text may have.
    """

    query: str | None = None
    companion_types: tuple[str, ...] | None = None
    synthesizer: str = SYNTHESIZER
    text: str | None = None
    text_for: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    text_limit: int = 200_000

    def __post_init__(self) -> None:
        """Refuse what nobody can be asked."""
        check_text("query", self.query, self.text_limit)
        check_text("text", self.text, self.text_limit)
        names = self.companion_types
        if names is None:
            return
        if not 1 <= len(names) <= MOST or len({*names}) < len(names):
            raise InputError(
                f"companion_types holds {len(names)} names, {len({*names})} of them different.",
                f"Name 1 to {MOST} companions or sessions, each once.",
            )
        if self.synthesizer in names:
            raise InputError(
                f"{self.synthesizer!r} draws the contributions together and cannot contribute too.",
                "Leave it out of companion_types, or name another synthesizer.",
            )

    @property
    def contributors(self) -> tuple[str, ...]:
        """Who is asked for contributions when it begins."""
        return self.companion_types or tuple(name for name in CONTRIBUTORS if name != self.synthesizer)

    def workflow(self, companion_types: Sequence[str], branches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Give what is recorded of the consultation when it begins.

        Args:
            companion_types: Those of the contributors that are to draft.
            branches: Where the texts come from that the others brought.
        """
        chain = [("caller", self.synthesizer), *((self.synthesizer, name) for name in companion_types)]
        workflow: dict[str, Any] = {
            "workflow_id": secrets.token_hex(8),
            "workflow": "consult",
            "orchestrator": self.synthesizer,
            "companion_types": [*companion_types],
            "delegation": [{"from": giver, "to": taker} for giver, taker in chain],
            "started_at": time.time(),
        }
        return workflow | ({"branches": [*branches]} if branches else {})
