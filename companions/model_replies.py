"""One reply of a chat model: what was heard of it, whether it can be used, and what is recorded of it.

It reads LangChain's chunks by what they carry and imports nothing of it; asking and waiting is ``langchain_models``'s.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from companions.called_tools import MOST_ARGUMENTS, argued, called
from companions.errors import ModelReplyError, ReplyLengthError, ToolCallError
from companions.model_faults import AGAIN
from companions.models import OnText, Written
from companions.tool_calls import ToolCall

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

METADATA_CHARACTERS = 2_000
"""Longest value of a reply's metadata that is kept, as JSON; longer ones are tables of probabilities."""
ALWAYS_FINISHES = frozenset({"openai"})
"""Providers, as LangChain names them, whose complete replies always say why they stopped, whoever made the model."""
ZERO_TOLD = frozenset({"cache_read", "reasoning"})
LENGTH = frozenset({"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded"})
FILTERED = frozenset(
    {"content_filter", "safety", "refusal", "prohibited_content", "blocklist", "recitation", "spii", "image_safety"}
)
TOOLS = frozenset({"tool_calls", "tool_use", "function_call", "malformed_function_call", "unexpected_tool_call"})
BROKEN_OFF = frozenset({"other", "language", "pause_turn", "error"})


class Heard:
    """What has arrived of one reply.

    Pieces are joined as they were heard, and of metadata the newest value counts: adding LangChain's chunks to each
    other would join a finish reason that a provider sends twice into ``stopstop``.

    Args:
        on_text: Hears each piece as it arrives.
        asked: The model that was asked for.
        finishes: Whether the model's complete replies always say why they stopped.
        tools: Whether it may call tools.
    """

    def __init__(self, on_text: OnText | None, *, asked: str, finishes: bool = False, tools: bool = False) -> None:
        self._on_text = on_text
        self._asked = asked
        self._finishes = finishes
        self._tools = tools
        self._chunks: list[AIMessageChunk] = []
        self._called_tool = False
        self._arguments = 0
        self._pieces: list[str] = []
        self._usage: Counter[str] = Counter()
        self._metadata: dict[str, Any] = {}
        self._asked_at = perf_counter()
        self._first_at: float | None = None

    @property
    def started(self) -> bool:
        """Whether words have arrived."""
        return self._first_at is not None

    @property
    def finish(self) -> str | None:
        """Why the model stopped, under whichever name its provider says so; None until then."""
        details: object = self._metadata.get("incomplete_details")
        reasons = [self._metadata.get(key) for key in ("finish_reason", "stop_reason", "done_reason")]
        if isinstance(details, dict):
            reasons.append(cast("dict[str, Any]", details).get("reason"))
        reasons.append(self._metadata.get("status"))
        return next((reason for reason in reasons if isinstance(reason, str) and reason), None)

    @property
    def _blocked(self) -> bool:
        """Whether the provider refused to read the prompt, which Google says beside a reply of nothing."""
        feedback: object = self._metadata.get("prompt_feedback")
        return isinstance(feedback, dict) and bool(cast("dict[str, Any]", feedback).get("block_reason"))

    def take(self, chunk: "AIMessageChunk") -> None:
        """Take in the next chunk.

        Raises:
            ToolCallError: It calls tools with more than anybody could mean; the rest need not be heard.
        """
        self._metadata.update(chunk.response_metadata)
        self._usage.update(_counts(getattr(chunk, "usage_metadata", None)))
        if self._tools:
            self._chunks.append(chunk)
            self._arguments += argued(chunk)
            if self._arguments > MOST_ARGUMENTS:
                what = f"The model {self._asked!r} called a tool with over {MOST_ARGUMENTS:,} characters of arguments."
                raise ToolCallError(what, AGAIN)
        self._called_tool |= bool(getattr(chunk, "tool_call_chunks", None) or getattr(chunk, "tool_calls", None))
        if piece := str(chunk.text):
            self._first_at = self._first_at or perf_counter()
            self._pieces.append(piece)
            if self._on_text is not None:
                self._on_text(piece)

    def written(self, *, max_tokens: int | None, meta: Mapping[str, Any]) -> Written:
        """Give the reply as a text of ours.

        Args:
            max_tokens: The limit that was in force.
            meta: What else is recorded of the call.

        Raises:
            ModelReplyError: It stopped at a limit or a filter, was cut, or is empty.
        """
        text = "".join(self._pieces)
        calls, turn = called(self._chunks) if self._called_tool else ((), None)
        self._judge(text, calls, max_tokens=max_tokens)
        first = None if self._first_at is None else round(self._first_at - self._asked_at, 6)
        recorded = {
            "finish_reason": self.finish,
            "seconds": round(perf_counter() - self._asked_at, 6),
            "first_token_seconds": first,
            "response_metadata": _as_json(self._metadata),
            **meta,
        }
        return Written(
            text=text,
            model=str(self._metadata.get("model_name") or self._asked),
            usage=dict(self._usage),
            meta={name: value for name, value in recorded.items() if value not in (None, {})},
            calls=calls,
            turn=turn,
        )

    def _judge(self, text: str, calls: Sequence[ToolCall], *, max_tokens: int | None) -> None:
        """Refuse a reply that ended well for the library and not for its reader."""
        reason, model = (self.finish or "").lower(), self._asked
        if reason in LENGTH:
            limit = "" if max_tokens is None else f" of {max_tokens} tokens"
            raise ReplyLengthError(
                f"The model {model!r} stopped at its length limit{limit}.", "Raise max_tokens or shorten the text."
            )
        if reason in FILTERED or self._blocked:
            raise ModelReplyError(
                f"The provider of the model {model!r} withheld the reply by its content filter.",
                "Word the text in another way, or choose another model.",
            )
        if calls:
            return
        if self._tools and (reason in TOOLS or self._called_tool):
            raise ToolCallError(f"The model {model!r} called a tool in a way that cannot be read.", AGAIN)
        if reason in TOOLS or self._called_tool:
            raise ModelReplyError(f"The model {model!r} called a tool, of which it has none, and wrote no text.", AGAIN)
        finishes = self._finishes or self._metadata.get("model_provider") in ALWAYS_FINISHES
        if reason in BROKEN_OFF or (not reason and finishes):
            raise ModelReplyError(f"The reply of the model {model!r} was cut off.", AGAIN, outage="away")
        if not text.strip():
            raise ModelReplyError(f"The model {model!r} answered with an empty text.", AGAIN)


def _counts(usage: Mapping[str, Any] | None) -> dict[str, int]:
    """Flatten LangChain's usage: ``input_token_details.cache_read`` becomes ``cache_read_tokens``.

    A 0 is left out, unless it says that a provider which counts cached or reasoning tokens found none.
    """
    counts: dict[str, int] = {}
    for name, value in (usage or {}).items():
        if isinstance(value, int):
            counts[name] = value
        elif isinstance(value, Mapping):
            details = cast("Mapping[str, Any]", value)
            counted = {part: count for part, count in details.items() if isinstance(count, int)}
            counts |= {f"{part}_tokens": count for part, count in counted.items() if count or part in ZERO_TOLD}
    return counts


def _as_json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what of a reply's metadata is a JSON value of modest size."""
    kept: dict[str, Any] = {}
    for name, value in metadata.items():
        try:
            written = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            continue
        if len(written) <= METADATA_CHARACTERS:
            kept[name] = json.loads(written)
    return kept
