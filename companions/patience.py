"""How long a model call may take: one bound for the whole call, one for the silence within it.

It knows clocks and nothing of models: what is said of a call that went past a bound is ``model_faults``'s work.
"""

import asyncio
import time
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The longest that a call may take, in seconds.

    Attributes:
        total_seconds: From the call to its last piece, the client's own retries included.
        silence_seconds: Without a sign of life from the provider, before the first piece and between pieces.
    """

    total_seconds: float = 300
    silence_seconds: float = 60

    def __post_init__(self) -> None:
        """Refuse a bound that no call could keep."""
        if not (self.total_seconds > 0 and self.silence_seconds > 0):
            raise ValueError(
                f"bounds are positive seconds, not {self.total_seconds} in all and {self.silence_seconds} of silence"
            )


DEFAULT_BOUNDS = Bounds()


class Patience:
    """One call's clock: ``async with`` it, and what runs inside is cancelled and raises TimeoutError at a bound.

    It is made in the event loop that it measures. The HTTP client that the call goes through finds it by ``current``,
    since no library in between would pass it on.

    Args:
        bounds: How long it may take.
        began: When it began, in ``time.monotonic`` seconds, where it goes on with an earlier one; else it does now.
    """

    def __init__(self, bounds: Bounds, *, began: float | None = None) -> None:
        self.bounds = bounds
        self.refusal: int | None = None
        self.requests = 0
        self._loop = asyncio.get_running_loop()
        passed = 0.0 if began is None else time.monotonic() - began
        self._end = self._loop.time() + bounds.total_seconds - passed
        self._clock = asyncio.timeout_at(self._silence_ends())
        self._token: Token[Patience | None] | None = None

    @classmethod
    def current(cls) -> "Patience | None":
        """Give the patience of the call that runs now."""
        return _CURRENT.get()

    @property
    def expired(self) -> bool:
        """Whether a bound was passed."""
        return self._clock.expired()

    @property
    def silent(self) -> bool:
        """Whether the bound that counts next, or that was passed, is the one of silence."""
        return (self._clock.when() or self._end) < self._end

    def heard(self) -> None:
        """Note a sign of life: silence is counted from now."""
        self._until(self._silence_ends())

    def requested(self) -> None:
        """Note that a request goes out: the first, or one that the client makes again."""
        self.requests += 1
        self.heard()

    @property
    def retries(self) -> int | None:
        """How often the client asked again; ``None`` where its requests are not noted."""
        return self.requests - 1 if self.requests else None

    def refused(self, status: int) -> None:
        """Note an answer that the client may retry: until it asks again, its own back-off is no silence.

        A provider's ``Retry-After`` is so honoured within the total bound, also where it exceeds that of silence.
        """
        self.refusal = status
        self._until(self._end)

    def _silence_ends(self) -> float:
        return min(self._loop.time() + self.bounds.silence_seconds, self._end)

    def _until(self, when: float) -> None:
        if not self._clock.expired():  # a clock that has struck cannot be set again; the cancellation is on its way
            self._clock.reschedule(when)

    async def __aenter__(self) -> Self:
        self._token = _CURRENT.set(self)
        await self._clock.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _CURRENT.reset(self._token)
        await self._clock.__aexit__(kind, error, trace)


_CURRENT: ContextVar[Patience | None] = ContextVar("patience", default=None)
