"""What a hypothesis machine may ask of a session: calls of every kind, drawn at random."""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

from companions.errors import ModelError, ModelTimeoutError, StoreError
from companions.models import ExecutionMode, Sampling, Step
from companions.requests import Request
from tests.sessions.faults import Fault

TYPES = ("generic", "strategy", "marketing")
BASE = 'The quick brown fox jumps over the lazy dog, {and} then "rests" a while in the shade of an old oak tree.'
TEXTS = (
    BASE,
    f"{BASE} It wakes at dusk.",
    BASE.replace("fox", "cat"),
    BASE[:40],
    "No.",
    "Blue {0} %s ${x} 漢字 🧠.",
    f"{BASE} " * 30,
    "Something about tax law, and the forms that are due at the end of every quarter of the year.",
    "\n Leading and trailing space.\n\n",
    "Teh cat is very unique and and sat.",
)
FAILURES = (
    None,
    None,
    ModelError("It failed.", "Call again."),
    ModelTimeoutError("It took too long.", "Call again."),
    asyncio.CancelledError(),
)
AWAY, BUG = StoreError("Away.", "Wait."), ZeroDivisionError("a bug")
FAULTS = st.sampled_from([Fault(AWAY), Fault(BUG), Fault(AWAY, commits=True), Fault(BUG, commits=True)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call.

    Attributes:
        step: ``next`` is the one that comes next by the rules.
        query: For a draft; ``same`` is that of the companion's newest slot.
        text: What is written, whoever writes it; the offline editor has a mind of its own.
        given: Whether the caller sends the text with the call.
        writer: Who writes otherwise; ``None`` leaves it to what the companion was opened with.
        failure: What a model does instead of writing.
    """

    name: str
    step: Step | Literal["next"]
    text: str
    query: str | None = None
    redo: bool = False
    given: bool = False
    writer: ExecutionMode | None = None
    satisfied: bool = False
    evidence: str | None = None
    failure: BaseException | None = None

    def request(self, query: str | None) -> Request:
        given: dict[str, Any] = {"sampling": Sampling(execution_mode=self.writer), "redo": self.redo}
        if self.given:
            given["text"] = self.text
        if self.step == "draft":
            given["query"] = query
        if self.step == "critique":
            given |= {"satisfied": self.satisfied, "evidence": self.evidence}
        assert self.step != "next"
        return Request(step=self.step, **given)

    @property
    def by_caller(self) -> bool:
        return self.given or (self.satisfied and self.step == "critique")

    @property
    def caller_text(self) -> str:
        return self.text if self.given else "Nothing is left to improve."


STEPS: st.SearchStrategy[Step | Literal["next"]] = st.sampled_from(
    ["next", "next", "next", "draft", "critique", "revise"]
)
WRITERS: st.SearchStrategy[ExecutionMode | None] = st.sampled_from([None, "client", "server", "server", "offline"])
ASKS = st.builds(
    Ask,
    name=st.sampled_from([*TYPES, "generic", "generic"]),
    step=STEPS,
    text=st.sampled_from(TEXTS),
    query=st.sampled_from([None, "same", "What now?", "And then?"]),
    redo=st.sampled_from([False, False, True]),
    given=st.booleans(),
    writer=WRITERS,
    satisfied=st.sampled_from([False, False, False, True]),
    evidence=st.sampled_from([None, "Two tests fail."]),
    failure=st.sampled_from(FAILURES),
)
