"""Models in order: where one is down, the next is asked within the same step, and it is kept which failed and why.

It tells what another model may do better from what it may not, and remembers outages for a short while. Which models
stand in which order is its caller's to say, what a call may spend likewise, and so is each call's own bound.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from companions.errors import BudgetError, FilterError, ModelError, ModelReplyError
from companions.models import Model, OnText, Task, Written

FAILED = "failed_models"
"""In a text's meta: which models failed before the one that wrote it, each with ``model``, ``error`` and, where
they are counted, ``retries``; ``asked`` is false where the error is that of a moment before."""
REST_SECONDS = 30.0
KEPT = 100
"""Models whose outages are remembered; names come from callers, so that the oldest are forgotten first."""
Failure = ModelError | BudgetError


@dataclass(slots=True)
class Outages:
    """The models that were down a moment ago, as this process has seen it; such a one is not asked first.

    Attributes:
        seconds: How long that is.
    """

    seconds: float = REST_SECONDS
    _known: OrderedDict[str, tuple[float, str]] = field(default_factory=OrderedDict[str, tuple[float, str]])

    def note(self, name: str, why: str) -> None:
        """Note that a model is down."""
        self._known[name] = time.monotonic() + self.seconds, why
        self._known.move_to_end(name)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def over(self, name: str) -> None:
        """Note that a model has answered."""
        self._known.pop(name, None)

    def of(self, name: str) -> str | None:
        """Tell why a model was down a moment ago; ``None`` if it was not."""
        until, why = self._known.get(name, (0.0, ""))
        return why if time.monotonic() < until else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InOrder:
    """Several models as one, known by the name of the first: the one that is to write if it can.

    Attributes:
        models: At least one; each within bounds of its own.
        outages: Shared by all that ask the same models.
        insisted: Whether the caller named the first: that its provider does not know it is then the caller's to hear.
    """

    models: Sequence[Model]
    outages: Outages
    insisted: bool = False

    @property
    def name(self) -> str:
        """How the first was asked for."""
        return self.models[0].name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        """Have the first write that can; see ``Model.write``.

        Returns:
            The text. If another than the first wrote it, its ``meta`` tells in ``failed_models`` why.

        Raises:
            BudgetError: The first may not be asked.
            ModelError: A reply is of no use, and another model would hardly do better; or all of them failed.
        """
        # Looked up once: a rest may end while another model writes, and it is told all the same who was passed over.
        resting = {model.name: why for model in self.models if (why := self.outages.of(model.name)) is not None}
        # Those that were down a moment ago are asked last, in their order.
        order = sorted(self.models, key=lambda model: model.name in resting)
        failures, heard = dict[str, Failure](), _Pieces(on_text)
        for model in order:
            heard.begin(model.name)
            try:
                written = await model.write(task, None if on_text is None else heard.hear)
            except (ModelError, BudgetError) as error:
                if not self._goes_on(model, error):
                    raise
                failures[model.name] = error
                if isinstance(error, ModelError) and error.outage is not None:
                    self.outages.note(model.name, error.what)
                continue
            self.outages.over(model.name)
            return self._told(written, model, failures, resting)
        raise _all_failed(self.name, failures)

    def _goes_on(self, model: Model, error: Failure) -> bool:
        """Tell whether the next model is asked; one that stands in is passed over for more than the first is."""
        first = model is self.models[0]
        if isinstance(error, ModelError) and error.outage is not None:
            return not (first and self.insisted and error.outage == "missing")
        return not first and not isinstance(error, ModelReplyError | FilterError)

    def _told(
        self, written: Written, wrote: Model, failures: Mapping[str, Failure], resting: Mapping[str, str]
    ) -> Written:
        """Say which models failed, or were not asked since they had, before this one wrote."""
        failed: list[dict[str, Any]] = []
        for model in self.models:
            if model is wrote:
                break
            if (error := failures.get(model.name)) is not None:
                failed.append({"model": model.name, "error": error.what, **_retries(error)})
            elif model.name in resting:
                failed.append({"model": model.name, "error": resting[model.name], "asked": False})
        return replace(written, meta={**written.meta, FAILED: failed}) if failed else written


@dataclass(slots=True)
class _Pieces:
    """What is heard of several models that write one after the other: that one begins anew is said between them."""

    on_text: OnText | None
    _heard: bool = False

    def begin(self, name: str) -> None:
        if self._heard and self.on_text is not None:
            self.on_text(f"\n\n[The text broke off; {name} writes it anew.]\n\n")
        self._heard = False

    def hear(self, piece: str) -> None:
        self._heard = True
        if self.on_text is not None:
            self.on_text(piece)


def _retries(error: Failure) -> Mapping[str, int]:
    """Tell how often the client of a model that failed asked again, where that is counted."""
    counted = error.retries if isinstance(error, ModelError) else None
    return {} if counted is None else {"retries": counted}


def _all_failed(name: str, failures: Mapping[str, Failure]) -> Failure:
    """Give the failure of the first, which says most, with the names of the others."""
    error = failures[name]
    others = ", ".join(repr(other) for other in failures if other != name)
    told = f" Asked in its place, {others} failed too." if others else ""
    return type(error)(f"{error.what}{told}", error.remedy)
