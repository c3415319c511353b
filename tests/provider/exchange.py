"""One request to the loopback provider and what became of it, as tests read it."""

import time
from dataclasses import dataclass, field
from typing import Any

from tests.provider.replies import Reply, Signal, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what became of it.

    Attributes:
        wire: How it was asked.
        body: Its JSON; with the model and whether to stream, also where the address says that.
        prompt: The texts of its messages.
        headers: Their names in lower case.
        peer: The address that it came from; requests of one connection share it.
        reply: What it is answered with.
        began: When it arrived, by the monotonic clock.
        left: Set when the caller closed the connection before the end of the answer.
        answered: Set when all of the answer was sent.
    """

    wire: Wire
    body: dict[str, Any]
    prompt: list[str]
    headers: dict[str, str]
    peer: tuple[str, int]
    reply: Reply
    began: float = field(default_factory=time.monotonic)
    left: Signal = field(default_factory=Signal)
    answered: Signal = field(default_factory=Signal)
