"""One question put to OpenAI's Responses API, and its streamed events told as pieces of a reply.

It takes the place of a LangChain chat model, whose own stream does not tell whether the server really went on from the
response that was named; one that ignores it would answer without the history. What is asked is the caller's to choose.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from companions.native_sessions import FellBack
from companions.openai_line import OpenAILine
from companions.patience import Patience

if TYPE_CHECKING:
    from openai.types.responses import Response, ResponseStreamEvent

Spoken = Mapping[str, Any]
"""A message as LangChain takes it: its ``role`` and its ``content``."""
ROLES = {"human": "user", "ai": "assistant"}
NOT_THERE = frozenset({404, 405, 501})
REFUSED = frozenset({400, 404})
STATUS = {"rate_limit_exceeded": 429, "server_error": 500}
"""What a status of HTTP would be for a failure that is told in the stream."""
REFUSED_REQUEST = 400
CUT = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""Why a reply may be incomplete in a way that its reader is told of, in the words of chat completions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one event tells, by the names of LangChain's chunks."""

    text: str = ""
    response_metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    usage_metadata: Mapping[str, Any] | None = None


class ResponseFailedError(Exception):
    """The model failed; ``status_code`` is what HTTP would have said, if that can be told."""

    def __init__(self, code: str | None) -> None:
        super().__init__(code)
        self.status_code = None if code is None else STATUS.get(code, REFUSED_REQUEST)


class ResponsesChat:
    """One question.

    Args:
        line: Who is asked.
        model: The model's name.
        before: The response that it goes on from; only the last message is then sent.

    Attributes:
        response: The id of the response that the server keeps, once it has begun to answer.
        refused: Why the server cannot be asked so; ``None`` while it can.
        retries: How often its client asked again, once it was heard to the end.
    """

    def __init__(self, line: OpenAILine, model: str, before: str | None) -> None:
        self.model_name = model
        self.profile = None
        self.response: str | None = None
        self.refused: FellBack | None = None
        self.retries = 0
        self._line = line
        self._before = before
        self._refusal = False

    def bind_tools(self, tools: Sequence[object]) -> object:
        """Refuse them: it asks for drafts, and tools are offered to critics alone."""
        raise NotImplementedError(len(tools))

    async def astream(self, prompt: Sequence[Spoken], **sent: Any) -> AsyncGenerator[Piece]:
        """Ask, and tell the answer piece by piece.

        Args:
            prompt: Messages of texts alone, as ``content_blocks.spoken`` gives them.
            sent: ``temperature`` and ``max_tokens``, where they are chosen.
        """
        patience = Patience.current()
        try:
            async with aclosing(self._events(prompt, sent)) as events:
                async for event in events:
                    if (piece := self._piece(event)) is not None:
                        yield piece
        finally:
            self.retries = 0 if patience is None else patience.retries or 0

    async def _events(self, prompt: Sequence[Spoken], sent: Mapping[str, Any]) -> "AsyncGenerator[ResponseStreamEvent]":
        responses = await self._line.responses()
        said: Any = [  # of two shapes the SDK's type takes only one at a time
            {"role": ROLES[message["role"]], "content": message["content"]}
            for message in prompt
            if message["role"] in ROLES
        ]
        asked: dict[str, Any] = {"temperature": sent.get("temperature"), "max_output_tokens": sent.get("max_tokens")}
        asked |= {"previous_response_id": self._before}
        try:
            stream = await responses.create(
                model=self.model_name,
                # They are not part of what is kept, so that they are sent each time.
                instructions="\n\n".join(message["content"] for message in prompt if message["role"] == "system"),
                input=said if self._before is None else said[-1:],
                store=True,
                stream=True,
                **{name: value for name, value in asked.items() if value is not None},
            )
        except Exception as error:
            self.refused = self._why_refused(error)
            raise
        async with stream:
            async for event in stream:
                yield event

    def _why_refused(self, error: Exception) -> FellBack | None:
        status, code, param = (getattr(error, name, None) for name in ("status_code", "code", "param"))
        if code == "model_not_found":
            return None
        if self._before is None:
            return "unsupported" if status in NOT_THERE else None
        lost = code == "previous_response_not_found" or param == "previous_response_id" or status in NOT_THERE
        return "expired" if lost and status in REFUSED | NOT_THERE else None

    def _piece(self, event: "ResponseStreamEvent") -> Piece | None:
        match event.type:
            case "response.created":
                return self._begun(event.response)
            case "response.output_text.delta":
                return Piece(text=event.delta)
            case "response.refusal.done":
                self._refusal = True
                return None
            case "response.completed" | "response.incomplete":
                return self._end(event.response)
            case "response.failed":
                raise ResponseFailedError(None if event.response.error is None else event.response.error.code)
            case "error":
                raise ResponseFailedError(event.code)
            case _:
                return None

    def _begun(self, response: "Response") -> Piece:
        if self._before is not None and getattr(response, "previous_response_id", None) != self._before:
            self.refused = "unsupported"
            raise ResponseFailedError(None)
        if getattr(response, "store", None) is not False:
            self.response = response.id
        return Piece(response_metadata={"model_provider": "openai"})

    def _end(self, response: "Response") -> Piece:
        details = response.incomplete_details
        reason = None if details is None else details.reason
        if response.status != "completed" and reason not in CUT:
            raise ResponseFailedError(None)
        finish = "refusal" if self._refusal else CUT.get(reason or "", "stop")
        metadata = {"finish_reason": finish, "model_name": str(response.model), "id": response.id}
        return Piece(response_metadata=metadata, usage_metadata=_usage(response))


def _usage(response: "Response") -> dict[str, Any] | None:
    """Tell the counts by LangChain's names; a server may leave some out."""
    usage = response.usage
    if usage is None:
        return None
    read, wrote = getattr(usage, "input_tokens_details", None), getattr(usage, "output_tokens_details", None)
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "input_token_details": {"cache_read": getattr(read, "cached_tokens", None)},
        "output_token_details": {"reasoning": getattr(wrote, "reasoning_tokens", None)},
    }
