"""Spans of steps, of calls of models and of writes to the store, for whoever has set OpenTelemetry up; else nothing.

Names and attributes are those of OpenTelemetry's conventions for generative AI. Where spans are sent is
``span_sending``'s work, or the user's own. No text is in a span unless a setting asks for it, and no error's wording.
"""

import contextvars
import json
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode

from companions.errors import StoreAwayError
from companions.models import Message, Written
from companions.tool_calls import ToolCall, ToolResult
from middleware.spans import Attributes, fail, span
from sessions.answers import Answer
from sessions.keeping import Kept
from sessions.places import Parcel
from sessions.watching import Asked, Doing

PROVIDERS = {"google": "gcp.gemini"}
"""What the conventions call a provider, where that is not what we do."""
ROLES = {"human": "user", "ai": "assistant", "tool": "tool"}
USAGE = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}

_CALL: contextvars.ContextVar[Span | None] = contextvars.ContextVar("call", default=None)
"""The span of the call that began what runs now."""


def carried() -> contextvars.Context:
    """Give a context that is empty but for the present call's span: what a call begins may go on behind its end."""
    made = contextvars.Context()
    if (call := trace.get_current_span()).get_span_context().is_valid:
        made.run(_CALL.set, call)
    return made


@dataclass(frozen=True, slots=True)
class Tracing:
    """Makes spans; as a ``Watcher`` and a ``ModelWatcher``.

    Attributes:
        store: Which kind of store is written to.
        texts: Whether prompts and replies are attributes.
    """

    store: str
    texts: bool = False

    @contextmanager
    def step(self, doing: Doing) -> Generator[Callable[[Answer], None]]:
        """Make the span of a step, inside that of its call or, once that has ended, linked to it."""
        about = _about(doing) | {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": doing.companion_type}
        with span(f"{doing.step} {doing.companion_type}", about, **_origin()) as made:
            yield partial(_tell_answer, made)

    @contextmanager
    def asking(self, asked: Asked) -> Generator[Callable[[Written], None]]:
        """Make the span of one call of a model."""
        provider, _, model = asked.model.partition(":")
        about = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDERS.get(provider, provider),
            "gen_ai.request.model": model,
            "gen_ai.request.temperature": asked.task.sampling.temperature,
            "gen_ai.request.max_tokens": asked.task.sampling.max_tokens,
        }
        if asked.doing is not None:
            about |= _about(asked.doing)
        if self.texts:
            about |= _told_messages(asked.task.messages)
        with span(f"chat {model}", about, kind=SpanKind.CLIENT) as made:
            yield partial(_tell_written, made, self.texts)

    @contextmanager
    def using(self, call: ToolCall) -> Generator[Callable[[ToolResult], None]]:
        """Make the span of one call of a tool."""
        about = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.id,
        }
        if self.texts:
            about["gen_ai.tool.call.arguments"] = json.dumps(call.arguments, ensure_ascii=False)
        with span(f"execute_tool {call.name}", about) as made:
            yield partial(_tell_result, made, self.texts)

    def handed_over(self) -> object:
        """Give the present step's span, if it is kept, for what it hands to the writer to be linked to it."""
        context = trace.get_current_span().get_span_context()
        return context if context.is_valid and context.trace_flags.sampled else None

    @contextmanager
    def writing(self, parcels: Sequence[Parcel]) -> Generator[None]:
        """Make the span of one batch, linked to the steps that it is of."""
        steps = [parcel.origin for parcel in parcels if isinstance(parcel.origin, trace.SpanContext)]
        links = [Link(step) for step in {step.span_id: step for step in steps}.values()]
        entries = sum(len(parcel.entries) for parcel in parcels)
        about = {
            "db.system.name": self.store,
            "db.operation.name": "append",
            "db.operation.batch.size": entries,
            "companion.sessions": len({parcel.place.session_id for parcel in parcels}),
        }
        with span(f"append {entries} entries", about, kind=SpanKind.CLIENT, context=Context(), links=links) as made:
            yield
            _tell_outcomes(made, parcels)


