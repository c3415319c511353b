"""LangChain chat models as models of ours: one streamed call, heard piece by piece, within its bounds.

It asks and listens. The line to a provider is its own module's, which model a name means ``model_catalog``'s work,
what a reply is worth ``model_replies``'s, how faults are worded ``model_faults``'s.
"""

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from companions import model_faults
from companions.called_tools import offered
from companions.chats import Chat
from companions.content_blocks import all_spoken, carried, check_takes
from companions.errors import ModelError
from companions.model_replies import Heard
from companions.models import OnText, Sampling, Task, Written
from companions.patience import DEFAULT_BOUNDS, Bounds, Patience
from companions.providers import provider_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from langchain_core.messages import AIMessageChunk


class LangChainModel:
    """Any LangChain chat model as a model that writes our texts.

    Args:
        chat: The model to ask; one that cannot stream is heard as one piece.
        name: How it was asked for; by default what the chat model calls itself.
        bounds: How long a call may take.
    """

    def __init__(self, chat: Chat, *, name: str | None = None, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._chat = chat
        self._asked = _own_name(chat)
        self._name = name or self._asked
        self._bounds = bounds
        self._provider = provider_of(self._name)

    @property
    def name(self) -> str:
        """How it was asked for."""
        return self._name

    async def write(self, task: Task, on_text: OnText | None = None) -> Written:
        """Write the task's text, streamed.

        Returns:
            The text, or the tools that the model calls. Its ``meta`` holds ``finish_reason``, ``seconds``,
            ``first_token_seconds``, ``response_metadata``, ``retries`` where they are counted, in ``sampling`` what
            was in force of temperature and max_tokens, and in ``not_sent`` what of them was asked for and is not taken
            by the model.

        Raises:
            ModelTimeoutError: A bound was passed.
            ToolsRefusedError: It cannot be asked with tools.
            ModelReplyError: The reply is cut, unreadable, empty, or was ended by a limit or filter.
            ModelError: The provider refused or could not be reached, after its client's own retries.
        """
        check_takes(self._chat.profile, task.messages, model=self._asked, of=self._provider)
        sent = self._to_send(task.sampling)
        heard = Heard(on_text, asked=self._asked, finishes=self._provider.finishes, tools=bool(task.tools))
        patience = Patience(self._bounds, began=task.began)
        try:
            await self._hear(task, sent, heard, patience)
            meta = self._in_force(task.sampling, sent)
            limit, counted = meta["sampling"].get("max_tokens"), {"retries": patience.retries}
            return heard.written(max_tokens=limit, meta=meta | counted)
        except ModelError as error:
            error.retries = patience.retries
            raise

    async def _hear(self, task: Task, sent: dict[str, Any], heard: Heard, patience: Patience) -> None:
        """Hear the reply within its bounds."""
        said, tools = await all_spoken(task.messages), offered(self._chat, task.tools, model=self._asked)
        try:
            async with patience, aclosing(self._stream(said, self._provider.said(sent) | tools)) as stream:
                await self._listen(stream, heard, patience, task)
        except TimeoutError as error:
            if not patience.expired:
                raise  # a listener's own
            if heard.finish is None:
                raise model_faults.late(patience, model=self._asked) from error

    def _stream(self, prompt: list[Any], arguments: dict[str, Any]) -> "AsyncGenerator[AIMessageChunk]":
        stream = self._chat.astream(prompt, **arguments)
        return cast("AsyncGenerator[AIMessageChunk]", stream)  # declared as an iterator; closing it ends the connection

    async def _listen(
        self, stream: "AsyncGenerator[AIMessageChunk]", heard: Heard, patience: Patience, task: Task
    ) -> None:
        """Hear the stream to its end; only what comes from the provider's side is turned into our errors."""
        while True:
            try:
                chunk = await anext(stream)
            except StopAsyncIteration:
                return
            except Exception as error:
                if heard.finish is not None:
                    return  # the reply is whole and paid for; what broke came behind its end
                raise model_faults.fault(
                    error,
                    model=self._asked,
                    started=heard.started,
                    sent=patience.requests > 0,
                    of=self._provider,
                    carried=carried(task.messages),
                    tools=bool(task.tools),
                ) from error
            patience.heard()
            heard.take(chunk)

    def _to_send(self, sampling: Sampling) -> dict[str, Any]:
        sent = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
        if sampling.temperature != 1 and self._provider.one_temperature.match(self._asked):
            del sent["temperature"]
        return {name: value for name, value in sent.items() if value is not None}

    def _in_force(self, sampling: Sampling, sent: dict[str, Any]) -> dict[str, Any]:
        """Say what the call was made with: what was sent for it, else what the chat model always sends."""
        asked = {"temperature": sampling.temperature, "max_tokens": sampling.max_tokens}
        used = {name: sent.get(name, getattr(self._chat, name, None)) for name in asked}
        return {
            "sampling": {"execution_mode": "server"}
            | {name: value for name, value in used.items() if value is not None},
            "not_sent": {name: value for name, value in asked.items() if value is not None and name not in sent},
        }


def _own_name(chat: Chat) -> str:
    names = (getattr(chat, "model_name", None), getattr(chat, "model", None), type(chat).__name__)
    return next(name for name in names if isinstance(name, str) and name)
