"""What a writer is given for a step: the sliding window, as messages for a model and as plain texts for an editor.

It chooses what is seen; how a prompt is worded is ``prompts``'s work.
"""

from collections.abc import Sequence
from dataclasses import replace

from companions import attachments, checks, prompts
from companions.attachments import Attachment
from companions.companion import EXCHANGES, Companion, Exchange, Slot, version_of
from companions.material import Blocks
from companions.models import Message, Task
from companions.native_sessions import NativeSession
from companions.requests import Plan

HISTORY_CHARACTERS = 24_000
"""Most characters of earlier slots that a draft sees; the newest are kept."""
REVISIONS_SEEN = 2


def task(
    companion: Companion,
    plan: Plan,
    *,
    session: str = "",
    contributions: Sequence[tuple[str, str]] = (),
    attached: Sequence[Attachment] = (),
) -> Task:
    """Build what a writer is given: the sliding window of this step, as messages and as plain texts.

    Args:
        companion: The companion as it is now, with the plan's query applied.
        plan: The step.
        session: What a companion that sees its session is shown of it.
        contributions: For a draft that draws them together: other companions' names and answers.
        attached: What is attached to the query; texts are part of the messages' own.
    """
    slot = companion.slot
    if slot is None:
        raise ValueError("a task needs its query recorded first")
    texts = [*(each.text for each in attached if each.kind == "text"), *(text for _, text in contributions)]
    query, text = slot.query.text, _joined(slot.query.text, texts) if plan.base is None else plan.base.text
    critique = slot.critique.text if plan.step == "revise" and slot.critique is not None else ""
    shown = attachments.shown(attached)
    messages = _messages(companion, plan, slot, session=session, contributions=contributions, attached=shown)
    return Task(
        step=plan.step,
        messages=(*messages[:-1], replace(messages[-1], attachments=attachments.beside(attached))),
        query=query,
        text=text,
        critique=critique,
        sampling=plan.sampling,
        native=None if attached else _native(companion, plan, messages),
    )


def shown_next(companion: Companion) -> list[Exchange]:
    """Give the earlier exchanges that a draft of a new query is shown, oldest first."""
    if companion.configuration is None or companion.configuration.clear_history:
        return []
    left = None if companion.slot is None else companion.slot.exchange
    earlier = [*companion.history] if left is None else [*companion.history, left]
    return _shown(companion, earlier[-EXCHANGES:])


def _native(companion: Companion, plan: Plan, messages: Sequence[Message]) -> NativeSession | None:
    """Have a provider keep drafts alone: critique and revision see too little for one to go on from another."""
    given = plan.configuration
    if plan.step != "draft" or plan.mode != "server" or given.clear_history or not given.native_session:
        return None
    answer = companion.history[-1].answer if companion.history else None
    kept = None if answer is None else answer.meta.get("native")
    told = [message.text for message in messages if message.role != "system"]
    return NativeSession.of(told, kept, edits=companion.edits.newest)


def _joined(query: str, texts: Sequence[str]) -> str:
    """Put texts one behind another, for a writer that composes nothing; what only says the query is none."""
    return "\n\n".join(dict.fromkeys(text for text in texts if text != query))


def _messages(
    companion: Companion, plan: Plan, slot: Slot, *, session: str, contributions: Blocks, attached: Blocks
) -> tuple[Message, ...]:
    given = plan.configuration
    match plan.step:
        case "draft":
            history = () if given.clear_history else _told(_shown(companion, companion.history))
            return prompts.draft_messages(
                given.draft,
                query=slot.query.text,
                history=history,
                session=session,
                contributions=contributions,
                attached=attached,
            )
        case "critique":
            asked = prompts.critique_messages(
                given.critique,
                query=slot.query.text,
                draft="" if slot.draft is None else slot.draft.text,
                revisions=_newest_revisions(slot),
                evidence=plan.request.evidence,
                verdict="argument" if plan.mode == "client" else "line",
                unmet=checks.told(plan.unmet),
                attached=attached,
            )
            # In server mode each critic is asked by itself, which ``writing`` does.
            parts = [(critic.name, critic.focus) for critic in given.critics if plan.mode == "client"]
            return prompts.with_parts(asked, parts) if parts else asked
        case "revise":
            text = "" if plan.base is None else plan.base.text
            critique = "" if slot.critique is None else slot.critique.text
            return prompts.revision_messages(
                given.revision,
                query=slot.query.text,
                text=text,
                critique=critique,
                unmet=checks.told(plan.unmet),
                attached=attached,
            )


def _newest_revisions(slot: Slot) -> list[str]:
    """Give the newest revisions that stand; the last of them, or else the draft, is the current text."""
    standing = [version for version in slot.versions if version_of(version) > 0 and not version.meta.get("guard")]
    if slot.current is not None and version_of(slot.current) > 0 and slot.current not in standing:
        standing.insert(0, slot.current)
    return [version.text for version in standing[-REVISIONS_SEEN:]]


def _shown(companion: Companion, earlier: Sequence[Exchange]) -> list[Exchange]:
    """Give what a draft is shown of earlier exchanges: the newest that were not left out, as many as fit."""
    kept: list[Exchange] = []
    room = HISTORY_CHARACTERS
    for exchange in reversed(earlier):
        if exchange.query.slot in companion.edits.left_out:
            continue
        room -= len(exchange.query.text) + len(exchange.answer.text)
        if room < 0:
            break
        kept.append(exchange)
    return kept[::-1]


def _told(exchanges: Sequence[Exchange]) -> list[tuple[str, str]]:
    return [(exchange.query.text, exchange.answer.text) for exchange in exchanges]
