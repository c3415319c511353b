"""What models are sent and what they answer, printed on standard error for whoever looks for a fault.

It shows calls as ``sessions.watching`` tells them: behind the filters, and before anything is made of the reply. Keys
are masked, and long texts cut; it never writes to standard output.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from itertools import count

from companions.errors import CompanionsError
from companions.masking import Mask
from companions.models import Written
from sessions.watching import Asked

SHOWN = 4_000
"""Characters of one text that are printed."""
CAUSES = 3
"""How far what a fault came of is told."""


class Debugging:
    """Prints calls of models; as a ``ModelWatcher``.

    Args:
        secrets: What must never be printed.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._mask = Mask(secrets)
        self._numbers = count(1)
        # A handler by itself, not a logger: it writes whole lines in turn, whatever is logged at which level.
        self._out = logging.StreamHandler()

    @contextmanager
    def asking(self, asked: Asked) -> Generator[Callable[[Written], None]]:
        """Print what is sent, and what comes of it."""
        call, began = f"model call {next(self._numbers)}", time.perf_counter()
        self._print(f"{call} to {asked.model}", _sent(asked))

        def tell(written: Written) -> None:
            self._print(f"{call} answered after {time.perf_counter() - began:.2f} s", _received(written))

        try:
            yield tell
        except BaseException as error:
            passed = time.perf_counter() - began
            self._print(f"{call} failed after {passed:.2f} s", (("fault", each) for each in _causes(error)))
            raise

    def _print(self, title: str, told: Iterable[tuple[str, str]]) -> None:
        parts = [f"--- {title}", *(f"{name}: {self._shown(text)}" for name, text in told)]
        self._out.handle(logging.makeLogRecord({"msg": self._mask("\n".join(parts))}))

    def _shown(self, text: str) -> str:
        """Lay out a text: one line stays in its place, more are set in; each says what was cut."""
        # Masked before it is cut, or half of a key could stay.
        masked = self._mask(text)
        left = len(masked) - SHOWN
        cut = masked if left <= 0 else f"{masked[:SHOWN]}\n[{left:,} further characters not shown]"
        return cut if "\n" not in cut else "".join(f"\n    {line}" for line in cut.splitlines())


def _sent(asked: Asked) -> Generator[tuple[str, str]]:
    if asked.doing is not None:
        yield "for", f"{asked.doing.step} of {asked.doing.companion_type} in session {asked.doing.session_id}"
    sampling = asked.task.sampling
    chosen = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
    yield "sampling", _listed(chosen) or "the model's own"
    for message in asked.task.messages:
        yield f"{message.role}, {len(message.text):,} characters", message.text


def _received(written: Written) -> Generator[tuple[str, str]]:
    meta = written.meta
    yield "model", written.model
    yield "usage", _listed(written.usage) or "not reported"
    told = {"finish reason": meta.get("finish_reason"), "first piece after seconds": meta.get("first_token_seconds")}
    if line := _listed(told):
        yield "told", line
    if not_sent := _listed(meta.get("not_sent", {})):
        yield "not sent, since the model does not take it", not_sent
    yield f"text, {len(written.text):,} characters", written.text


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)


def _causes(error: BaseException) -> Generator[str]:
    """Tell a fault, and what it came of in the words of a library: only its user's own terminal hears those."""
    told: BaseException | None = error
    for _ in range(CAUSES):
        if told is None:
            return
        wording = str(told)
        yield f"{type(told).__name__}: {wording}" if wording else type(told).__name__
        told = told.__cause__ if isinstance(told, CompanionsError) or told.__cause__ else told.__context__