def _origin() -> dict[str, Any]:
    """Say where a span belongs: in its call's while that lasts, else by itself with a link to it."""
    call = _CALL.get()
    if call is None:
        return {}
    context = call.get_span_context()
    # One that is not sampled is never recorded, also while it lasts; what is inside it is not sampled either.
    if call.is_recording() or not context.trace_flags.sampled:
        return {"context": trace.set_span_in_context(call)}
    return {"context": Context(), "links": [Link(context)]}


def _about(doing: Doing) -> dict[str, Any]:
    return {
        "gen_ai.conversation.id": doing.session_id,
        "companion.session_id": doing.session_id,
        "companion.companion_type": doing.companion_type,
        "companion.step": doing.step,
    }


def _tell_answer(made: Span, given: Answer) -> None:
    if not made.is_recording():
        return
    meta: Attributes = {} if given.entry is None else given.entry.meta
    told: dict[str, Any] = {
        "status": given.status,
        "slot": given.slot,
        "iteration": given.iteration,
        "phase": given.phase,
        "mode": given.mode,
        "stop_reason": given.stop_reason,
        "already_done": given.already_done or None,
        "seq": None if given.entry is None else given.entry.seq,
        "similarity": meta.get("similarity"),
    }
    made.set_attributes({f"companion.{name}": value for name, value in told.items() if value is not None})


def _tell_written(made: Span, texts: bool, written: Written) -> None:
    if not made.is_recording():
        return
    meta, finish = written.meta, written.meta.get("finish_reason")
    told = {
        "gen_ai.response.model": written.model,
        "gen_ai.response.id": meta.get("response_metadata", {}).get("id"),
        "gen_ai.response.finish_reasons": None if finish is None else [finish],
        "gen_ai.response.time_to_first_chunk": meta.get("first_token_seconds"),
        **{name: written.usage.get(ours) for ours, name in USAGE.items()},
    }
    if texts:
        parts = [*(_parts(written.text) if written.text else ()), *map(_call, written.calls)]
        said = {"role": "assistant", "parts": parts, "finish_reason": finish or "stop"}
        told["gen_ai.output.messages"] = json.dumps([said], ensure_ascii=False)
    made.set_attributes({name: value for name, value in told.items() if value is not None})


def _tell_result(made: Span, texts: bool, result: ToolResult) -> None:
    if not made.is_recording():
        return
    if result.failed:
        made.set_attribute("error.type", "tool_error")
        made.set_status(StatusCode.ERROR)
    if texts:
        made.set_attribute("gen_ai.tool.call.result", result.text)


def _told_messages(messages: Sequence[Message]) -> dict[str, str]:
    """Give a prompt as the conventions have it: as JSON, the instructions apart from what is said."""
    system = [part for message in messages if message.role == "system" for part in _parts(message.text)]
    said = [
        {"role": ROLES[message.role], "parts": _answer(message) if message.role == "tool" else _parts(message.text)}
        for message in messages
        if message.role != "system"
    ]
    told = {"gen_ai.system_instructions": system, "gen_ai.input.messages": said}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in told.items() if value}


def _parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "content": text}]


def _answer(message: Message) -> list[dict[str, str]]:
    return [{"type": "tool_call_response", "id": message.answers, "response": message.text}]


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}


def _tell_outcomes(made: Span, parcels: Sequence[Parcel]) -> None:
    if not made.is_recording():
        return
    outcomes = Counter(type(parcel.outcome).__name__ for parcel in parcels if parcel.outcome is not None)
    for name, count in outcomes.items():
        made.set_attribute(f"companion.outcome.{name.lower()}", count)
    if failed := next((parcel.outcome for parcel in parcels if isinstance(parcel.outcome, Exception)), None):
        fail(made, failed)
    elif Kept.__name__ in outcomes:
        made.set_attribute("error.type", StoreAwayError.__name__)
        made.set_status(StatusCode.ERROR)
