"""What models are sent and what they answer, printed on standard error for whoever looks for a fault.

It shows calls as ``sessions.watching`` tells them: behind the filters, and before anything is made of the reply. Keys
are masked, and long texts cut; it never writes to standard output.
"""

import json
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
MARGIN = 8_000
"""Characters behind those in which keys are looked for: longer than any key, or half of one could be printed."""
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
        parts = [self._mask(f"--- {title}"), *(f"{name}: {self._shown(text)}" for name, text in told)]
        self._out.handle(logging.makeLogRecord({"msg": "\n".join(parts)}))

    def _shown(self, text: str) -> str:
        """Lay out a text: one line stays in its place, more are set in; each says what was cut."""
        # Only what may be shown is masked, in the event loop as it is; a key that is cut through lies in the margin.
        masked = self._mask(text[: SHOWN + MARGIN])
        beyond = max(len(text) - SHOWN - MARGIN, 0)
        shown = masked[: min(SHOWN, max(len(masked) - MARGIN, 0)) if beyond else SHOWN]
        left = len(masked) - len(shown) + beyond
        cut = f"{shown}\n[{left:,} further characters not shown]" if left else shown
        return cut if "\n" not in cut else "".join(f"\n    {line}" for line in cut.splitlines())


def _sent(asked: Asked) -> Generator[tuple[str, str]]:
    if asked.doing is not None:
        yield "for", f"{asked.doing.step} of {asked.doing.companion_type} in session {asked.doing.session_id}"
    sampling = asked.task.sampling
    chosen = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
    yield "sampling", _listed(chosen) or "the model's own"
    if tools := ", ".join(tool.name for tool in asked.task.tools):
        yield "tools offered", tools
    # A provider that keeps the session may be told what is new alone; which it was is known with the reply.
    offered = "" if asked.task.native is None else "offered, "
    for message in asked.task.messages:
        yield f"{offered}{message.role}, {len(message.text):,} characters", message.text


def _received(written: Written) -> Generator[tuple[str, str]]:
    meta = written.meta
    yield "model", written.model
    yield "usage", _listed(written.usage) or "not reported"
    told = {
        "finish reason": meta.get("finish_reason"),
        "first piece after seconds": meta.get("first_token_seconds"),
        "retries": meta.get("retries"),
    }
    if line := _listed(told):
        yield "told", line
    native = meta.get("native", {})
    if line := _listed({"sent": native.get("sent"), "fell back": native.get("fell_back")}):
        yield "kept by the provider", line
    if not_sent := _listed(meta.get("not_sent", {})):
        yield "not sent, since the model does not take it", not_sent
    for call in written.calls:
        yield "call of a tool", f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)}"
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
