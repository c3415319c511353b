"""Writing: a model writes a text, or several critics write at the same time and become one critique.

It asks and joins. What is asked was laid down by ``tasks``, and what the text is worth is ``outcomes``'s to say; where
a model comes from is the caller's.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from companions import prompts
from companions.critics import Critic
from companions.errors import BudgetError, CompanionsError, ModelReplyError
from companions.models import Model, OnText, Task, Written
from companions.requests import Plan
from companions.side_by_side import Lines

Choose = Callable[[str | None], Model]
"""Gives a model by name, ``None`` for the default one. Raises ``CompanionsError`` for a name that nobody has."""

SILENT = "This critic did not answer."
KEPT_ONCE = frozenset({"response_metadata", "sampling", "not_sent"})
"""What is not kept of each critic: it is long, or the same for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What came of one critic.

    Attributes:
        written: Its text without the verdict; ``None`` if its model failed.
        error: Why it has no part in the critique.
    """

    critic: Critic
    written: Written | None = None
    error: CompanionsError | None = None

    @property
    def satisfied(self) -> bool:
        return self.error is None and self.written is not None and self.written.satisfied

    @property
    def text(self) -> str:
        if self.error is not None or self.written is None:
            return SILENT
        return prompts.NOTHING_LEFT if self.satisfied else self.written.text.strip()

    def told(self) -> dict[str, Any]:
        """Give what is kept of it with the critique."""
        told: dict[str, Any] = {}
        if self.written is not None:
            told = {name: value for name, value in self.written.meta.items() if name not in KEPT_ONCE}
            told |= {"model": self.written.model, "usage": dict(self.written.usage)}
        told |= {"name": self.critic.name, "satisfied": self.satisfied}
        return told if self.error is None else told | {"error": self.error.what}


async def write(plan: Plan, work: Task, choose: Choose, on_text: OnText | None = None) -> Written:
    """Have a step's text written by a model, or by each of its critics.

    Args:
        plan: The step.
        work: What is asked.
        choose: Gives the models.
        on_text: Hears each piece as it arrives; of several critics whole lines, with their names.

    Raises:
        BudgetError: The model may not be asked; of several critics, any: a critique is not stored without some of them.
        ModelError: The model failed; of several critics, all of them.
        UnknownNameError: Nobody has the model's name; of several critics, any of their models'.
    """
    if not plan.critics:
        return await choose(work.sampling.model).write(work, on_text)

    async def ask(critic: Critic) -> _Part:
        sampling = replace(work.sampling, model=plan.configuration.model_for(plan.request.sampling, "critique", critic))
        messages = prompts.with_aspect(work.messages, critic.name, critic.focus)
        lines = None if on_text is None else Lines(critic.name, on_text)
        try:
            asked = replace(work, messages=messages, sampling=sampling)
            given = await choose(sampling.model).write(asked, lines and lines.hear)
        except BudgetError:
            raise  # and the others are dropped: what they write would not be stored
        except CompanionsError as error:
            return _Part(critic=critic, error=error)
        finally:
            if lines is not None:
                lines.end()
        return _part(critic, given)

    try:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(critic)) for critic in plan.critics]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return _joined([each.result() for each in asked])


def _part(critic: Critic, given: Written) -> _Part:
    text, accepted = prompts.read_verdict(given.text)
    error = (
        None if text.strip() else ModelReplyError("A critic answered with an empty text.", "Call the same tool again.")
    )
    return _Part(critic=critic, written=replace(given, text=text, satisfied=accepted), error=error)


def _joined(parts: Sequence[_Part]) -> Written:
    """Make one critique of what the critics wrote, in the order of the file."""
    if (failed := [part.error for part in parts if part.error is not None]) and len(failed) == len(parts):
        raise failed[0]
    written = [part.written for part in parts if part.written is not None]
    usage = Counter[str]()
    for each in written:
        usage.update(each.usage)
    meta = {name: written[0].meta[name] for name in ("sampling", "not_sent") if name in written[0].meta}
    for name, of in (("seconds", max), ("first_token_seconds", min)):
        if took := [each.meta[name] for each in written if name in each.meta]:
            meta[name] = of(took)
    return Written(
        text="\n\n".join(f"## {part.critic.name}\n\n{part.text}" for part in parts),
        model=", ".join(dict.fromkeys(each.model for each in written)),
        usage=dict(usage),
        satisfied=all(part.satisfied for part in parts),
        meta=meta | {"critics": [part.told() for part in parts]},
    )
